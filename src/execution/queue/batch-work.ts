/**
 * Runs the tasks of a job of many on a worker: each as if it were a job alone, all of them in one place. Sends and fetches
 * nothing.
 */

import { availableParallelism } from 'node:os';
import { mapBounded } from '../../base/bounded.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { digestFields } from '../../model/digest.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import type { ResultStore } from '../../store/result-store.js';
import type { Bench } from './bench.js';
import type { News, PhaseClock } from './job-progress.js';
import { keyProblem } from './own-key.js';
import { type BatchOutcome, judgedBy } from './parcel.js';

export interface RunPlace {
  readonly job: TakenJob;
  readonly bench: Bench;
  readonly news: News;
  readonly clock: PhaseClock;
}

export interface WorkParts {
  readonly objects: GitObjects;
  readonly store: ResultStore;
}

/** An outcome for each run, in their order, or why this machine does none of them. */
export async function workBatch(
  { objects, store }: WorkParts,
  runs: readonly TaskRun[],
  { job, bench, news, clock }: RunPlace,
): Promise<readonly BatchOutcome[] | string> {
  const problems = await mapBounded(runs, (run) => keyProblem(run, bench.base, { ...bench, objects }));
  const first = problems.find((problem) => problem !== undefined);
  if (first !== undefined && problems.every((problem) => problem !== undefined)) return first;
  clock.begin('run');
  const executor = bench.executor();
  const commands = runs.some(({ recipe }) => recipe.kind === 'run');
  const work = async (run: TaskRun, i: number): Promise<BatchOutcome> => {
    // As a job of its own, it gets the reason.
    if (problems[i] !== undefined) return null;
    const done = job.isRepeated ? await doneBefore(store, run) : undefined;
    if (done) return done;
    // One of them may have ended the worker before: alone, it ends only itself.
    if (job.isTakenUp) return null;
    const outcome = await executor.run(run, { signal: job.signal, emit: (event) => news.add(event) });
    if (outcome.ok && run.gates.length > 0) await store.recordGates(workDigest(run));
    return outcome;
  };
  return mapBounded(runs, work, commands ? availableParallelism() : undefined);
}

/** What this store has of an earlier try at the same run. */
async function doneBefore(store: ResultStore, run: TaskRun): Promise<TaskOutcome | undefined> {
  if (run.gates.length > 0 && !(await store.gatesPassed(workDigest(run)))) return undefined;
  const known = await store.find(run.key);
  return known.ok && known.value
    ? { ok: true, result: known.value.commit, attempts: 1, usage: {}, ms: 0 }
    : undefined;
}

/** Under which a worker remembers that it has done a run with these gates. */
export const workDigest = (run: TaskRun) => digestFields('conductor.job.1', [judgedBy(run)]);
