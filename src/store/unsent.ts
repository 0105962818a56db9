/**
 * Which entries of this store are not on all remotes yet: a mark that is there before the entry and is removed when it
 * has been sent, so that a killed build or an outage loses none. One that cannot be sent for the time being rests: it gives a
 * build with nothing else to do no work. Knows no remote.
 */

import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfNotNow } from '../io/errors.js';
import { codeOf, readTextSync, writeAtomic } from '../io/files.js';
import type { EntryName } from './encoded-entry.js';
import type { UnsentReport } from './result-store.js';

export class UnsentEntries {
  private readonly folder: string;

  /** `home`: the folder of conductor's own repository, which all worktrees share. */
  constructor(home: string) {
    this.folder = join(home, 'unsent');
  }

  /** A mark that cannot be written (a full disk) keeps nothing from being built or sent. */
  async add(name: EntryName): Promise<void> {
    const file = this.file(name);
    await writeFile(file, '').catch(async () => {
      await mkdir(this.folder, { recursive: true }).catch(() => {});
      await writeFile(file, '').catch(() => {});
    });
  }

  async remove(names: Iterable<EntryName>): Promise<void> {
    for (const name of names) await rm(this.file(name), { force: true }).catch(() => {});
  }

  /** Read at once: a build with nothing to do asks. */
  list(): EntryName[] {
    try {
      return readdirSync(this.folder).flatMap((name) => {
        const parts = /^(results|gates)-([0-9a-f]{64})$/.exec(name);
        return parts ? [`${parts[1]}/${parts[2]}` as EntryName] : [];
      });
    } catch (error) {
      throwIfNotNow(error);
      if (codeOf(error) === undefined) throw error;
      return [];
    }
  }

  /** Whether one of them is to be sent also by a build with nothing else to do; `now` in milliseconds since 1970, UTC. */
  isAnyDue(now: number): boolean {
    const names = this.list();
    if (names.length === 0) return false;
    const [until, ...resting] = (readTextSync(this.resting) ?? '').split('\n');
    if (!until || Number(until) <= now) return true;
    const known = new Set(resting);
    return names.some((name) => !known.has(name));
  }

  /** From now on these rest until then, and no others. Where that cannot be written, all are tried again. */
  async rest(names: readonly EntryName[], until: number): Promise<void> {
    if (names.length > 0) await writeAtomic(this.resting, [until, ...names].join('\n')).catch(() => {});
    else if (existsSync(this.resting)) await rm(this.resting, { force: true }).catch(() => {});
  }

  private get resting(): string {
    return join(this.folder, 'resting');
  }

  private file(name: EntryName): string {
    return join(this.folder, name.replace('/', '-'));
  }
}

/** The marks as one build sees them: what it makes itself, and what earlier builds left. */
export class Outbox {
  private readonly marks: UnsentEntries | undefined;
  private readonly mine = new Set<EntryName>();
  private readonly earlier = new Set<EntryName>();
  private readonly others = new Set<EntryName>();
  private readonly restUntil: (() => number) | undefined;

  /** Without marks, no remote is written to; without `restUntil`, none of them rests. */
  constructor(marks: UnsentEntries | undefined, restUntil?: () => number) {
    this.marks = marks;
    this.restUntil = restUntil;
  }

  async add(name: EntryName): Promise<void> {
    this.mine.add(name);
    await this.marks?.add(name);
  }

  /** It is sent with this build; if this build did not make it, an earlier one could not send it. */
  take(name: EntryName): void {
    if (!this.mine.has(name)) this.earlier.add(name);
    this.mine.add(name);
  }

  async remove(names: Iterable<EntryName>): Promise<void> {
    await this.marks?.remove(names);
  }

  async forget(name: EntryName): Promise<void> {
    this.mine.delete(name);
    await this.remove([name]);
  }

  /** Of those that were offered. Another build may have removed the mark of one while it was made: then it stands again. */
  async removeSent(names: Iterable<EntryName>, isSent: (name: EntryName) => boolean): Promise<void> {
    for (const name of names) {
      if (isSent(name)) await this.remove([name]);
      else if (this.mine.has(name)) await this.marks?.add(name);
    }
  }

  /** It is shared where this build does not send anything, or cannot be signed here. */
  leave(name: EntryName): void {
    this.others.add(name);
  }

  /** What is left rests, unless the next build may have more luck with it. */
  async rest(isDenied: (name: EntryName) => boolean): Promise<void> {
    if (!this.marks || !this.restUntil) return;
    const names = this.left().filter((name) => this.others.has(name) || isDenied(name));
    await this.marks.rest(names, this.restUntil());
  }

  left(): EntryName[] {
    return this.marks?.list() ?? [];
  }

  report(remotes: UnsentReport['remotes']): UnsentReport {
    const marked = new Set(this.left());
    const entries = [...this.mine].filter((name) => marked.has(name)).length;
    const late = [...this.earlier].filter((name) => !marked.has(name)).length;
    return { entries, late, remotes };
  }
}
