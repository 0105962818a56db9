/** `conductor ui`: the page of this project, until it is stopped. */

import { basename } from 'node:path';
import type { Result } from '../../../base/result.js';
import type { StartConductor } from '../../../commands/ui/actions.js';
import { openUi } from '../../../commands/ui/project-pages.js';
import type { UiServer, UiServerOptions } from '../../../commands/ui/server.js';
import { runProgram } from '../../../io/process/process.js';
import type { Failure } from '../../../model/failure.js';
import { CALLED_AS } from '../../invocation.js';
import { CALL, printBug, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { idleTimer } from '../../timers.js';
import { commandLine, createHost, uiAssets } from '../../wire.js';

export interface UiFlags {
  readonly port?: number;
  /** False: `--no-open`. */
  readonly open: boolean;
  readonly actions?: boolean;
}

export function runUi(flags: UiFlags): Promise<number> {
  const host = createHost(process.cwd());
  const { directory } = host;
  return runPage(flags, (options) =>
    openUi({
      ...options,
      host,
      name: basename(directory),
      ...(flags.actions ? { start: startIn(directory) } : {}),
    }),
  );
}

/** What every page needs of this process. */
export interface PageOptions extends UiServerOptions {
  after(ms: number, call: () => void): () => void;
}

/** Serves a page until it is stopped, with a browser if that was asked for. */
export async function runPage(
  flags: UiFlags,
  open: (options: PageOptions) => Promise<Result<UiServer, Failure>>,
): Promise<number> {
  const signals = cancelOnSignals();
  try {
    const opened = await open({
      calledAs: CALL,
      assets: uiAssets(),
      port: flags.port ?? 0,
      after: idleTimer,
      onError: printBug,
    });
    if (!opened.ok) return refuse(opened.error);
    if (flags.open) void openBrowser(opened.value.address);
    process.stdout.write(`conductor: the page is at ${opened.value.address}\n`);
    process.stdout.write(
      `conductor: press Ctrl-C to stop${flags.actions ? '' : ' (read-only; --actions allows builds)'}\n`,
    );
    await stopped(signals.signal);
    await opened.value.close();
    return 0;
  } finally {
    signals.stop();
  }
}

/** Commands that a page starts in a project. `calledAs`: how the person calls conductor there. */
export function startIn(directory: string, calledAs = CALL): StartConductor {
  return (args: readonly string[]) => runConductor(directory, calledAs, args);
}

/** A command of conductor itself, as a process of its own: it holds the project's lock and leaves its own log. */
async function runConductor(
  directory: string,
  calledAs: string,
  args: readonly string[],
): Promise<{ exitCode: number; tail: string }> {
  const exit = await runProgram({
    command: [...commandLine(), ...args],
    cwd: directory,
    env: { ...process.env, NO_COLOR: '1', [CALLED_AS]: calledAs },
  });
  if (exit.kind === 'exited') return { exitCode: exit.code, tail: exit.tail };
  return { exitCode: 2, tail: exit.kind === 'not-found' ? `${exit.program} was not found` : exit.tail };
}

/** A browser that cannot be started is no failure: the address is printed. */
async function openBrowser(address: string): Promise<void> {
  const program = { darwin: 'open', win32: 'explorer' }[process.platform as string] ?? 'xdg-open';
  await runProgram({ command: [program, address], cwd: '/', env: process.env, timeoutMs: 10_000 }).catch(
    () => undefined,
  );
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
    // The server alone keeps the process alive; a signal ends it.
  });
}
