/** A mark in the variables of every started program, by which what it left behind is found and ended. Linux only. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { codeOf, throwIfNotNow } from '../errors.js';

/** Inherited by everything that a program starts, in a session of its own too, unless it clears its variables. */
const MARK = 'CONDUCTOR_RUN';

/** A killed process ends within milliseconds; conductor does not wait for one that is stuck in the kernel. */
const ROUNDS = 100;

let count = 0;
let owner: string | undefined;
/** In front of the number: none in the process that owns the runs. */
let part = '';

export interface RunMark {
  /** Who started the run and its number, as a variable. Nothing where there is no `/proc`. */
  readonly variables: Readonly<Record<string, string>>;
  /** `startsSoFar` at some time before the run. */
  readonly startsBefore?: number | undefined;
}

/** The mark of one more run. */
export function nextRunMark(): RunMark {
  if (process.platform !== 'linux') return { variables: {} };
  // Many short runs share one reading: an older one only makes more processes count as younger than the run.
  if (counted === undefined || performance.now() - counted.at > SHORT_MS)
    counted = { at: performance.now(), starts: startsSoFar() };
  return { variables: { [MARK]: `${runOwner()}.${part}${++count}` }, startsBefore: counted.starts };
}

/** The process whose end makes its runs orphans, as its marks name it. */
export function runOwner(): string {
  if (process.platform !== 'linux') return '';
  owner ??= `${process.pid}.${startOf(process.pid)}.${namespace()}`;
  return owner;
}

/** From here on this process starts programs for another one, of which it is a part with a name. */
export function runFor(other: string, name: string): void {
  owner = other;
  part = `${name}-`;
}

/** The variables of a process that is such a part: what ends orphans ends it too. */
export function partVariables(name: string): Readonly<Record<string, string>> {
  return process.platform === 'linux' ? { [MARK]: `${runOwner()}.${name}` } : {};
}

/** Kills what a part of this process that is gone left running. */
export function killRunsOf(name: string): Promise<number> {
  return killAll((value) => value.startsWith(`${runOwner()}.${name}-`));
}

let counted: { readonly at: number; readonly starts: number | undefined } | undefined;

/** A program that has ended: what it may have left behind is to be found. */
export interface EndedRun {
  readonly mark: RunMark;
  /** Its first process. */
  readonly pid: number;
  readonly ms: number;
}

/** Kills all processes with the mark of a run, again until none is left. Returns how many. */
export async function killRun({ mark, pid, ms }: EndedRun): Promise<number> {
  const value = mark.variables[MARK];
  if (value === undefined) return 0;
  const isMeant = (one: string) => one === value;
  const isOrdered = ms < SHORT_MS || areNumbersLeft(mark, pid);
  return isOrdered ? killAll(isMeant, () => startedAfter(pid) ?? allProcesses()) : killAll(isMeant);
}

/** In this time no machine starts as many processes as there are numbers for them. */
const SHORT_MS = 1000;

/**
 * Whether fewer processes were started since a run began than there are numbers for them, so that what it started has numbers
 * after its own. Half of the numbers are kept for starts that failed: they use one up and are not counted.
 */
function areNumbersLeft({ startsBefore }: RunMark, first: number): boolean {
  const [starts, last] = [startsSoFar(), lastPid()];
  if (startsBefore === undefined || starts === undefined || last === undefined) return false;
  numbers ??= countIn('/proc/sys/kernel/pid_max', /^(\d+)$/m);
  const since = starts - startsBefore;
  // Where the numbers say that more were started than were counted, nothing is counted.
  return since > 0 && since >= last - first && since < (numbers ?? 0) / 2;
}

/** How many numbers there are for processes. */
let numbers: number | undefined;

/** Processes and threads that were started on this machine since its start. Undefined: the system does not tell. */
function startsSoFar(): number | undefined {
  return countIn('/proc/stat', /^processes (\d+)$/m);
}

function countIn(file: string, line: RegExp): number | undefined {
  try {
    const found = line.exec(readFileSync(file, 'latin1'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch {
    return undefined;
  }
}

/** Up to so many numbers are looked up one by one: a list of all processes costs more. */
const FEW = 100;

/** The given process and all younger ones: Linux gives numbers in turn. Undefined: only a list of all can tell. */
function startedAfter(first: number): string[] | undefined {
  const last = lastPid();
  if (last === undefined) return undefined;
  if (last < first) {
    // The numbers have begun again after the highest one.
    return allProcesses().filter((pid) => Number(pid) >= first || Number(pid) <= last);
  }
  if (last - first >= FEW) return allProcesses().filter((pid) => Number(pid) >= first && Number(pid) <= last);
  const numbers = Array.from({ length: last - first + 1 }, (_, i) => String(first + i));
  return numbers.filter((pid) => isOther(pid) && existsSync(`/proc/${pid}/environ`));
}

/** The number that was given last, as this process sees it. */
function lastPid(): number | undefined {
  try {
    const last = Number(readFileSync('/proc/loadavg', 'latin1').trim().split(' ').at(-1));
    return Number.isInteger(last) && last > 0 ? last : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Kills what conductors that are gone left running on this machine. Processes of another process namespace are left
 * alone: whether their conductor lives cannot be seen from here.
 */
export async function killOrphans(): Promise<number> {
  if (process.platform !== 'linux') return 0;
  const here = namespace();
  return killAll((value) => {
    const [pid, start, space] = value.split('.');
    return space === here && startOf(Number(pid)) !== start;
  });
}

/** Kills what this process started, at once: for its own end. */
export function killOwnRuns(): void {
  if (owner === undefined) return;
  for (const pid of allProcesses()) {
    try {
      if (variableOf(pid, MARK)?.startsWith(`${owner}.${part}`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended, of another user, or not readable now: the others are killed all the same.
    }
  }
}

/** `candidates` are asked for in each round. */
async function killAll(isMeant: (value: string) => boolean, candidates = allProcesses): Promise<number> {
  const killed = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const found = await withVariable(MARK, isMeant, candidates());
    if (found.length === 0) break;
    for (const pid of found) {
      killed.add(pid);
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch (error) {
        // Gone already, or another user's: neither can be helped here.
        if (codeOf(error) === undefined) throw error;
      }
    }
    await delay(5);
  }
  return killed.size;
}

/** Processes looked at between two moments in which others may go on. */
const AT_A_TIME = 200;

/** Numbers of the processes whose environment has such a variable. Linux only, elsewhere none. */
export async function withVariable(
  name: string,
  isMeant: (value: string) => boolean,
  pids: readonly string[] = allProcesses(),
): Promise<string[]> {
  const found: string[] = [];
  for (const [at, pid] of pids.entries()) {
    if (at % AT_A_TIME === AT_A_TIME - 1) await setImmediate();
    const value = variableOf(pid, name);
    if (value !== undefined && isMeant(value)) found.push(pid);
  }
  return found;
}

/** Throws if the system has no resources to read it: a program that lives must not be passed over. */
function variableOf(pid: string, name: string): string | undefined {
  try {
    return valueIn(readFileSync(`/proc/${pid}/environ`), `${name}=`);
  } catch (error) {
    throwIfNotNow(error);
    // Ended, or not readable for this user.
    return undefined;
  }
}

function allProcesses(): string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter(isOther);
}

function isOther(name: string): boolean {
  return /^\d+$/.test(name) && Number(name) !== process.pid;
}

function valueIn(environ: Buffer, name: string): string | undefined {
  let at = environ.indexOf(name);
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(name, at + 1);
  if (at < 0) return undefined;
  const end = environ.indexOf(0, at);
  return environ.toString('latin1', at + name.length, end < 0 ? undefined : end);
}

/** Whether a process runs: one that only waits to be noticed by its parent does not. */
export function isLive(pid: number): boolean {
  return startOf(pid) !== '';
}

/** When a process started, in the system's own words; empty when there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
  } catch (error) {
    throwIfNotNow(error);
    return '';
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch (error) {
    throwIfNotNow(error);
    return '';
  }
}
