/** Requests as folders: builds, plans, reviews and revised tasks that somebody answers with files. */

import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFailed, test } from 'vitest';
import { until } from '../rig/command-line.js';
import { type FoundRequest, Inbox, put, work } from '../rig/inbox-rig.js';
import { PLAN_TEXT, startPlan } from '../rig/planning-rig.js';
import { createRig } from '../rig/rig.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const noAgent = { tripwire: true };

test('a task is built from files in its workspace, and from files in the answer', async () => {
  await using rig = await createRig({ config: { workers: 2 } });
  rig.backlog('f', {
    T1: { description: 'One.', outputs: ['one.txt'], acceptance: ['It says one'] },
    T2: { description: 'Two.', outputs: ['two/two.txt'], edits: ['mine.txt'] },
  });
  rig.write({
    'mine.txt': 'mine\n',
    '.opencode/agent/implementer.md':
      '---\ndescription: a\npermission:\n  read: allow\n---\n\nYou are neat.\n',
  });
  const inbox = new Inbox(rig);
  const built = rig.start({}, noAgent);
  const one = await inbox.next('f/T1');
  expect(one).toMatchObject({ schema: 1, project: rig.dir, role: 'implementation', attempt: 1 });
  expect(one.expected).toEqual({ kind: 'files', outputs: ['one.txt'], edits: [] });
  expect(one.prompt).toContain('It says one');
  expect(one.prompt).toMatch(/^You are neat\.\n\n---\n/);
  expect(readFileSync(join(dirname(one.log), 'prompt-1.md'), 'utf8')).toBe(one.prompt);
  const two = await inbox.next('f/T2');
  expect(two.expected).toEqual({ kind: 'files', outputs: ['two/two.txt'], edits: ['mine.txt'] });
  work(one, { 'one.txt': 'one' });
  put(one, 'done', '');
  put(two, 'answer.json', {
    files: { 'two/two.txt': 'two', 'mine.txt': 'mine\nand ours\n' },
    usage: { tokensIn: 30, costUsd: 0.5 },
    observed: ['mine.txt'],
    message: 'Written.',
  });
  const story = await built.done;
  expect(story.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(story.summary.usage).toEqual({ tokensIn: 30, costUsd: 0.5 });
  expect(rig.read('one.txt')).toBe('one');
  expect(rig.read('mine.txt')).toBe('mine\nand ours\n');
  expect(inbox.open).toEqual([]);
});

test('a failed gate, a review and a revised task come as requests of their own', async () => {
  await using rig = await createRig({ config: { attempts: 2, review: true, rebase: 'apply' } });
  rig.backlog('f', { T1: { description: 'One.', outputs: ['one.txt'], verify: ['grep -q green one.txt'] } });
  const inbox = new Inbox(rig);
  const built = rig.start({}, noAgent);
  const answer = async (task: string, content: object) => {
    const request = await inbox.next(task);
    put(request, 'answer.json', content);
    return request;
  };
  await answer('f/T1', { files: { 'one.txt': 'red' } });
  const second = await answer('f/T1', { files: { 'one.txt': 'blue' } });
  expect(second).toMatchObject({ attempt: 2 });
  expect(second.prompt).toContain('grep -q green one.txt');
  const rebase = await inbox.next('f/T1@rebase');
  expect(rebase).toMatchObject({ role: 'rebase', expected: { kind: 'document', path: 'REBASE.json' } });
  const task = { description: 'One, and it is green.' };
  put(rebase, 'answer.md', JSON.stringify({ task, reasoning: 'The gate wants green.', confidence: 0.9 }));
  const third = await answer('f/T1', { files: { 'one.txt': 'green' } });
  expect(third.prompt).toContain('it is green');
  const review = await inbox.next('f/T1@review');
  expect(review.role).toBe('review');
  put(review, 'answer.json', { document: { verdict: 'accept', criteria: [], findings: [] } });
  expect((await built.done).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('it is green');
});

test('a plan is written by answers that are text, in a file or in the workspace', async () => {
  await using rig = await createRig();
  rig.write({ 'specs/f/REQUEST.md': 'Keep notes.\n' });
  const inbox = new Inbox(rig);
  const plan = startPlan(rig, {}, noAgent);
  onTestFailed(() => {
    process.stderr.write(plan.story.log());
  });
  for (const name of ['planner-spec', 'planner-arch', 'planner-qa']) {
    const request = await inbox.next(`f/@${name}`);
    expect(request.role).toBe('planning');
    if (name === 'planner-arch') {
      const { path } = request.expected as { path: string };
      work(request, { [path]: '## Parts\n\nOne file.\n' });
      put(request, 'done', '');
    } else put(request, 'answer.md', '## Purpose\n\nNotes.\n\n## Assumptions\n\n- One user.\n');
  }
  put(await inbox.next('f/@plan'), 'answer.json', { document: PLAN_TEXT });
  const backlog = await inbox.next('f/@backlog');
  put(
    backlog,
    'answer.md',
    backlogYaml('f', { T1: { description: 'x', outputs: ['a.txt'], verify: ['true'] } }),
  );
  await plan.done;
  expect(plan.story.refusal()).toBeUndefined();
  expect(rig.read('specs/f/BACKLOG.yaml')).toContain('a.txt');
});

test('no path of an answer leaves the workspace', async () => {
  await using rig = await createRig({ config: { attempts: 4 } });
  rig.backlog('f', { T1: { description: 'One.', outputs: ['one.txt'] } });
  const inbox = new Inbox(rig);
  const built = rig.start({}, noAgent);
  for (const path of ['../out.txt', '/out.txt', '.git', 'away/out.txt']) {
    const request = await inbox.next();
    symlinkSync(rig.temporary.root, join(request.workspace, 'away'));
    put(request, 'answer.json', { files: { 'one.txt': '1', [path]: 'x' } });
  }
  const story = await built.done;
  const failures = [...story.of('task.attempt-failed'), ...story.of('task.finished')];
  expect(failures.map(({ failure }) => failure)).toEqual([
    { kind: 'unsafe-path', path: '../out.txt', reason: 'it is not a plain relative path' },
    { kind: 'unsafe-path', path: '/out.txt', reason: 'it is not a plain relative path' },
    { kind: 'unsafe-path', path: '.git', reason: 'it belongs to git' },
    { kind: 'unsafe-path', path: 'away/out.txt', reason: 'away is a link' },
  ]);
  expect(existsSync(join(rig.temporary.root, 'out.txt'))).toBe(false);
});

test('an answer that is wrong says so to the next attempt; one that is blocked ends the task', async () => {
  await using rig = await createRig({ config: { attempts: 4 } });
  rig.backlog('f', { T1: { description: 'One.', outputs: ['one.txt'] } });
  const inbox = new Inbox(rig);
  const built = rig.start({}, noAgent);
  const first = await inbox.next();
  // Half of it: conductor waits until it is whole.
  writeFileSync(join(first.folder, 'answer.json'), '{"status": ');
  await built.until((story) => story.of('task.output').length > 0);
  put(first, 'answer.json', { status: 'happy', files: { 'one.txt': 1 } });
  const linked = await inbox.next();
  symlinkSync(rig.path('specs/f/BACKLOG.yaml'), join(linked.folder, 'answer.md'));
  put(linked, 'done', '');
  const second = await inbox.next();
  expect(linked.prompt).toMatch(/answer\.json is not valid: .*status.*files/s);
  expect(second.prompt).toContain('answer.md cannot be used: it is not a file');
  put(second, 'answer.json', { status: 'failed', message: 'My pen broke.' });
  const third = await inbox.next();
  expect(third.prompt).toContain('My pen broke.');
  put(third, 'answer.json', { status: 'blocked', message: 'No paper.', needs: 'environment' });
  expect((await built.done).failure('f/T1')).toMatchObject({
    kind: 'agent-blocked',
    because: 'No paper.',
    needs: 'environment',
  });
});

/** Claims a request as a program does, and makes the claim as old as wanted. */
function claim(request: FoundRequest, by: string, minutesAgo = 0): void {
  const path = join(request.folder, 'claimed');
  writeFileSync(path, by, { flag: 'wx' });
  const at = Date.now() / 1000 - minutesAgo * 60;
  utimesSync(path, at, at);
}

test('a claimed request is freed after its lease, in a clean workspace; limits and Ctrl-C cancel it', async () => {
  await using rig = await createRig({ config: { attempts: 1, timeouts: { agent: 0.01 } } });
  rig.backlog('f', { T1: { description: 'One.', outputs: ['one.txt'] } });
  const inbox = new Inbox(rig, { limits: { leaseMinutes: 5 } });
  const built = rig.start({}, noAgent);
  const request = await inbox.next();
  work(request, { 'half.txt': 'half' });
  claim(request, 'Bob', 6);
  const claimed = join(request.folder, 'claimed');
  await until('the request to be free', () => !existsSync(claimed));
  expect(existsSync(join(request.workspace, 'half.txt'))).toBe(false);
  claim(request, 'Ada');
  const story = await built.done;
  expect(story.failure('f/T1')).toMatchObject({ kind: 'timed-out' });
  expect(readFileSync(join(request.folder, 'cancelled'), 'utf8')).toBe('the time limit has passed\n');
  expect(story.of('task.output').map(({ line }) => line)).toContain('taken by Ada');

  const again = rig.start({}, noAgent);
  const other = await inbox.next();
  again.cancel();
  await again.done;
  expect(readFileSync(join(other.folder, 'cancelled'), 'utf8')).toContain('the build was stopped');
});

test('nobody answers: no attempt is used up; requests of a killed build are removed', async () => {
  await using rig = await createRig({ config: { attempts: 2 } });
  rig.backlog('f', { T1: { description: 'One.', outputs: ['one.txt'] } });
  const inbox = new Inbox(rig, { limits: { waitMinutes: 0.001 } });
  const old = (id: string, project: string) => {
    mkdirSync(join(inbox.folder, id), { recursive: true });
    const request = { id, project, session: 'of another process' };
    writeFileSync(join(inbox.folder, id, 'request.json'), JSON.stringify(request));
  };
  old('killed', rig.dir);
  old('other', '/another/project');
  const story = await rig.start({}, noAgent).done;
  expect(story.failure('f/T1')).toMatchObject({ kind: 'provider-unavailable', provider: 'inbox' });
  expect(existsSync(join(inbox.folder, 'killed'))).toBe(false);
  expect(existsSync(join(inbox.folder, 'other'))).toBe(true);
});
