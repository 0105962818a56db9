/** Requests of the inbox as sessions of clients take and answer them. No two sessions hold the same one. */

import { readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ANSWER } from '../../agent/inbox/answer.js';
import { type InboxRequest, openRequests, REQUEST } from '../../agent/inbox/request-folder.js';
import { mapBounded } from '../../base/bounded.js';
import { codeOf, exists, isAlive, readText, writeAtomic } from '../../io/files.js';
import type { BuildEvent } from '../../model/event.js';
import { printFailure } from '../../report/failures/failure-print.js';
import { plainStyle } from '../../report/style.js';
import { readEventsFrom } from '../read-log.js';
import { untilFound } from './waiting.js';

export interface OpenRequest extends InboxRequest {
  readonly folder: string;
  /** Who claimed it, as it stands in the file. */
  readonly holder: string | undefined;
  readonly isAnswered: boolean;
  readonly isCancelled: boolean;
}

export class Claims {
  private readonly inbox: string;
  private readonly project: string;
  /** The text of a session's claims. */
  private readonly names = new Map<string, string>();

  private readonly now: () => number;

  /** Both absolute. */
  constructor(inbox: string, project: string, now: () => number) {
    this.inbox = inbox;
    this.project = project;
    this.now = now;
  }

  /** Every request of a build that still runs, in order. */
  async requests(): Promise<OpenRequest[]> {
    const found = await openRequests(this.inbox, this.project);
    const looked = await mapBounded(
      found.filter(({ pid }) => isAlive(pid)),
      async (request): Promise<OpenRequest[]> => {
        const folder = join(this.inbox, request.id);
        const names = await readdir(folder).catch(() => undefined);
        if (!names) return [];
        const holder = names.includes(REQUEST.claimed)
          ? ((await readText(join(folder, REQUEST.claimed))) ?? '').trim()
          : undefined;
        const isAnswered = Object.values(ANSWER).some((name) => names.includes(name));
        return [{ ...request, folder, holder, isAnswered, isCancelled: names.includes(REQUEST.cancelled) }];
      },
    );
    return looked.flat();
  }

  isHeldBy({ holder }: OpenRequest, session: string): boolean {
    return holder !== undefined && holder === this.names.get(session);
  }

  /** A request that the session holds already, else a free one. */
  async take(session: string, client: string, task: string | undefined): Promise<OpenRequest | undefined> {
    const name = `${client} (${session})`;
    this.names.set(session, name);
    const open = (await this.requests()).filter(
      (one) => !one.isCancelled && !one.isAnswered && (task === undefined || one.task === task),
    );
    const own = open.find((one) => this.isHeldBy(one, session));
    if (own) return own;
    for (const one of open) {
      if (one.holder !== undefined) continue;
      try {
        await writeFile(join(one.folder, REQUEST.claimed), name, { flag: 'wx' });
      } catch (error) {
        // Somebody was first, or the request is gone.
        if (codeOf(error) === 'EEXIST' || codeOf(error) === 'ENOENT') continue;
        throw error;
      }
      if (!(await exists(join(one.folder, REQUEST.cancelled)))) return { ...one, holder: name };
    }
    return undefined;
  }

  async promptOf({ folder }: OpenRequest): Promise<string> {
    return (await readText(join(folder, REQUEST.prompt))) ?? '';
  }

  /** Renews what the session holds. */
  async renew(session: string): Promise<void> {
    const now = this.now() / 1000;
    for (const one of await this.requests()) {
      if (this.isHeldBy(one, session)) {
        await utimes(join(one.folder, REQUEST.claimed), now, now).catch(() => {});
      }
    }
  }

  /** Writes the answer. Returns the size of the build's event log before it. */
  async answer(request: OpenRequest, answer: object): Promise<number> {
    const before = await stat(eventsOf(request)).catch(() => undefined);
    await writeAtomic(join(request.folder, ANSWER.json), JSON.stringify(answer));
    return before?.size ?? 0;
  }

  async release({ folder }: OpenRequest): Promise<void> {
    await writeFile(join(folder, REQUEST.released), '');
  }

  /** A session has ended: what it holds is free. */
  async left(session: string): Promise<void> {
    for (const one of await this.requests()) {
      if (this.isHeldBy(one, session) && !one.isAnswered) await this.release(one).catch(() => {});
    }
    this.names.delete(session);
  }
}

export interface Outcome {
  readonly isGood: boolean;
  readonly text: string;
}

/** What the build made of an answer, from its event log; undefined if that is not known after `ms`. */
export async function outcomeOf(
  request: OpenRequest,
  since: number,
  ms: number,
  signal: AbortSignal,
): Promise<Outcome | undefined> {
  const isTask = !request.task.includes('@');
  let offset = since;
  return untilFound(
    async () => {
      const read = await readEventsFrom(eventsOf(request), offset);
      offset = read.offset;
      const found = read.events.map((event) => outcome(event, request.task)).find((one) => one !== undefined);
      if (found) return found;
      // A review or a revised task has no event of its own: conductor goes on with it.
      const isTaken = !(await exists(request.folder));
      return isTaken && !isTask
        ? { isGood: true, text: `conductor has read the answer to ${request.task}` }
        : undefined;
    },
    ms,
    signal,
  );
}

function outcome(event: BuildEvent, task: string): Outcome | undefined {
  if (event.type === 'task.attempt-failed' && event.task === task) {
    const text = printFailure(event.failure, plainStyle, task);
    return { isGood: false, text: `${text}\nThe next attempt is open: call take_task with this task.` };
  }
  if (event.type !== 'task.finished' || event.task !== task) return undefined;
  if (event.failure) return { isGood: false, text: printFailure(event.failure, plainStyle, task) };
  return {
    isGood: true,
    text: `${task}: ${event.outcome}. It is published at the end of the build; take_task gives the next one.`,
  };
}

/** The log of the attempt lies in the task's folder of the build's logs. */
function eventsOf({ log }: InboxRequest): string {
  return join(dirname(dirname(log)), 'events.ndjson');
}
