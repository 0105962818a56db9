/** The history of builds, which outlives their logs: agent calls, and what became of each task. Knows no file. */

import type { Usage } from './action.js';
import type { CallPhase, TaskOutcomeKind } from './event.js';
import type { Label } from './task.js';

interface Common {
  /** Milliseconds since 1970, UTC: when it ended. */
  readonly at: number;
  /** Name of the build, as its folder in the logs. */
  readonly build: string;
  readonly label: Label;
  readonly ms: number;
}

/** One session of an agent. */
export interface AgentCall extends Common {
  readonly kind: 'call';
  readonly attempt: number;
  readonly phase: CallPhase;
  /** Of the task; absent for planning. */
  readonly type?: string;
  readonly complexity?: string;
  readonly agent: string;
  readonly model?: string;
  readonly variant?: string;
  /** Of an experiment. */
  readonly arm?: string;
  readonly promptBytes: number;
  readonly usage: Usage;
  /** Kind of the failure that ended it; absent when the agent said that it was done. */
  readonly failure?: string;
}

/** What became of one task, or of one document of a plan, in one build. */
export interface TaskEnd extends Common {
  readonly kind: 'task';
  readonly outcome: Exclude<TaskOutcomeKind, 'fresh'>;
  /** Absent when nothing was run. */
  readonly recipe?: string;
  /** How many there were, the last one included; absent when nothing was run. */
  readonly attempts?: number;
  /** Kinds of the failures of its attempts, in order; the last one is the task's own when it failed. */
  readonly failures: readonly string[];
  /** How many attempts had failed when its spec was improved by a rebase. */
  readonly rebasedAfter?: number;
  /** What its result had cost when it was made, and did not cost now. */
  readonly saved?: Usage;
}

/** What a session has used so far: of a build that was killed it is all that is known of the session. */
export interface CallStep extends Common {
  readonly kind: 'step';
  readonly attempt: number;
  /** Of a request beside an attempt, with a total of its own. */
  readonly phase?: CallPhase;
  readonly agent: string;
  readonly model?: string;
  /** Of all sessions of the attempt, or of the request beside it. */
  readonly usage: Usage;
}

/** Tasks whose recorded results were written again together. A line for each of very many would cost more than writing them. */
export interface RestoredTasks extends Pick<Common, 'at' | 'build'> {
  readonly kind: 'restored';
  readonly labels: readonly Label[];
  /** Of agents' tasks. */
  readonly saved?: readonly { readonly label: Label; readonly usage: Usage }[];
}

export type HistoryLine = AgentCall | TaskEnd;
/** A line of a file. */
export type RecordedLine = HistoryLine | CallStep | RestoredTasks;

/** Kind of failure of a session whose build was killed. */
export const CUT_OFF = 'cut-off';

/** What lines of files say, in the order of time. */
export function historyOf(recorded: readonly RecordedLine[]): HistoryLine[] {
  const lines: (HistoryLine | CallStep)[] = [];
  for (const line of recorded) {
    if (line.kind !== 'restored') lines.push(line);
    else for (const end of endsOf(line)) lines.push(end);
  }
  return withCutOff(lines).sort((a, b) => a.at - b.at);
}

function* endsOf({ at, build, labels, saved = [] }: RestoredTasks): Iterable<TaskEnd> {
  const usages = new Map(saved.map(({ label, usage }) => [label, usage]));
  for (const label of labels) {
    const usage = usages.get(label);
    const end = { kind: 'task', at, build, label, ms: 0, outcome: 'cached', failures: [] } as const;
    yield usage === undefined ? end : { ...end, saved: usage };
  }
}

/**
 * Calls and ends of tasks, and a call for each session of which there are steps and no end: its build was killed, or it is still
 * going on.
 */
function withCutOff(lines: readonly (HistoryLine | CallStep)[]): HistoryLine[] {
  const cut = cutSteps(lines).map(({ step, usage }): AgentCall => {
    const { kind: _, phase, ...common } = step;
    const own = isPlanning(step.label) ? ('planning' as const) : ('implementation' as const);
    return { ...common, kind: 'call', phase: phase ?? own, promptBytes: 0, usage, failure: CUT_OFF };
  });
  return [...lines.filter((line): line is HistoryLine => line.kind !== 'step'), ...cut];
}

/** The last step of each session without an end, and what the session had used. */
function cutSteps(lines: Iterable<RecordedLine>): { readonly step: CallStep; readonly usage: Usage }[] {
  const last = new Map<string, CallStep>();
  const ended = new Map<string, Usage>();
  const nameOf = ({ build, label, attempt, phase }: CallStep | AgentCall) =>
    JSON.stringify([build, label, attempt, phase === 'review' || phase === 'rebase' ? phase : 'own']);
  for (const line of lines) {
    if (line.kind === 'step') last.set(nameOf(line), line);
    if (line.kind !== 'call') continue;
    const before = ended.get(nameOf(line)) ?? {};
    ended.set(nameOf(line), plus(before, line.usage));
  }
  return [...last].flatMap(([name, step]) => {
    const usage = minus(step.usage, ended.get(name) ?? {});
    return Object.values(usage).every((count) => count <= TOO_LITTLE) ? [] : [{ step, usage }];
  });
}

/**
 * Lines of a file, as they were written: those of sessions, with the tasks on which they worked and what is not known here, and those
 * of tasks that cost nothing. Steps of which nothing follows any more are in neither.
 */
export function sortedOut(texts: readonly string[]): { readonly paid: string[]; readonly free: string[] } {
  const parsed = texts.map((text) => ({ text, line: parseRecordedLine(text) }));
  const known = parsed.flatMap(({ line }) => line ?? []);
  const steps = new Set<RecordedLine>(cutSteps(known).map(({ step }) => step));
  const runOf = ({ build, label }: Common) => JSON.stringify([build, label]);
  const runs = new Set(
    known.flatMap((line) => (line.kind === 'call' || line.kind === 'step' ? [runOf(line)] : [])),
  );
  const paid: string[] = [];
  const free: string[] = [];
  for (const { text, line } of parsed) {
    if (line?.kind === 'step' && !steps.has(line)) continue;
    const isFree = line?.kind === 'restored' || (line?.kind === 'task' && !runs.has(runOf(line)));
    (isFree ? free : paid).push(text);
  }
  return { paid, free };
}

/** Sums of dollars differ in their last digits. */
const TOO_LITTLE = 1e-9;

function plus(a: Usage, b: Usage): Usage {
  const sum: { -readonly [field in keyof Usage]: number } = { ...a };
  for (const key of COUNTS) if (b[key] !== undefined) sum[key] = (a[key] ?? 0) + b[key];
  return sum;
}

function minus(a: Usage, b: Usage): Usage {
  const rest: { -readonly [field in keyof Usage]: number } = {};
  for (const key of COUNTS) if (a[key] !== undefined) rest[key] = Math.max(0, a[key] - (b[key] ?? 0));
  return rest;
}

export function featureOf(label: Label): string {
  const slash = label.indexOf('/');
  return slash < 0 ? label : label.slice(0, slash);
}

/** Documents of plans have names that no task can have. */
export function isPlanning(label: Label): boolean {
  return label.includes('/@');
}

/** A line as it was written; undefined for one that is damaged, torn or of a later version. */
export function parseRecordedLine(text: string): RecordedLine | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const line = value as Record<string, unknown>;
  if (line.kind === 'restored') return isRestored(line) ? line : undefined;
  const isCommon = isWord(line.build) && isWord(line.label) && isCount(line.at) && isCount(line.ms);
  if (!isCommon) return undefined;
  if (line.kind === 'step') {
    const isStep = isCount(line.attempt) && isWord(line.agent) && isUsage(line.usage);
    return isStep && isWordOrNone(line.phase) && isWordOrNone(line.model)
      ? (line as unknown as CallStep)
      : undefined;
  }
  if (line.kind === 'call') {
    const isCall =
      isCount(line.attempt) && isWord(line.phase) && isWord(line.agent) && isCount(line.promptBytes);
    return isCall && isUsage(line.usage) && WORDS.every((key) => isWordOrNone(line[key]))
      ? (line as unknown as AgentCall)
      : undefined;
  }
  if (line.kind !== 'task' || !isWord(line.outcome) || !Array.isArray(line.failures)) return undefined;
  const isTask =
    line.failures.every(isWord) &&
    isWordOrNone(line.recipe) &&
    isCountOrNone(line.attempts) &&
    isCountOrNone(line.rebasedAfter) &&
    (line.saved === undefined || isUsage(line.saved));
  return isTask ? (line as unknown as TaskEnd) : undefined;
}

function isRestored(line: object): line is RestoredTasks {
  const { build, at, labels, saved = [] } = line as Record<string, unknown>;
  return (
    isWord(build) &&
    isCount(at) &&
    Array.isArray(labels) &&
    labels.every(isWord) &&
    Array.isArray(saved) &&
    saved.every((one) => isWord(one?.label) && isUsage(one.usage))
  );
}

const WORDS = ['type', 'complexity', 'model', 'variant', 'arm', 'failure'] as const;
const COUNTS = ['costUsd', 'tokensIn', 'tokensOut', 'tokensCached'] as const;

function isWord(value: unknown): value is string {
  return typeof value === 'string';
}

function isWordOrNone(value: unknown): boolean {
  return value === undefined || isWord(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isCountOrNone(value: unknown): boolean {
  return value === undefined || isCount(value);
}

function isUsage(value: unknown): value is Usage {
  if (value === null || typeof value !== 'object') return false;
  return COUNTS.every((key) => isCountOrNone((value as Record<string, unknown>)[key]));
}
