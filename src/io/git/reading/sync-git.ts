/** Runs git while nothing else is to be done: in the quickest way that this node offers. Knows no repository and no command. */

import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type GitCall, type GitExit, gitArguments, gitEnvironment, observed } from '../git-process.js';

/** What such a git said. */
export type GitAnswer = Pick<GitExit, 'code' | 'stdout'>;

/** Like `git`, but blocking: cheaper when the process has nothing else to do. */
export function gitSync(args: readonly string[], call: GitCall = {}): GitAnswer {
  const ended = observed(args);
  const { status, output } = runSync('git', gitArguments(call, args), placeOf(call), 1);
  ended();
  return { code: status, stdout: output[1] as Buffer };
}

const SHELL = '/bin/sh';
/** The shell's exit code where both ended with 0. Not 0 too: a shell that variables tell to run nothing ends so. */
const BOTH_DONE = 3;

/**
 * Two at once, where there is a shell: a small process starts them in less time than this large one starts the second. What the
 * shell is told holds no data. Their exit code is 0 only where both ended so.
 */
export function gitBoth(
  [first, second]: readonly [readonly string[], readonly string[]],
  call: GitCall,
): readonly [GitAnswer, GitAnswer] {
  if (!existsSync(SHELL)) return [gitSync(first, call), gitSync(second, call)];
  const [one, two] = [gitArguments(call, first), gitArguments(call, second)];
  const [git, beside] = [
    `command git ${words(0, one.length)}`,
    `command git ${words(one.length, two.length)}`,
  ];
  // Each has its own output, and holds no other one open. A shell lets what it starts beside itself ignore Ctrl-C. The exit code of
  // git is never the shell's, also where variables tell this to end with the first program that fails.
  const script = `trap 'kill $!' INT QUIT; ${beside} 1>&3 3>&- & done=0; ${git} 3>&- && done=1; wait $! && [ $done = 1 ] && exit ${BOTH_DONE}; exit 1`;
  const ended = [observed(first), observed(second)];
  const { status, output } = runSync(SHELL, ['-c', script, SHELL, ...one, ...two], placeOf(call), 3);
  for (const end of ended) end();
  const code = status === BOTH_DONE ? 0 : 1;
  return [
    { code, stdout: output[1] as Buffer },
    { code, stdout: output[3] as Buffer },
  ];
}

/** Arguments of a shell's script, by number. */
function words(after: number, count: number): string {
  return Array.from({ length: count }, (_, i) => `"\${${after + i + 1}}"`).join(' ');
}

/** Starts git, beside which other work goes on. Its exit code is -1 when it could not be started or was ended. */
export function gitBeside(args: readonly string[], call: GitCall = {}): Promise<GitAnswer> {
  const child = spawn('git', gitArguments(call, args), {
    ...placeOf(call),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const stdout: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  return new Promise((resolve) => {
    child.on('error', () => resolve({ code: -1, stdout: Buffer.alloc(0) }));
    child.on('close', (code) => resolve({ code: code ?? -1, stdout: Buffer.concat(stdout) }));
  });
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

function placeOf(call: GitCall): Place {
  return { cwd: call.dir ?? call.workTree ?? call.gitDir ?? '/', env: gitEnvironment(call) };
}

interface Ended {
  /** -1: ended by a signal. */
  readonly status: number;
  /** What it wrote, by the number of its file. */
  readonly output: readonly (Buffer | null)[];
}

/** Reads standard output, and with `last` 3 also the file with that number. Throws where the program cannot be started. */
function runSync(file: string, args: readonly string[], { cwd, env }: Place, last: 1 | 3): Ended {
  const outputs = (['ignore', 'pipe', 'ignore', 'pipe'] as const).slice(0, last + 1);
  const ended = spawner()?.spawn({
    file,
    args: [file, ...args],
    cwd,
    envPairs: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    stdio: outputs.map((type) => ({ type, readable: false, writable: true })),
  });
  if (ended?.output && !ended.error) return { status: ended.status ?? -1, output: ended.output };
  const { status, output, error } = spawnSync(file, args, {
    cwd,
    env,
    stdio: outputs,
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  if (error) throw error;
  return { status: status ?? -1, output };
}

/** The part of node below `spawnSync`. */
interface Spawner {
  spawn(options: object): {
    readonly status: number | null;
    readonly output: readonly (Buffer | null)[] | null;
    readonly error?: number;
  };
}

/** Releases of Node in which it is as described, and no warning is printed. */
const KNOWN = /^v2[0-4]\./;

/**
 * `spawnSync` calls it, but comes with sockets, streams and servers, which node needs 3 ms to load, longer than git to look at a
 * thousand files. It is meant for node itself: where it is not there, or this node was told to warn or to forbid, the public
 * function does the same.
 */
function spawner(): Spawner | undefined {
  const { execArgv, env, version, platform } = process;
  const told = [...execArgv, env.NODE_OPTIONS, env.NODE_PENDING_DEPRECATION && 'deprecation'].join(' ');
  if (platform === 'win32' || !KNOWN.test(version) || /deprecation|permission|policy/.test(told))
    return undefined;
  try {
    const { binding } = process as unknown as { binding(name: string): Partial<Spawner> };
    const found = binding('spawn_sync');
    return typeof found.spawn === 'function' ? (found as Spawner) : undefined;
  } catch {
    return undefined;
  }
}
