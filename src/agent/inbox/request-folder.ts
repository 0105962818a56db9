/** The folder of one request in the inbox: how it is made, what has come into it, and how it ends. */

import { randomUUID } from 'node:crypto';
import { lstat, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { isNotNow, throwIfNotNow } from '../../io/errors.js';
import { makeTemporaryFolder, namesIn, readText, removeTree } from '../../io/files.js';
import type { CallPhase } from '../../model/event.js';
import type { Expected } from '../agent.js';
import { ANSWER, isJson } from './answer.js';

/** What `request.json` holds. */
export interface InboxRequest {
  readonly schema: 1;
  readonly id: string;
  /** The process that waits for the answer: a name of its own, and its id. */
  readonly session: string;
  readonly pid: number;
  readonly project: string;
  readonly task: string;
  readonly role: CallPhase;
  /** The agent definition, by name. */
  readonly agent?: string;
  readonly model?: string;
  readonly variant?: string;
  /** From 1. */
  readonly attempt: number;
  readonly workspace: string;
  readonly expected: Expected;
  readonly network: boolean;
  /** File that gets the answer, in the logs of the build. */
  readonly log: string;
  readonly limits: { readonly minutes: number; readonly leaseMinutes: number };
  readonly promptBytes: number;
}

export const REQUEST = {
  json: 'request.json',
  prompt: 'prompt.md',
  claimed: 'claimed',
  released: 'released',
  cancelled: 'cancelled',
} as const;

/** Every inbox of this process: requests of others are of builds that have ended. */
export const SESSION: string = randomUUID();

/** Milliseconds after which an answer that does not change any more is read although it is no complete JSON. */
const QUIET_MS = 5000;

/** Removes what builds of this project that were killed left open. Requests of other projects stay. */
export async function removeStale(inbox: string, project: string): Promise<void> {
  for (const request of await openRequests(inbox, project)) {
    if (request.session !== SESSION) await removeTree(join(inbox, request.id));
  }
}

/** The requests of a project in an inbox, cancelled ones included, by name. */
export async function openRequests(inbox: string, project: string): Promise<InboxRequest[]> {
  const names = await namesIn(inbox);
  const found: InboxRequest[] = [];
  for (const name of names.filter((one) => !one.startsWith('.')).sort()) {
    const text = await readText(join(inbox, name, REQUEST.json)).catch(() => undefined);
    if (text === undefined || !isJson(text)) continue;
    const request = JSON.parse(text) as InboxRequest;
    if (request.project === project && request.id === name) found.push(request);
  }
  return found;
}

export type Arrival =
  | { readonly kind: 'answered' }
  | { readonly kind: 'claimed'; readonly by: string; readonly renewedAt: number }
  /** Its holder gives it back. */
  | { readonly kind: 'released' }
  | { readonly kind: 'open' }
  | { readonly kind: 'removed' }
  /** The system had no resources to look. */
  | { readonly kind: 'unseen' };

export class RequestFolder {
  readonly path: string;
  /** Sizes and times of the answer's files when they were last seen. */
  private seen = '';
  private readonly now: () => number;

  private constructor(path: string, now: () => number) {
    this.path = path;
    this.now = now;
  }

  /** Makes the folder whole in one step: a program that watches the inbox never sees half of a request. */
  static async create(
    inbox: string,
    request: InboxRequest,
    prompt: string,
    now: () => number,
  ): Promise<RequestFolder> {
    await mkdir(inbox, { recursive: true, mode: 0o700 });
    const draft = await makeTemporaryFolder(inbox);
    await writeFile(join(draft, REQUEST.prompt), prompt);
    await writeFile(join(draft, REQUEST.json), `${JSON.stringify(request, null, 2)}\n`);
    const path = join(inbox, request.id);
    await rename(draft, path);
    return new RequestFolder(path, now);
  }

  /** What has come. An answer counts when it is complete: `done` says so, or it no longer changes. */
  async look(): Promise<Arrival> {
    try {
      return await this.arrival();
    } catch (error) {
      if (isNotNow(error)) return { kind: 'unseen' };
      throw error;
    }
  }

  private async arrival(): Promise<Arrival> {
    const names = await readdir(this.path).catch(throwIfNotNow);
    if (names === undefined) return { kind: 'removed' };
    const answers = [ANSWER.json, ANSWER.text].filter((name) => names.includes(name));
    if (names.includes(ANSWER.done)) return { kind: 'answered' };
    if (answers.length > 0 && (await this.isComplete(answers))) return { kind: 'answered' };
    if (names.includes(REQUEST.released)) return { kind: 'released' };
    if (!names.includes(REQUEST.claimed)) return { kind: 'open' };
    const path = join(this.path, REQUEST.claimed);
    const found = await lstat(path).catch(() => undefined);
    if (!found?.isFile()) return { kind: 'open' };
    const by = ((await readText(path)) ?? '').trim().slice(0, 200);
    return { kind: 'claimed', by, renewedAt: found.mtimeMs };
  }

  private async isComplete(names: readonly string[]): Promise<boolean> {
    const found = await mapBounded(names, async (name) => ({
      name,
      is: await lstat(join(this.path, name)).catch(() => undefined),
    }));
    if (found.some(({ is }) => !is?.isFile())) return false;
    const now = found.map(({ name, is }) => `${name} ${is?.size} ${is?.mtimeMs} ${is?.ino}`).join('\n');
    const isSame = now === this.seen;
    this.seen = now;
    if (!isSame) return false;
    if (!names.includes(ANSWER.json)) return true;
    if (isJson((await readText(join(this.path, ANSWER.json))) ?? '')) return true;
    return found.every(({ is }) => this.now() - (is?.mtimeMs ?? 0) > QUIET_MS);
  }

  /** Lets others claim the request. */
  async free(): Promise<void> {
    for (const name of [REQUEST.claimed, REQUEST.released]) await rm(join(this.path, name), { force: true });
  }

  /** Says why the answer is no longer wanted. The next build removes the folder; one that is gone stays so. */
  async cancel(why: string): Promise<void> {
    await writeFile(join(this.path, REQUEST.cancelled), `${why}\n`, { flag: 'wx' }).catch(() => {});
  }

  /** The answer has been taken. */
  async remove(): Promise<void> {
    await removeTree(this.path);
  }
}
