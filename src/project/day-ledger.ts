/**
 * What agents have spent today for one person on one project, over all its clones and worktrees on this machine: a file
 * in the person's folder to which every build adds a line for each step. Knows no limits.
 */

import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { realFolder, removeTree } from '../io/files.js';
import type { Repository } from '../io/git/repository.js';
import { remoteUrl } from '../io/git/transfer.js';
import { GrowingFile, readTailSync } from '../io/growing-file.js';
import { withoutCredentials } from '../model/address.js';
import { digestFields } from '../model/digest.js';
import { type Amounts, NOTHING, sum } from './spending-record.js';

/** Clones of clones of clones, by paths of this machine. */
const MOST_STEPS = 5;

export class DayLedger {
  private readonly path: string;
  private readonly file: GrowingFile;
  private readonly build = randomBytes(8).toString('hex');
  private offset = 0;
  private others: Amounts = NOTHING;

  constructor(path: string) {
    this.path = path;
    this.file = new GrowingFile(path);
  }

  /** `day`: UTC, `2026-01-31`. Ledgers of earlier days are removed. */
  static async open(cacheDir: string, repository: Repository, day: string): Promise<DayLedger> {
    const folder = join(cacheDir, 'spending');
    const project = digestFields('conductor.spending.1', [await identityOf(repository), repository.prefix]);
    const names = await readdir(folder).catch((): string[] => []);
    for (const name of names) if (name < day) await removeTree(join(folder, name));
    return new DayLedger(join(folder, `${day}-${project.slice(0, 16)}.ndjson`));
  }

  /** What other builds have spent so far: those that have ended, and those that run beside this one. */
  spent(): Amounts {
    const text = readTailSync(this.path, this.offset);
    const whole = text.subarray(0, text.lastIndexOf(0x0a) + 1);
    this.offset += whole.length;
    const lines = whole.toString('utf8').split('\n').flatMap(parseLine);
    this.others = sum([this.others, ...lines.filter(({ build }) => build !== this.build)]);
    return this.others;
  }

  /** One write at the end of the file, which the system does not mix with those of others. */
  add(spent: Amounts): void {
    try {
      this.file.add(`${JSON.stringify({ build: this.build, ...spent })}\n`);
    } catch {
      // A full disk does not end a build: its own record says so.
    }
  }
}

interface Line extends Amounts {
  readonly build: string;
}

function parseLine(text: string): Line[] {
  try {
    const { build, usd, tokens, minutes } = JSON.parse(text) as Line;
    return [usd, tokens, minutes].every(Number.isFinite) ? [{ build, usd, tokens, minutes }] : [];
  } catch {
    return [];
  }
}

/** Equal for all clones of a project: the address that they come from, or the repository at the end of a chain of paths. */
async function identityOf({ commonDir, store, top }: Repository): Promise<string> {
  let gitDir = commonDir;
  let url = await remoteUrl(store, 'origin', 'fetch');
  let base = top;
  for (let step = 0; url !== undefined && step < MOST_STEPS; step++) {
    const path = await realFolder(resolve(base, url.replace(/^file:\/\//, '')));
    if (path === undefined) return addressOf(url);
    base = path;
    gitDir = (await realFolder(join(path, '.git'))) ?? path;
    url = await remoteUrl(gitDir, 'origin', 'fetch');
  }
  return gitDir;
}

/** The same for `git@host:team/app.git` and `https://host/team/app`. */
function addressOf(url: string): string {
  return withoutCredentials(url)
    .replace(/^[a-z+]+:\/\//i, '')
    .replace(/^[^/@]*@/, '')
    .replace(/^([^/:]+):(\d+\/)?/, '$1/')
    .replace(/(\.git)?\/*$/, '')
    .toLowerCase();
}
