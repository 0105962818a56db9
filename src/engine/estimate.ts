/** What a build would cost, before it costs anything: from like tasks that were built, else from the size of prompts. */

import type { LockedTask } from '../model/lock.js';
import type { Task } from '../model/task.js';
import type { Inspection } from './inspect.js';

export interface Estimate {
  /** Tasks for which an agent would be asked. */
  readonly agentTasks: number;
  /** All tasks that would be made, restored or verified. */
  readonly tasks: number;
  readonly tokens: number;
  /** Undefined: no like task has a known price. */
  readonly usd: number | undefined;
  /** Built tasks that the numbers come from; 0: they are the prompts alone, which is less than will be used. */
  readonly from: number;
}

/** Bytes of a token in prose and code, about. */
const BYTES_PER_TOKEN = 4;

/** Like tasks are those of the same type and complexity, else all that an agent has built. */
export async function estimate({ prepared, tasks }: Inspection): Promise<Estimate> {
  const due = tasks.filter(({ verdict }) => verdict.kind !== 'fresh');
  const asked = due.filter(
    ({ task, verdict }) => task.recipe.kind === 'agent' && /^(stale|pending)$/.test(verdict.kind),
  );
  const history = builtByAgents(prepared.project);
  let tokens = 0;
  let usd: number | undefined;
  for (const { task } of asked) {
    const alike = history.filter((one) => isLike(one.task, task));
    const from = alike.length > 0 ? alike : history;
    if (from.length > 0) {
      tokens += median(from.map(({ locked }) => locked.tokens ?? 0));
      const prices = from.flatMap(({ locked }) => (locked.costUsd === undefined ? [] : [locked.costUsd]));
      if (prices.length > 0) usd = (usd ?? 0) + median(prices);
      continue;
    }
    const prompt = await prepared.gatherer.preview(task, new Map());
    if (prompt.ok) tokens += Math.ceil(Buffer.byteLength(prompt.value.definition) / BYTES_PER_TOKEN);
  }
  return { agentTasks: asked.length, tasks: due.length, tokens, usd, from: history.length };
}

function builtByAgents(project: Inspection['prepared']['project']) {
  const built: { readonly task: Task; readonly locked: LockedTask }[] = [];
  for (const task of project.graph.tasks.values()) {
    const locked = project.locks.get(task.feature)?.tasks[task.id];
    if (locked?.recipe === 'agent' && (locked.tokens ?? 0) > 0) built.push({ task, locked });
  }
  return built;
}

function isLike(a: Task, b: Task): boolean {
  return a.type === b.type && a.complexity === b.complexity;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
