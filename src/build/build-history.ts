/**
 * The history of a project for metrics and estimates, in conductor's state folder. Decides which events are recorded;
 * adds nothing up.
 */

import { mapBounded } from '../base/bounded.js';
import { type LineQueue, lineQueue } from '../base/line-queue.js';
import { ok, type Result } from '../base/result.js';
import { append, moveWhenLarger, readText } from '../io/files.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Repository } from '../io/git/repository.js';
import type { BuildEvent } from '../model/event.js';
import { type SingleEvent, singleEvents } from '../model/events/events-together.js';
import type { Failure } from '../model/failure.js';
import {
  type CallStep,
  type HistoryLine,
  parseHistoryLine,
  type TaskEnd,
  withCutOff,
} from '../model/history.js';
import type { Label } from '../model/task.js';

/** Two files of this size at most: tens of thousands of agent calls. */
const MAX_BYTES = 8_000_000;

const files = (folder: string) => [`${folder}/history.1.ndjson`, `${folder}/history.ndjson`] as const;

/** Its folder: the one that all sessions share, where a session for looking only has records of its own. */
export function historyFolder({ home, hash }: Pick<Repository, 'home' | 'hash'>): string {
  return `${home}/projects/${hash}`;
}

/** Everything that is remembered, the oldest first; lines that are damaged are passed over. */
export async function readHistory(folder: string): Promise<HistoryLine[]> {
  const texts = await mapBounded(files(folder), readText);
  return withCutOff(
    texts
      .flatMap((text) => (text ?? '').split('\n'))
      .flatMap((line) => (line === '' ? [] : (parseHistoryLine(line) ?? []))),
  );
}

/** The history of the project in a folder. Fails where there is no repository. */
export async function projectHistory(directory: string): Promise<Result<HistoryLine[], Failure>> {
  const opened = await openRepository(directory);
  return opened.ok ? ok(await readHistory(historyFolder(opened.value))) : opened;
}

interface Lifecycle {
  readonly recipe?: string;
  readonly failures: readonly string[];
  readonly rebasedAfter?: number;
}

/** Takes the events of one build, and appends what is to be remembered as soon as it has happened. */
export class HistoryRecord {
  private readonly build: string;
  private readonly lifecycles = new Map<Label, Lifecycle>();
  private readonly lines: LineQueue;

  constructor(folder: string, build: string, maxBytes = MAX_BYTES) {
    this.build = build;
    const [before, now] = files(folder);
    let isOpen = false;
    this.lines = lineQueue(async (text) => {
      if (!isOpen) await moveWhenLarger(now, before, maxBytes);
      // A build that was killed may have left half a line: it stays one of its own.
      await append(now, isOpen ? text : `\n${text}`);
      isOpen = true;
    });
  }

  on(event: BuildEvent): void {
    if (event.type === 'tasks.fresh') return;
    let text = '';
    for (const one of singleEvents(event)) {
      const line = this.lineOf(one);
      if (line) text += `${JSON.stringify(line)}\n`;
    }
    if (text !== '') this.lines.add(text);
  }

  /** What cannot be written (a full disk) does not decide how a build ends. */
  async close(): Promise<void> {
    await this.lines.close().catch(() => undefined);
  }

  private lineOf(event: SingleEvent): HistoryLine | CallStep | undefined {
    const { build } = this;
    switch (event.type) {
      case 'task.started':
        this.note(event.task, { recipe: event.recipe });
        return undefined;
      case 'task.attempt-failed':
        this.note(event.task, {}, event.failure.kind);
        return undefined;
      case 'task.rebased':
        // Better words stand between two attempts; a proposal alone changes nothing.
        if (event.applied) this.rebased(event);
        return undefined;
      case 'task.usage': {
        const { task: label, at, attempt, phase, agent, model, usage } = event;
        if (agent === undefined) return undefined;
        return {
          kind: 'step',
          at,
          build,
          label,
          ms: 0,
          attempt,
          agent,
          usage,
          ...(phase === undefined ? {} : { phase }),
          ...(model === undefined ? {} : { model }),
        };
      }
      case 'agent.finished': {
        const { schema: _, seq: __, type: ___, task: label, taskType, at, ...call } = event;
        return {
          kind: 'call',
          at,
          build,
          label,
          ...call,
          ...(taskType === undefined ? {} : { type: taskType }),
        };
      }
      case 'task.finished': {
        const { task: label, outcome, at, ms, saved } = event;
        // Nothing was to be built: `verify` only says what a build would do.
        const isLook = event.failure?.kind === 'not-up-to-date';
        if (outcome === 'fresh' || isLook) return undefined;
        if (outcome === 'failed') this.note(label, {}, event.failure?.kind ?? 'unknown');
        const { recipe, failures, rebasedAfter } = this.lifecycles.get(label) ?? { failures: [] };
        this.lifecycles.delete(label);
        const attempts = failures.length + (outcome === 'failed' ? 0 : 1);
        const end: TaskEnd = {
          kind: 'task',
          at,
          build,
          label,
          outcome,
          ms,
          ...(recipe === undefined ? {} : { recipe, attempts }),
          failures,
          ...(rebasedAfter === undefined ? {} : { rebasedAfter }),
          ...(saved === undefined ? {} : { saved }),
        };
        return end;
      }
      default:
        return undefined;
    }
  }

  private rebased({ task }: { readonly task: Label }): void {
    this.note(task, { rebasedAfter: this.lifecycles.get(task)?.failures.length ?? 0 });
  }

  private note(label: Label, facts: Partial<Lifecycle>, failure?: string): void {
    const before = this.lifecycles.get(label) ?? { failures: [] };
    const failures = failure === undefined ? before.failures : [...before.failures, failure];
    this.lifecycles.set(label, { ...before, ...facts, failures });
  }
}
