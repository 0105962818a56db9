import { appendFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readBuildLog, readEventsFrom } from './read-log.js';

test('a log that grows is read on from where it was read to, a line only when it is complete', async () => {
  const root = await mkdtemp(join(tmpdir(), 'conductor-log-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const log = join(root, 'events.ndjson');
  expect(await readEventsFrom(log, 0)).toEqual({ events: [], offset: 0 });
  const line = (message: string) => `${JSON.stringify({ type: 'warning', message })}\n`;
  const [one, two, three] = [line('é'), line('zwei'), line('drei')];
  await appendFile(log, one + two.slice(0, 9));
  const first = await readEventsFrom(log, 0);
  expect(first).toEqual({ events: [{ type: 'warning', message: 'é' }], offset: Buffer.byteLength(one) });
  expect(await readEventsFrom(log, first.offset)).toEqual({ events: [], offset: first.offset });
  await appendFile(log, two.slice(9) + three);
  const messages = ({ events }: typeof first) => events.map((event) => 'message' in event && event.message);
  const second = await readEventsFrom(log, first.offset);
  expect(messages(second)).toEqual(['zwei', 'drei']);
  // From within a character: the rest of that line is none, and the place stays exact.
  const within = await readEventsFrom(log, Buffer.from(one).indexOf('é') + 1);
  expect(within).toEqual(second);
});

test('the log of a task is that of the last build that worked on it, requests to agents among them', async () => {
  const root = await mkdtemp(join(tmpdir(), 'conductor-log-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const put = async (build: string, ...events: object[]) => {
    const folder = join(root, '.conductor/logs', build);
    await mkdir(folder, { recursive: true });
    await appendFile(
      join(folder, 'events.ndjson'),
      events.map((event) => `${JSON.stringify(event)}\n`).join(''),
    );
  };
  await put('b1', { type: 'task.phase', task: 'f/T1@review' }, { type: 'task.started', task: 'f/T1' });
  const fresh = { type: 'task.finished', task: 'f/T1', outcome: 'fresh' };
  await put('b2', { type: 'task.checked', task: 'f/T1' }, { type: 'task.checked', task: 'f/T2' }, fresh);
  await put('b3', { type: 'tasks.fresh', tasks: ['f/T1', 'f/T4'], checked: false });
  for (const task of ['f/T1', 'f/T1@review'])
    expect(await readBuildLog(root, task)).toMatchObject({ ok: true, value: { build: 'b1' } });
  for (const task of ['f/T2', 'f/T4'])
    expect(await readBuildLog(root, task)).toMatchObject({ ok: false, error: { kind: 'usage' } });
  // Its result was written again: that is work, told as of one task.
  const restored = { task: 'f/T4', missing: ['a.txt'], result: 'a1' };
  await put('b4', { type: 'tasks.restored', tasks: [{ ...restored, task: 'f/T5' }, restored] });
  const log = await readBuildLog(root, 'f/T4');
  expect(log).toMatchObject({ ok: true, value: { build: 'b4' } });
  expect(log.ok && log.value.events).toMatchObject([
    { type: 'task.checked', task: 'f/T4', verdict: { kind: 'cached' } },
    { type: 'task.finished', task: 'f/T4', outcome: 'cached', result: 'a1' },
  ]);
  expect(await readBuildLog(root, 'f/T3')).toMatchObject({ ok: false, error: { kind: 'unknown-target' } });
});
