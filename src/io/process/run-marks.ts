/** A mark in the variables of every started program, by which what it left behind is found and ended. Linux only. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '../files.js';

/** Inherited by everything that a program starts, in a session of its own too, unless it clears its variables. */
const MARK = 'CONDUCTOR_RUN';

/** A killed process ends within milliseconds; conductor does not wait for one that is stuck in the kernel. */
const ROUNDS = 100;

let count = 0;
let owner: string | undefined;

/** The mark of one more run, as a variable: who started it and its number. Nothing where there is no `/proc`. */
export function nextRunMark(): Record<string, string> {
  if (process.platform !== 'linux') return {};
  owner ??= `${process.pid}.${startOf(process.pid)}.${namespace()}`;
  return { [MARK]: `${owner}.${++count}` };
}

/** Kills all processes with the mark of a run, again until none is left. Returns how many. */
export async function killRun(mark: Readonly<Record<string, string>>): Promise<number> {
  const value = mark[MARK];
  return value === undefined ? 0 : killAll((one) => one === value);
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
  for (const pid of readdirSync('/proc').filter(isOther)) {
    try {
      const value = markIn(readFileSync(`/proc/${pid}/environ`));
      if (value?.startsWith(`${owner}.`)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Ended, or not readable for this user.
    }
  }
}

async function killAll(isMeant: (value: string) => boolean): Promise<number> {
  const killed = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    const found = await marked(isMeant);
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

async function marked(isMeant: (value: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter(isOther)) {
    const value = markIn(await readFile(`/proc/${pid}/environ`).catch(() => Buffer.alloc(0)));
    if (value !== undefined && isMeant(value)) found.push(pid);
  }
  return found;
}

function isOther(name: string): boolean {
  return /^\d+$/.test(name) && Number(name) !== process.pid;
}

function markIn(environ: Buffer): string | undefined {
  const name = `${MARK}=`;
  let at = environ.indexOf(name);
  while (at > 0 && environ[at - 1] !== 0) at = environ.indexOf(name, at + 1);
  if (at < 0) return undefined;
  const end = environ.indexOf(0, at);
  return environ.toString('latin1', at + name.length, end < 0 ? undefined : end);
}

/** When a process started, in the system's own words; empty when there is none. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name, in brackets, may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[19] ?? '');
  } catch {
    return '';
  }
}

function namespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '';
  }
}
