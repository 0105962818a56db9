/** The places of a worker: what takes one, and what does not. */

import { expect, test } from 'vitest';
import type { JobEnded, JobRunner } from '../../execution/queue/job-runner.js';
import type { JobSource } from '../../io/queue/job-source.js';
import type { TakenJob } from '../../io/queue/taken-job.js';
import { WorkerLoop } from './worker-loop.js';

interface Run {
  onRan(): void;
  end(): void;
}

test('the next job is taken while the result of the last one is sent, and no more than run wait to be sent', async () => {
  const left = ['T1', 'T2', 'T3'].map((id) => ({
    data: { label: `f/${id}` },
    ...{ lock: { queue: 'q' }, handedInAt: 0 },
  })) as unknown as TakenJob[];
  let call = () => {};
  const told: string[] = [];
  /** Waits until the loop waits. */
  const rest = async () => {
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  const source = {
    take: async () => left.shift(),
    call: () => call(),
    untilCalled: () =>
      new Promise<void>((resolve) => {
        call = resolve;
      }),
    announce: async ({ running }: { running: readonly string[] }) => void told.push(running.join(' ')),
  } as unknown as JobSource;
  const runs = new Map<string, Run>();
  const runner = {
    run: (job: TakenJob, onRan: () => void) =>
      new Promise<JobEnded>((resolve) => {
        runs.set(job.data.label, { onRan, end: () => resolve({ fate: 'done', phases: [] }) });
      }),
  } as unknown as JobRunner;
  const signal = new AbortController();
  const options = { drain: true, signal: signal.signal, stop: signal.signal, on: () => {} };
  const loop = new WorkerLoop({ source, runner, concurrency: 1, options, now: () => 0 });
  const done = loop.run();
  await rest();
  expect([...runs.keys()]).toEqual(['f/T1']);
  runs.get('f/T1')?.onRan();
  await rest();
  expect([...runs.keys()]).toEqual(['f/T1', 'f/T2']);
  expect(told.at(-1)).toBe('f/T2');
  runs.get('f/T2')?.onRan();
  await rest();
  // Neither result can be sent: a third one would wait, too.
  expect([...runs.keys()]).toEqual(['f/T1', 'f/T2']);
  runs.get('f/T1')?.end();
  await rest();
  expect([...runs.keys()]).toEqual(['f/T1', 'f/T2', 'f/T3']);
  for (const run of runs.values()) run.end();
  expect(await done).toBe(3);
});
