/** The page beside a build or a watch: a process of its own, so that it takes no time of the build's. */

import { runProgram } from '../../../io/process/process.js';
import { CALLED_AS } from '../../invocation.js';
import { CALL, remark } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { commandLine } from '../../wire.js';

export interface BesideOptions {
  /** On a terminal, the page is left open after the work until Ctrl-C: people want to look at the end, too. */
  readonly stays: boolean;
  /** The command that serves the page. */
  readonly page: readonly string[];
}

/** Runs the work with the page open beside it; the page ends with it. */
export async function withPage(
  work: () => Promise<number>,
  { stays, page: command }: BesideOptions,
): Promise<number> {
  const stop = new AbortController();
  let opened = () => {};
  const isOpen = new Promise<true>((resolve) => {
    opened = () => resolve(true);
  });
  const page = runProgram({
    command: [...commandLine(), ...command, ...(process.stdin.isTTY ? [] : ['--no-open'])],
    cwd: process.cwd(),
    env: { ...process.env, [CALLED_AS]: CALL },
    signal: stop.signal,
    onLine: (line) => {
      if (!line.includes('http://127.0.0.1:')) return;
      opened();
      process.stderr.write(`${line}\n`);
    },
  });
  try {
    const code = await work();
    const isThere = stays && process.stdin.isTTY && (await Promise.race([isOpen, page])) === true;
    if (isThere) await untilStopped();
    return code;
  } finally {
    stop.abort();
    await page;
  }
}

async function untilStopped(): Promise<void> {
  remark('the page stays open until you press Ctrl-C');
  const signals = cancelOnSignals();
  try {
    await new Promise<void>((resolve) => {
      // Waiting for a signal alone does not keep a process alive.
      const alive = setInterval(() => {}, 60_000);
      signals.signal.addEventListener('abort', () => {
        clearInterval(alive);
        resolve();
      });
    });
  } finally {
    signals.stop();
  }
}
