/** `conductor ui`: the page of this project, until it is stopped. */

import { basename } from 'node:path';
import type { Result } from '../../../base/result.js';
import { openUi, type UiServer } from '../../../commands/ui/server.js';
import { runProgram } from '../../../io/process/process.js';
import type { Failure } from '../../../model/failure.js';
import { CALLED_AS } from '../../invocation.js';
import { CALL, refuse } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { commandLine, createHost, uiAssets } from '../../wire.js';

export interface UiFlags {
  readonly port?: number;
  /** False: `--no-open`. */
  readonly open: boolean;
  readonly actions?: boolean;
}

export async function runUi(flags: UiFlags): Promise<number> {
  const signals = cancelOnSignals();
  try {
    const opened = await startUi(flags);
    if (!opened.ok) return refuse(opened.error);
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

/** Starts the server and, when it was asked for, a browser. */
export async function startUi(flags: UiFlags): Promise<Result<UiServer, Failure>> {
  const host = createHost(process.cwd());
  const { directory } = host;
  const opened = await openUi({
    host,
    name: basename(directory),
    calledAs: CALL,
    assets: uiAssets(),
    port: flags.port ?? 0,
    ...(flags.actions ? { start: (args: readonly string[]) => runConductor(directory, args) } : {}),
    after(ms, call) {
      const timer = setTimeout(call, ms);
      timer.unref();
      return () => clearTimeout(timer);
    },
    onError: (error) => {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.stderr.write(`conductor: this is a bug in conductor, please report it\n${text}\n`);
    },
  });
  if (opened.ok && flags.open) void openBrowser(opened.value.address);
  return opened;
}

/** A command of conductor itself, as a process of its own: it holds the project's lock and leaves its own log. */
async function runConductor(
  directory: string,
  args: readonly string[],
): Promise<{ exitCode: number; tail: string }> {
  const exit = await runProgram({
    command: [...commandLine(), ...args],
    cwd: directory,
    env: { ...process.env, NO_COLOR: '1', [CALLED_AS]: CALL },
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
