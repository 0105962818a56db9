/** The fault library: compiled once a run, put before every process of one command. Knows no case. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The bits of `fault.c`. */
export const KIND = {
  openWrite: 1,
  write: 2,
  rename: 4,
  unlink: 8,
  link: 16,
  mkdir: 32,
  sync: 64,
  exec: 128,
  openRead: 256,
  read: 512,
} as const;
const KINDS = 10;
const PIDS = 1024;
/** The bytes of `struct state`: longs by kind, two more, a number, and the process ids. */
export const STATE_BYTES = (KINDS + 2) * 8 + 4 + PIDS * 4 + 64;
const PROCESSES_AT = (KINDS + 2) * 8;
/** What no command of a project of a few files takes, however busy the machine is. */
const HANG_MS = 120_000;

export const MUTATIONS =
  KIND.openWrite | KIND.write | KIND.rename | KIND.unlink | KIND.link | KIND.mkdir | KIND.sync | KIND.exec;

export interface Fault {
  readonly at: number;
  /** Below zero: who is killed (-1 all, -2 the process that does it, -3 the first); above: an errno. */
  readonly action: number;
  readonly kinds: number;
  readonly sticky: boolean;
}

export interface Run {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly hung: boolean;
  /** Operations by the bit of their kind. */
  readonly counts: readonly number[];
  readonly happened: number;
  readonly trace: string;
}

export const errno = (name: 'EIO' | 'ENOSPC' | 'EACCES' | 'EROFS' | 'EMFILE') => constants.errno[name];

/** Undefined where it cannot be compiled: not Linux, or no C compiler. */
export function compileLibrary(): { file: string; remove(): void } | undefined {
  if (process.platform !== 'linux') return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'conductor-fault-'));
  const file = join(folder, 'fault.so');
  const source = fileURLToPath(new URL('fault.c', import.meta.url));
  try {
    execFileSync('cc', ['-O1', '-shared', '-fPIC', '-o', file, source, '-ldl'], { stdio: 'pipe' });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return { file, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface Machine {
  readonly library: string;
  /** `bin/conductor.js` of the package under test. */
  readonly bin: string;
  /** Everything below it counts: the project, the home, a remote. */
  readonly root: string;
  readonly project: string;
  readonly home: string;
  /** Where this machine's own files are; outside of `root`. */
  readonly scratch: string;
}

/** Runs one command to its end, with a fault or only counting; what it leaves running is killed. */
export async function runWithFault(
  machine: Machine,
  args: readonly string[],
  fault: Fault,
  daysEarlier = 0,
): Promise<Run> {
  // Files of its own: what a run whose conductor alone was killed leaves running must not count, or be ended, in the next one.
  const folder = mkdtempSync(join(machine.scratch, 'run-'));
  const state = join(folder, 'state');
  const trace = join(folder, 'trace');
  writeFileSync(state, Buffer.alloc(STATE_BYTES));
  writeFileSync(trace, '');
  const child = spawn(process.execPath, [machine.bin, ...args], {
    cwd: machine.project,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      HOME: machine.home,
      TMPDIR: join(machine.root, 'tmp'),
      NO_COLOR: '1',
      RUNS: join(machine.root, 'runs.txt'),
      LD_PRELOAD: machine.library,
      FAULT_ROOT: machine.root,
      FAULT_STATE: state,
      FAULT_TRACE: trace,
      FAULT_KINDS: String(fault.kinds),
      FAULT_AT: String(fault.at),
      FAULT_ACTION: String(fault.action),
      FAULT_STICKY: fault.sticky ? '1' : '0',
      FAULT_DAYS: String(daysEarlier),
    },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    killAll(state);
  }, HANG_MS);
  const ended = await new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  clearTimeout(timer);
  const left = readFileSync(state);
  const long = (at: number) => Number(left.readBigInt64LE(at * 8));
  const traced = readFileSync(trace, 'utf8');
  // Processes that live on keep what they have mapped.
  rmSync(folder, { recursive: true });
  return {
    ...ended,
    stdout,
    stderr,
    hung,
    counts: Array.from({ length: KINDS }, (_, kind) => long(kind)),
    happened: long(KINDS + 1),
    trace: traced,
  };
}

/** Processes of the command that have not ended. */
function killAll(state: string): void {
  const left = readFileSync(state);
  for (let place = 0; place < Math.min(PIDS, left.readInt32LE(PROCESSES_AT)); place++) {
    const pid = left.readInt32LE(PROCESSES_AT + 4 + place * 4);
    if (pid <= 1) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
