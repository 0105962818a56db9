/** What becomes of tasks that join a job of another build, without a server: the board is played. */

import { expect, test } from 'vitest';
import { err, ok } from '../../base/result.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { JobListener } from '../../io/queue/awaited-job.js';
import type { BuildEventBody } from '../../model/event.js';
import { batchKey, JOB_PROTOCOL, type Job } from '../../model/fleet/job.js';
import type { TaskRun } from '../../model/task-run.js';
import type { ObjectId } from '../../model/tree.js';
import { TemporaryProject } from '../../test/rig/command-line.js';
import { BatchedRuns } from './batched-runs.js';
import { type BatchOutcome, outcomesCommit, runsCommit } from './parcel.js';
import type { QueueExecutorParts } from './remote-run.js';

test('tasks that another build has in the queue: each has its end, once, whatever the job says of it', async () => {
  const project = new TemporaryProject();
  const repository = await openRepository(project.dir);
  if (!repository.ok) throw new Error(repository.error.kind);
  const objects = new GitObjects(repository.value);
  try {
    const inputTree = await objects.empty();
    const base = await objects.writeCommit({ tree: inputTree, message: 'base\n' });
    const lists = { outputs: [], edits: [], gates: [], editBases: {}, editSides: {} };
    const runs = ['T1', 'T2', 'T3', 'T4'].map((id, i) => ({
      ...{ label: `f/${id}`, key: `${i}`.repeat(64), recipe: { kind: 'render', files: [] }, inputTree },
      ...lists,
    })) as unknown as TaskRun[];
    const done = { ok: true, result: base, attempts: 1, usage: {}, ms: 0 } as const;
    const cancelled = { kind: 'cancelled' } as const;
    const failed = { ok: false, failure: cancelled, evidence: [], attempts: 1, usage: {}, ms: 0 } as const;
    const tasks = runs.map(({ label, key }) => ({ label, key }));
    const job: Job = {
      ...{ protocol: JOB_PROTOCOL, version: '1.0.0', label: 'f/T1 +3', key: batchKey(tasks), tasks },
      ...{ parcel: await runsCommit(objects, runs, base), base, build: 'other' },
    };
    const handedIn: string[] = [];
    const answers: BatchOutcome[][] = [
      [null, done, failed, failed],
      [done, failed],
    ];
    const board = {
      batchesOf: async () => new Map(runs.map(({ key }) => [key, job])),
      prepare: () => {},
      nameBatch: async () => {},
      forgetBatch: () => Promise.reject(new Error('NOPERM this user has no permissions')),
      run: async (
        handed: { job: Job },
        listener: JobListener,
        receive: (answer: ObjectId) => Promise<unknown>,
      ) => {
        listener.onHanded(handed.job !== job);
        handedIn.push(handed.job.label);
        const parcel = await outcomesCommit(objects, answers.shift() ?? [], handed.job.parcel);
        return { end: { kind: 'answered' }, value: await receive(parcel), names: [] };
      },
    };
    const away = { failure: { kind: 'git-failed', command: 'fetch', detail: 'away' }, isAway: true };
    const fetches = [err(away)];
    const parts = {
      ...{ board, objects, version: '1.0.0', build: 'this', detach: false, platform: 'p' },
      parcels: { fetch: async () => fetches.pop() ?? ok(undefined), send: async () => ok(undefined) },
      config: { cache: {} },
      store: { admit: async (_: string, commit: ObjectId) => ok({ commit }) },
      base: async () => ok(base),
      traceparent: () => undefined,
    } as unknown as QueueExecutorParts;
    const batched = new BatchedRuns(parts, { unheard: () => {}, left: () => {} });
    const events: BuildEventBody[] = [];
    const emit = (event: BuildEventBody) => events.push(event);
    const { signal } = new AbortController();
    const ends = await Promise.all(runs.map((run) => batched.run(run, { signal, emit })));
    // What came to nothing is alone from now on; what had failed before is handed in again, with others.
    expect(ends).toEqual(['alone', ok(done), ok(done), ok(failed)]);
    expect(handedIn).toEqual(['f/T1 +3', 'f/T3 +1']);
    const message = expect.stringMatching(/^the result of f\/T1 \+3 cannot be fetched, .*away/);
    expect(events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', task: 'f/T1', message },
    ]);
  } finally {
    await objects.close();
    project.dispose();
  }
});
