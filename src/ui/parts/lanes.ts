/** Tasks of a build as lanes: which ran at the same time, and where their time went. Pure. */

import type { BuildDocument, Span, SpanPhase, TaskView } from '../../model/build-view.js';
import { words } from '../format.js';

export interface LaneTask {
  readonly task: TaskView;
  /** From when it occupied a worker. */
  readonly from: number;
  readonly to: number;
  readonly spans: readonly Span[];
}

/** Tasks that ran, put on as few lanes as there were workers busy at the same time. */
export function lanesOf(tasks: readonly TaskView[], end: number): LaneTask[][] {
  const ran = tasks.flatMap((task): LaneTask[] => {
    if (task.startedAt === undefined) return [];
    const spans = task.spans.filter(({ phase }) => phase !== 'wait');
    return [{ task, from: task.startedAt, to: task.endedAt ?? end, spans }];
  });
  ran.sort((a, b) => a.from - b.from || b.to - a.to);
  const lanes: LaneTask[][] = [];
  const free: number[] = [];
  for (const one of ran) {
    const at = free.findIndex((since) => since <= one.from);
    const lane = at < 0 ? lanes.length : at;
    if (at < 0) lanes.push([]);
    lanes[lane]?.push(one);
    free[lane] = one.to;
  }
  return lanes;
}

export interface PhaseSum {
  readonly phase: SpanPhase | 'loading' | 'publishing';
  readonly ms: number;
}

/** Time by phase over all tasks, and what the build did before and after them; the largest first. */
export function phaseSums({ head, tasks }: BuildDocument, end: number): PhaseSum[] {
  const sums = new Map<PhaseSum['phase'], number>();
  const add = (phase: PhaseSum['phase'], ms: number) =>
    sums.set(phase, (sums.get(phase) ?? 0) + Math.max(0, ms));
  for (const task of tasks)
    for (const span of task.spans) add(span.phase, (span.to ?? task.endedAt ?? end) - span.from);
  if (head.plannedAt !== undefined) add('loading', head.plannedAt - head.startedAt);
  if (head.endedAt !== undefined && head.tasksDoneAt !== undefined)
    add('publishing', head.endedAt - head.tasksDoneAt);
  return [...sums].map(([phase, ms]) => ({ phase, ms })).sort((a, b) => b.ms - a.ms);
}

const WAITS: ReadonlySet<PhaseSum['phase']> = new Set([
  'wait',
  'gate-wait',
  'claim-wait',
  'session-wait',
  'queue',
]);

/** How long tasks waited: for a worker, a place among the gates, or a session of a provider. */
export function waitedMs(sums: readonly PhaseSum[]): number {
  return sums.reduce((sum, { phase, ms }) => sum + (WAITS.has(phase) ? ms : 0), 0);
}

/** A span in words, for the bar that shows it. */
export function spanTitle({ label }: Pick<TaskView, 'label'>, { phase, attempt, detail }: Span): string {
  const isNamed = phase === 'session-wait' || phase === 'claim-wait' || phase === 'queue';
  const of = isNamed && detail !== undefined ? ` (${detail})` : '';
  return `${label}: ${words(phase)}${of}${attempt > 1 ? `, attempt ${attempt}` : ''}`;
}

/** The chain of tasks that decided when the build ended, the last first: each ended right before the next one began. */
export function longestChain(
  tasks: readonly TaskView[],
  needs: ReadonlyMap<string, readonly string[]>,
  end: number,
): TaskView[] {
  const byLabel = new Map(tasks.map((task) => [task.label, task]));
  const endOf = (task: TaskView) => task.endedAt ?? end;
  const latest = (some: readonly TaskView[]) =>
    some.reduce<TaskView | undefined>(
      (best, one) => (best && endOf(best) >= endOf(one) ? best : one),
      undefined,
    );
  const chain: TaskView[] = [];
  let next = latest(tasks.filter(({ startedAt }) => startedAt !== undefined));
  while (next && !chain.includes(next)) {
    chain.push(next);
    const before: TaskView[] = (needs.get(next.label) ?? []).flatMap((label) => byLabel.get(label) ?? []);
    next = latest(before.filter(({ startedAt }) => startedAt !== undefined));
  }
  return chain;
}
