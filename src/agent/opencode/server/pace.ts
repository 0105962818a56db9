/** The text of the plugin that limits how often, and how many times, models are called. OpenCode runs it. */

import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ownValue } from '../../../base/records/own-value.js';
import { sha256 } from '../../../base/sha256.js';
import { readText } from '../../../io/files.js';
import { writePassing } from '../../../io/passing-files.js';

/** In the error of a session whose next call would exceed its limit of steps. */
export const STEPS_REACHED = 'conductor: the limit of steps is reached';

/**
 * OpenCode waits for these hooks before each call of a model, those of sub-agents, titles and summaries included. All
 * folders of a server share one line of waiting calls by provider; no more than the limit start in any window. The
 * steps of a workspace are counted before they start: conductor, which sees only their ends, would stop one too late.
 * OpenCode asks again at once after an answer without an end; the pause gives conductor the time to judge it.
 */
const PLUGIN = `// Written by conductor. No model is called more often than the config allows.
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, realpathSync } from 'node:fs';

const policy = JSON.parse(readFileSync(new URL('../pace.json', import.meta.url), 'utf8'));
const lines = (globalThis[Symbol.for('conductor.pace')] ??= new Map());

async function turn(line, limit) {
  while (line.starts.length >= limit) {
    const wait = line.starts[line.starts.length - limit] + policy.windowMs - performance.now();
    if (wait <= 0) break;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  line.starts = [...line.starts.slice(-limit), performance.now()];
}

function grantOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

const isEnd = (finish) => finish === undefined || ['stop', 'tool-calls', 'length', 'content-filter'].includes(finish);

export const ConductorPace = async ({ directory }) => {
  const workspace = realpathSync(directory);
  const grants = policy.steps + '/' + createHash('sha256').update(workspace).digest('hex');
  let current = { name: '', calls: 0 };
  appendFileSync(policy.log, workspace + '\\0');
  return {
    event: async ({ event }) => {
      // A call that the provider failed is made again: it is the same step.
      if (event.type === 'session.status' && event.properties.status?.type === 'retry' && current.calls > 0) current.calls--;
    },
    'experimental.chat.messages.transform': async (_, { messages }) => {
      const last = messages.at(-1);
      if (last?.info.role !== 'assistant' || isEnd(last.info.finish)) return;
      if (last.parts.some((part) => part.type === 'tool')) return;
      await new Promise((resolve) => setTimeout(resolve, policy.pauseMs));
    },
    'chat.params': async ({ model }) => {
      const grant = grantOf(grants);
      if (grant !== undefined) {
        if (grant.name !== current.name) current = { name: grant.name, calls: 0 };
        if (current.calls >= grant.steps) throw new Error(${JSON.stringify(STEPS_REACHED)});
        current.calls++;
      }
      const limit = policy.limits[model.providerID];
      if (limit === undefined) return;
      let line = lines.get(model.providerID);
      if (!line) lines.set(model.providerID, (line = { starts: [], last: Promise.resolve() }));
      line.last = line.last.then(() => turn(line, limit));
      await line.last;
    },
  };
};
`;

/** Long enough for conductor to end a session although the machine is busy. */
const PAUSE_MS = 2000;

export interface Pace {
  /** Requests in any window of time, by provider. */
  readonly limits: Readonly<Record<string, number>>;
  readonly windowMs: number;
}

/** Where a server's plugin reads the steps of each workspace, and tells where it is loaded. */
export interface PaceFiles {
  /** Gets the real path of every folder that the plugin is loaded for. */
  readonly log: string;
  /** A folder with one file for each workspace. */
  readonly steps: string;
}

/** Writes the plugin into OpenCode's config folder. */
export async function writePace(configDir: string, files: PaceFiles, pace: Pace | undefined): Promise<void> {
  const policy = { limits: {}, windowMs: 0, ...pace, ...files, pauseMs: PAUSE_MS };
  await writePassing(join(configDir, 'pace.json'), JSON.stringify(policy));
  await writePassing(join(configDir, 'plugin', 'conductor-pace.js'), PLUGIN);
}

/** Whether it has been loaded for a workspace, which happens with its first request. */
export async function isPaced({ log }: PaceFiles, workspace: string): Promise<boolean> {
  return ((await readText(log)) ?? '').split('\0').includes(workspace);
}

/** Lets models be called so often in a workspace (its real path) from now on; undefined: without a limit. */
export async function allowSteps(
  { steps: folder }: PaceFiles,
  workspace: string,
  steps: number | undefined,
): Promise<void> {
  const file = join(folder, sha256(workspace));
  if (steps === undefined) await rm(file, { force: true });
  else await writePassing(file, JSON.stringify({ name: randomBytes(8).toString('hex'), steps }));
}

/** The longest that a call may wait for its turn when `sessions` go on at once: no sign of a session that hangs. */
export function longestWaitMs({ limits, windowMs }: Pace, provider: string, sessions: number): number {
  const limit = ownValue(limits, provider);
  return limit === undefined ? 0 : windowMs * Math.ceil((2 * sessions) / limit);
}
