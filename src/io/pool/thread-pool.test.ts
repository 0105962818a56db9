/** Holds that documents are parsed alike inline and in threads, and that the threads end. */

import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundlePool, type WorkerBundle } from '../../test/rig/worker-bundle.js';
import { parseMany, type SourceDocument } from './thread-pool.js';

let bundle: WorkerBundle;

beforeAll(async () => {
  bundle = await bundlePool({ 'pool-worker': 'src/io/pool/pool-worker.ts' });
});
afterAll(() => bundle.remove());

const documents: SourceDocument[] = Array.from({ length: 150 }, (_, i) => ({
  id: String(i),
  file: `f${i}.yaml`,
  text:
    i % 10 === 3
      ? 'tasks: [\n'
      : i % 10 === 5
        ? 'tasks: [{ id: 1 }]\n'
        : `tasks: [{ id: T${i}${i % 2 === 0 ? '' : ',\n'} }]\n`,
  schema: 'backlog',
  ...(i % 2 === 0 ? { lineOffset: 7 } : {}),
}));

test('threads give what is given inline, in the same order', async () => {
  const ended: Promise<unknown>[] = [];
  const begun = (worker: Worker) => void ended.push(new Promise((resolve) => worker.once('exit', resolve)));
  process.on('worker', begun);
  const pooled = await bundle.pool.parseMany(documents, { threshold: 1, threads: 2 });
  process.off('worker', begun);
  expect(ended).toHaveLength(2);
  await Promise.all(ended);
  expect(pooled).toEqual(await parseMany(documents));
  expect(pooled[3]?.diagnostics[0]).toMatchObject({ file: 'f3.yaml', line: 2 });
  expect(pooled[5]?.diagnostics[0]).toMatchObject({
    message: expect.stringMatching(/not a number/),
    line: 1,
  });
  expect(pooled[149]).toEqual({
    id: '149',
    file: 'f149.yaml',
    value: { tasks: [{ id: 'T149' }] },
    diagnostics: [],
    problems: [],
  });
});

test('nothing to parse is nothing', async () => {
  expect(await parseMany([])).toEqual([]);
});

test('signals and timers are heard while many documents are read', async () => {
  // Plain ones, which are read inline: so many take longer than anything may wait.
  const many = Array.from({ length: 4000 }, (_, i): SourceDocument => {
    const tasks = Array.from({ length: 10 }, (_, at) => `  - id: T${at}\n    title: Part ${at}\n`);
    return { id: String(i), file: `f${i}.yaml`, text: `tasks:\n${tasks.join('')}`, schema: 'backlog' };
  });
  // The first one loads what checks it.
  await parseMany(many.slice(0, 1));
  let isHeard = false;
  setImmediate(() => {
    isHeard = true;
  });
  const [first] = await parseMany(many, { threshold: Number.POSITIVE_INFINITY });
  expect(first?.value).toMatchObject({ tasks: expect.any(Array) });
  expect(isHeard).toBe(true);
});
