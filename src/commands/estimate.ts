/** What a build would cost: from similar tasks that were built, else from the size of prompts. */

import type { Prepared } from '../analysis/prepare.js';
import { ownValue } from '../base/records/own-value.js';
import { median } from '../base/statistics.js';
import type { Inspection } from '../build/dry-run.js';
import { historyFolder, readPaidHistory } from '../build/history/history-files.js';
import { firstMaking } from '../model/action.js';
import type { Config } from '../model/config.js';
import { type AgentCall, type HistoryLine, isPlanning } from '../model/history.js';
import type { Label, Task } from '../model/task.js';
import { lockedTask } from '../project/project.js';
import { runOf } from '../report/metrics/metrics.js';
import { recordedProvenance } from '../store/provenance-record.js';

/**
 * What a number is taken from: tasks of the same type, complexity and model; of the same type; all; or the prompt alone,
 * which is less than will be used.
 */
export type Basis = 'like' | 'type' | 'all' | 'prompt';

export interface TaskEstimate {
  readonly label: Label;
  readonly model?: string;
  /** Sent and received, as budgets count them. */
  readonly tokens: number;
  /** Absent: nothing that it is taken from has a known price. */
  readonly costUsd?: number;
  readonly basis: Basis;
  /** Built tasks that it is taken from. */
  readonly from: number;
}

export interface Estimate {
  /** All tasks that would be made, restored or verified. */
  readonly tasks: number;
  /** Those for which an agent would be asked. */
  readonly agentTasks: readonly TaskEstimate[];
  /** Those whose gates run on the former result first: an agent is asked only if one fails. Absent: none. */
  readonly ifGatesFail?: readonly TaskEstimate[];
}

/** A task that agents have built, with all its attempts. */
interface Sample {
  readonly label: Label;
  readonly type: string;
  readonly complexity: string;
  readonly model: string | undefined;
  readonly tokens: number;
  readonly costUsd: number | undefined;
}

/** Bytes of a token in prose and code, about. */
const BYTES_PER_TOKEN = 4;

export async function estimate({ prepared, tasks }: Inspection): Promise<Estimate> {
  const due = tasks.filter(({ verdict }) => verdict.kind !== 'fresh');
  const asked = due.filter(
    ({ task, verdict }) => task.recipe.kind === 'agent' && /^(stale|pending)$/.test(verdict.kind),
  );
  const samples = await samplesOf(prepared);
  const agentTasks: TaskEstimate[] = [];
  const ifGatesFail: TaskEstimate[] = [];
  const formatted = formattedTasks(tasks);
  for (const { task, verdict } of asked) {
    // For what a person wrote, no agent is asked after that.
    if (formatted.has(task.label) && lockedTask(prepared.project, task)?.recipe === 'accepted') continue;
    const model = prepared.gatherer.choiceOf(task, 1).model;
    const isTried = formatted.has(task.label) || (verdict.kind === 'stale' && verdict.reverify !== undefined);
    const one = fromSamples(task, model, samples) ?? (await fromPrompt(prepared, task, model));
    (isTried ? ifGatesFail : agentTasks).push(one);
  }
  return { tasks: due.length, agentTasks, ...(ifGatesFail.length === 0 ? {} : { ifGatesFail }) };
}

/** Those that are only formatted again, with all that they wait for. */
function formattedTasks(tasks: Inspection['tasks']): ReadonlySet<Label> {
  const found = new Set<Label>();
  for (const { task, verdict } of tasks) {
    const isOnly = (verdict.kind === 'stale' || verdict.kind === 'pending') && verdict.reverify?.sameTask;
    const waits = verdict.kind === 'pending' ? verdict.on : [];
    if (isOnly && waits.every((label) => found.has(label))) found.add(task.label);
  }
  return found;
}

/** What was built here, and what the store says of results that were built elsewhere. */
async function samplesOf({ project }: Prepared): Promise<Sample[]> {
  const built = builtTasks(await readPaidHistory(historyFolder(project.repository)));
  const known = new Set(built.map(({ label }) => label));
  for (const task of project.graph.tasks.values()) {
    const { label, type, complexity } = task;
    const locked = ownValue(project.locks.get(task.feature)?.tasks, task.id);
    if (known.has(label) || locked?.recipe !== 'agent') continue;
    const recorded = await recordedProvenance(project.objects, locked.result);
    const usage = recorded && firstMaking(recorded).usage;
    const tokens = (usage?.tokensIn ?? 0) + (usage?.tokensOut ?? 0);
    if (tokens === 0) continue;
    const { model } = locked;
    const costUsd = usage?.costUsd;
    built.push({ label, type, complexity, model, tokens, costUsd });
  }
  return built;
}

/** Tasks that came to a result, each with what all its sessions in that build have used. */
function builtTasks(lines: readonly HistoryLine[]): Sample[] {
  const runs = new Map<string, AgentCall[]>();
  const samples: Sample[] = [];
  for (const line of lines) {
    if (isPlanning(line.label)) continue;
    const run = runOf(line);
    if (line.kind === 'call') {
      runs.set(run, [...(runs.get(run) ?? []), line]);
      continue;
    }
    const calls = runs.get(run) ?? [];
    runs.delete(run);
    const [first] = calls;
    if (!first || line.outcome !== 'built') continue;
    const { label, type = '', complexity = '', model } = first;
    const tokens = sum(calls.map(({ usage }) => (usage.tokensIn ?? 0) + (usage.tokensOut ?? 0)));
    const isPriced = calls.every(({ usage }) => usage.costUsd !== undefined);
    const costUsd = isPriced ? sum(calls.map(({ usage }) => usage.costUsd ?? 0)) : undefined;
    // Without a word about usage nothing is known, which is not nothing.
    if (tokens === 0 && costUsd === undefined) continue;
    samples.push({ label, type, complexity, model, tokens, costUsd });
  }
  return samples;
}

function fromSamples(
  task: Task,
  model: string | undefined,
  samples: readonly Sample[],
): TaskEstimate | undefined {
  const sameType = samples.filter(({ type }) => type === task.type);
  const like = sameType.filter((one) => one.complexity === task.complexity && one.model === model);
  const [basis, from]: [Basis, readonly Sample[]] =
    like.length > 0 ? ['like', like] : sameType.length > 0 ? ['type', sameType] : ['all', samples];
  if (from.length === 0) return undefined;
  const prices = from.flatMap(({ costUsd }) => costUsd ?? []);
  return {
    label: task.label,
    ...(model === undefined ? {} : { model }),
    tokens: Math.round(median(from.map(({ tokens }) => tokens))),
    ...(prices.length === 0 ? {} : { costUsd: median(prices) }),
    basis,
    from: from.length,
  };
}

async function fromPrompt(
  { gatherer, project }: Prepared,
  task: Task,
  model: string | undefined,
): Promise<TaskEstimate> {
  const prompt = await gatherer.preview(task, new Map());
  const bytes = prompt.ok ? Buffer.byteLength(prompt.value.definition) : 0;
  const tokens = Math.ceil(bytes / BYTES_PER_TOKEN);
  const price = inputPrice(project.config, model);
  return {
    label: task.label,
    ...(model === undefined ? {} : { model }),
    tokens,
    ...(price === undefined ? {} : { costUsd: (tokens * price) / 1e6 }),
    basis: 'prompt',
    from: 0,
  };
}

/** Dollars for a million tokens sent, where the config names a price. */
function inputPrice({ agent }: Config, model: string | undefined): number | undefined {
  if (agent?.driver !== 'opencode' || model === undefined) return undefined;
  const at = model.indexOf('/');
  const provider = ownValue(agent.providers, model.slice(0, at));
  return ownValue(provider?.models, model.slice(at + 1))?.cost?.input;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
