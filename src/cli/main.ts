/** The command line: runs one command, turns its outcome into an exit code, and catches everything else. */

import { closeSync, fstatSync } from 'node:fs';
import { isatty } from 'node:tty';
import { CommanderError } from 'commander';
import { takeLastSteps } from '../io/process/last-steps.js';
import { boundGarbage, keepCompiledCode, optimiseLater } from '../io/process/v8.js';
import type { FailureAnswer } from '../model/failure-parts.js';
import type { SeenChanges } from '../workspace/reading/seen-changes.js';
import { answerError, answerInJson, CALL, helpAsCalled, refuse } from './output.js';
import { createProgram } from './program.js';
import { receivedSignal } from './signals.js';
import { handOnChanges } from './wire.js';

interface Start {
  /** Keeps what V8 has compiled of the command line. */
  keepCode(): void;
  /** What the start saw of the project, which a build may go on from. */
  readonly seen: SeenChanges | undefined;
}

/** Loads the code of a build before it is certain that one follows. */
export async function prepareBuild(): Promise<void> {
  await import('./commands/build/build.js');
}

/** Runs the command line of this process and sets its exit code. */
export async function main({ keepCode, seen }: Start): Promise<void> {
  handOnChanges(seen);
  boundGarbage();
  optimiseLater();
  // The reader may stop (`| head`), the terminal may close, the disk of a log may be full: the build continues.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('exit', leaveClosedTerminals);
  process.on('uncaughtException', (error) => {
    void report(error).then((code) => process.exit(code));
  });
  // What conductor prints of an agent, a test or a spec must be no command for the runner of GitHub.
  if (process.env.GITHUB_ACTIONS === 'true') (await import('./ci/guarded-output.js')).guardOutput();
  let isDone = false;
  let idle = 0;
  process.on('beforeExit', () => {
    if (isDone) return;
    // A config that waits for ever is found at the first time, and the command goes on.
    if (idle++ === 0) setImmediate(() => {});
    else {
      const error = new Error('nothing is left to wait for, and the command has not ended');
      void report(error).then((code) => process.exit(code));
    }
  });
  process.exitCode = await runCommandLine(process.argv);
  await takeLastSteps();
  isDone = true;
  keepCompiledCode(keepCode);
  // A config may have left timers or sockets behind; they do not keep a build that has ended.
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  leave();
}

/** At its exit Node restores each terminal that it was started with, and aborts when one is gone, unless it is closed. */
function leaveClosedTerminals(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (fstatSync(fd).isCharacterDevice() && !isatty(fd)) closeSync(fd);
    } catch {
      // It is closed already.
    }
  }
}

/** Runs one command; its exit code. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const setExitCode = (code: number) => {
    exitCode = code;
  };
  const program = createProgram(setExitCode, helpAsCalled, argv[2]);
  program.hook('preAction', (_, command) => {
    const { json, format } = command.opts<{ json?: boolean; format?: string }>();
    answerInJson(json === true || format === 'json');
  });
  try {
    await program.parseAsync([...argv]);
    return exitCode;
  } catch (error) {
    return report(error, argv);
  }
}

/** A closed terminal ends a program by its signal, so that the parent process sees the cause. */
function leave(): void {
  if (receivedSignal() === 'SIGHUP') {
    process.removeAllListeners('SIGHUP');
    process.kill(process.pid, 'SIGHUP');
    return;
  }
  process.exit();
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.errored) resolve();
    else stream.write('', () => resolve());
  });
}

/** Usage errors were printed by the parser; anything else that is thrown is a bug of conductor's. */
async function report(error: unknown, argv: readonly string[] = process.argv): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    // The parser threw before a command began.
    answerInJson(argv.includes('--json'));
    answerError(usageAnswer(error));
    return 2;
  }
  const { asFailure } = await import('../io/files.js');
  let failure = asFailure(error);
  if (failure?.kind === 'git-failed' && (await endedWithUs())) failure = { kind: 'cancelled' };
  if (failure) {
    return refuse(failure);
  }
  const text = await bugReport(error);
  process.stderr.write(text);
  const message = `conductor has a bug: ${error instanceof Error ? error.message : String(error)}`;
  const fix = 'report it, with the lines on stderr and the command that you ran';
  answerError({ kind: 'bug', message, details: [], fix });
  return 2;
}

/** `error: unknown option '--x'\n(Did you mean --y?)` as a sentence and what to do. */
function usageAnswer({ message }: CommanderError): FailureAnswer {
  const [first = '', ...more] = message.replace(/^error: /, '').split('\n');
  const near = more.join(' ').replace(/^\((.*)\)$/, '$1');
  const fix = near === '' ? `\`${CALL} --help\` lists the commands and their options` : near;
  return { kind: 'usage', message: first, details: [], fix };
}

/** A signal to the whole process group ends git before conductor has heard of it. */
async function endedWithUs(): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return receivedSignal() !== undefined;
}

/** What a person sends to the project: nothing of it names a secret. */
async function bugReport(error: unknown): Promise<string> {
  const { VERSION } = await import('./version.js');
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return [
    'conductor: this is a bug in conductor. Your files and finished results are kept.',
    'Please report it with these lines and the command that you ran:',
    `conductor ${VERSION}, Node ${process.version}, ${process.platform} ${process.arch}`,
    stack,
    '',
  ].join('\n');
}
