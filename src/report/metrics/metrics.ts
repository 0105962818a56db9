/** The sums, rates and daily trends of a history, as plain data. Knows no file. */

import { quantile } from '../../base/statistics.js';
import type { TaskOutcomeKind } from '../../model/event.js';
import {
  type AgentCall,
  featureOf,
  type HistoryLine,
  isPlanning,
  type TaskEnd,
} from '../../model/history.js';

import type { Arm, Day, Group, Metrics, Rate, Sizes, Spent } from '../../model/metrics.js';

export type { Arm, Day, Group, Metrics, Rate, Sizes, Spent } from '../../model/metrics.js';

const NO_OUTCOMES = { cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 0, skipped: 0 };

export function metricsOf(lines: readonly HistoryLine[]): Metrics {
  const calls = lines.filter((line): line is AgentCall => line.kind === 'call');
  const ends = lines.filter((line): line is TaskEnd => line.kind === 'task');
  const tasks = ends.filter(({ label }) => !isPlanning(label));
  const outcomes = { ...NO_OUTCOMES };
  for (const { outcome } of tasks) outcomes[outcome]++;
  const times = lines.map(({ at }) => at);
  const rebased = ends.filter(({ rebasedAfter }) => rebasedAfter !== undefined);
  const sizes = (planning: boolean) =>
    sizesOf(
      calls
        .filter(({ phase }) => phase === (planning ? 'planning' : 'implementation'))
        .flatMap(({ promptBytes }) => (promptBytes > 0 ? [promptBytes] : [])),
    );
  return {
    schema: 1,
    ...(times.length === 0 ? {} : { from: least(times), to: -least(times.map((at) => -at)) }),
    builds: new Set(lines.map(({ build }) => build)).size,
    outcomes,
    firstAttempt: firstAttemptOf(tasks),
    afterRebase: {
      of: rebased.length,
      ok: rebased.filter((end) => end.outcome === 'built' && end.attempts === (end.rebasedAfter ?? 0) + 1)
        .length,
    },
    rebases: rebased.length,
    spent: spentOf(calls),
    saved: savedOf(ends),
    byModel: groups(calls, ({ model, agent }) => model ?? agent),
    byFeature: groups(calls, ({ label }) => featureOf(label)),
    byPhase: groups(calls, ({ phase }) => phase),
    time: sizesOf(tasks.filter(({ outcome, recipe }) => outcome === 'built' && recipe).map(({ ms }) => ms)),
    prompts: { implementation: sizes(false), planning: sizes(true) },
    failures: failuresOf(ends),
    arms: armsOf(calls, tasks),
    days: daysOf(calls, tasks),
  };
}

export function tokensOf({ tokensIn, tokensOut, tokensCached }: Spent): number {
  return tokensIn + tokensOut + tokensCached;
}

function spentOf(calls: readonly (Pick<AgentCall, 'usage'> & Partial<AgentCall>)[]): Spent {
  const sum = (key: 'tokensIn' | 'tokensOut' | 'tokensCached' | 'costUsd') =>
    calls.reduce((total, { usage }) => total + (usage[key] ?? 0), 0);
  return {
    calls: calls.length,
    tokensIn: sum('tokensIn'),
    tokensOut: sum('tokensOut'),
    tokensCached: sum('tokensCached'),
    costUsd: sum('costUsd'),
    unpriced: calls.filter((call) => call.usage.costUsd === undefined && !isWithoutCall(call)).length,
  };
}

/** Failures before any model has answered. */
const NO_CALL = new Set([
  'provider-refused',
  'provider-unavailable',
  'agent-missing',
  'agent-start-failed',
  'budget-unknown-price',
  'budget-unknown-usage',
]);

/** Whether a session ended before any model was called: nothing was to be paid. */
function isWithoutCall({ usage, failure, agent }: Pick<AgentCall, 'usage'> & Partial<AgentCall>): boolean {
  if (Object.keys(usage).length > 0 || failure === undefined) return false;
  // This driver knows of every call, also of one that is cut off.
  return NO_CALL.has(failure) || agent === 'opencode';
}

function savedOf(ends: readonly TaskEnd[]): Spent {
  return spentOf(ends.flatMap(({ saved }) => (saved === undefined ? [] : [{ usage: saved }])));
}

/** Of the agents' tasks that were tried: by the first attempt, and with the spec as it was written. */
function firstAttemptOf(tasks: readonly TaskEnd[]): Rate {
  const tried = tasks.filter(
    ({ recipe, outcome }) => recipe === 'agent' && (outcome === 'built' || outcome === 'failed'),
  );
  const isFirst = ({ outcome, attempts, rebasedAfter }: TaskEnd) =>
    outcome === 'built' && attempts === 1 && rebasedAfter === undefined;
  return { of: tried.length, ok: tried.filter(isFirst).length };
}

function groups(calls: readonly AgentCall[], nameOf: (call: AgentCall) => string): Group[] {
  const named = grouped(calls, nameOf);
  return [...named]
    .map(([name, own]) => ({ name, ...spentOf(own) }))
    .sort((a, b) => b.costUsd - a.costUsd || tokensOf(b) - tokensOf(a) || (a.name < b.name ? -1 : 1));
}

function failuresOf(ends: readonly TaskEnd[]): Metrics['failures'] {
  const kinds = grouped(
    ends.flatMap(({ failures }) => failures),
    (kind) => kind,
  );
  return [...kinds]
    .map(([kind, all]) => ({ kind, count: all.length }))
    .sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
}

function armsOf(calls: readonly AgentCall[], tasks: readonly TaskEnd[]): Arm[] {
  const ends = new Map(tasks.map((end) => [runOf(end), end]));
  const named = grouped(
    calls.filter(({ arm }) => arm !== undefined),
    ({ arm }) => arm as string,
  );
  return [...named]
    .map(([name, own]) => {
      const made = [...new Set(own.map(runOf))].flatMap((run) => ends.get(run) ?? []);
      const built = made.filter(({ outcome }) => outcome === 'built');
      return {
        name,
        models: [...new Set(own.map(({ model, agent }) => model ?? agent))].sort(),
        tasks: made.length,
        firstAttempt: firstAttemptOf(made),
        built: built.length,
        medianMs: sizesOf(built.map(({ ms }) => ms)).median,
        ...spentOf(own),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A task in a build: what its calls and its end have in common. */
export function runOf({ build, label }: Pick<HistoryLine, 'build' | 'label'>): string {
  return `${build} ${label}`;
}

function daysOf(calls: readonly AgentCall[], tasks: readonly TaskEnd[]): Day[] {
  const callsBy = grouped(calls, ({ at }) => dayOf(at));
  const tasksBy = grouped(tasks, ({ at }) => dayOf(at));
  return [...new Set([...callsBy.keys(), ...tasksBy.keys()])].sort().map((day) => {
    const own = tasksBy.get(day) ?? [];
    const count = (kind: TaskOutcomeKind) => own.filter(({ outcome }) => outcome === kind).length;
    return {
      day,
      built: count('built'),
      failed: count('failed'),
      cached: count('cached'),
      firstAttempt: firstAttemptOf(own),
      ...spentOf(callsBy.get(day) ?? []),
    };
  });
}

/** `2026-01-31`, UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

function sizesOf(values: readonly number[]): Sizes {
  return {
    count: values.length,
    median: quantile(values, 0.5),
    p90: quantile(values, 0.9),
    max: quantile(values, 1),
  };
}

function grouped<T>(values: readonly T[], nameOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const name = nameOf(value);
    const group = groups.get(name);
    if (group) group.push(value);
    else groups.set(name, [value]);
  }
  return groups;
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b));
}
