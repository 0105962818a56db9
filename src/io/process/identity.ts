/** Which process a process number means, although the system may have given it again: start time and boot id. */

import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { throwIfNotNow } from '../errors.js';
import { cleanEnvironment, runProgram } from './process.js';
import { withVariable } from './run-marks.js';

export interface ProcessIdentity {
  readonly pid: number;
  /** In the system's own words; equal for the same process only, within one boot. */
  readonly start: string;
  /** Id of the boot; empty where the system has none and `start` is a full date. */
  readonly boot: string;
}

/**
 * The identity of a live process; undefined when there is none, it is dead and not yet reaped, or nothing tells. Rejects if the
 * system has no resources to open a file: a live process must not pass for a dead one.
 */
export async function identityOf(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform === 'win32') return undefined;
  if (process.platform !== 'linux') return askedIdentity(pid);
  const [stat, boot] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8').catch(throwIfNotNow),
    bootId(),
  ]);
  if (!stat) return undefined;
  // The program's name, in brackets, may hold anything: state is the field after it, start time the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = fields[19];
  if (start === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, start, boot };
}

/** Whether the process that was meant still lives. */
export async function isSame(identity: ProcessIdentity): Promise<boolean> {
  const now = await identityOf(identity.pid);
  return now !== undefined && now.start === identity.start && now.boot === identity.boot;
}

/**
 * Where a process number has a meaning: this boot of this machine and, in a container, its own list of processes.
 * Equal for two processes that can look at each other.
 */
export async function processPlace(): Promise<string> {
  const [boot, list] = await Promise.all([bootId(), readlink('/proc/self/ns/pid').catch(throwIfNotNow)]);
  return `${hostname()} ${boot} ${list ?? ''}`;
}

/** Empty where the system has none. */
async function bootId(): Promise<string> {
  return ((await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(throwIfNotNow)) ?? '').trim();
}

/** `ps` of macOS and the BSDs tells the second of the start. */
async function askedIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  const exit = await runProgram({
    command: ['ps', '-o', 'lstart=', '-p', String(pid)],
    cwd: '/',
    env: cleanEnvironment({}, []),
    timeoutMs: 5000,
  });
  const start = exit.kind === 'exited' && exit.code === 0 ? exit.tail.trim() : '';
  return start === '' ? undefined : { pid, start, boot: '' };
}

/** Live processes whose variables hold `name=value`; Linux only, elsewhere none. */
export async function processesWith(name: string, value: string): Promise<number[]> {
  return (await withVariable(name, (found) => found === value)).map(Number);
}

/** Bytes of resident memory of a process; 0 when it is gone or the system does not tell. */
export async function memoryBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
