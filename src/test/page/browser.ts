/** A real browser on a real page of a scripted project, for tests. Knows no view. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { StartConductor } from '../../commands/ui/actions.js';
import { openUi } from '../../commands/ui/project-pages.js';
import { ensureBuilt, PACKAGE } from '../rig/command-line.js';
import type { Rig } from '../rig/rig.js';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];
/** Debian's Chromium; tests of the page are skipped by name where there is none. */
export const browserPath = PLACES.find((place) => existsSync(place));

const ARGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export const ASSETS = `${PACKAGE}/dist/ui`;

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Address without the key. */
  readonly origin: string;
  /** What the page's console and its errors said. */
  readonly complaints: readonly string[];
  /** Every address that the browser asked for. */
  readonly asked: readonly string[];
  go(hash: string): Promise<void>;
}

let running: Promise<Browser> | undefined;

export function browser(): Promise<Browser> {
  running ??= chromium.launch({ executablePath: browserPath as string, args: ARGS, env: cleanEnv() });
  return running;
}

export async function closeBrowser(): Promise<void> {
  await (await running)?.close();
  running = undefined;
}

function cleanEnv(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((one): one is [string, string] => one[1] !== undefined),
  );
}

/** A context of its own: nothing is left of a former page. */
export async function openAddress(address: string, width = 1280): Promise<OpenedPage> {
  const context = await (await browser()).newContext({ viewport: { width, height: 860 } });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const complaints: string[] = [];
  const asked: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(address);
  await page.waitForSelector('main h1');
  const go = async (hash: string) => {
    await page.evaluate((to) => {
      location.hash = to;
    }, hash);
  };
  return { page, context, origin: new URL(address).origin, complaints, asked, go };
}

/** The page of a rig's project, with its server in this process. */
export async function openRigPage(
  rig: Rig,
  options: { start?: StartConductor; width?: number } = {},
): Promise<OpenedPage> {
  return openAddress(await serveRig(rig, options.start), options.width);
}

/** The address with the key. */
export async function serveRig(rig: Rig, start?: StartConductor): Promise<string> {
  ensureBuilt();
  const opened = await openUi({
    host: { ...rig.host(new ScriptedAgent({ tripwire: true })), now: Date.now },
    name: 'project',
    calledAs: 'npx conductor',
    assets: ASSETS,
    port: 0,
    ...(start ? { start } : {}),
    after(ms, call) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    onError(error) {
      // A test that ends takes its project away while the page may still ask for something.
      if (existsSync(rig.dir)) throw error;
    },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  onTestFinished(() => opened.value.close());
  return opened.value.address;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core calls serious or critical on the page as it stands. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run(): Promise<{
          violations: { id: string; impact?: string; nodes: { html: string; failureSummary?: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.slice(0, 3).map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`),
      );
  });
}
