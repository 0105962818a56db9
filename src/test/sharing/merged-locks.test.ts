/** Branches that both built: their locks merge task by task, and the next build knows what counts. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { AgentRequest } from '../../agent/agent.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { proposeAbsorption } from '../../commands/absorb/absorb.js';
import { PACKAGE } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const LOCK = 'specs/f/.metadata.json';
const lines = (first: string, last: string) => `${first}\ntwo\nthree\nfour\nfive\n${last}\n`;
const say = (text: string, more: object = {}) => ({
  inputs: [],
  outputs: ['out.txt'],
  run: ['node', '-e', `require('fs').writeFileSync('out.txt', ${JSON.stringify(text)})`],
  ...more,
});
const agent = (description: string, output = 'out.txt') => ({ inputs: [], outputs: [output], description });

/** Two branches from one commit; the rig ends on the first. */
async function branches(
  rig: Rig,
  ours: () => Promise<unknown>,
  theirs: () => Promise<unknown>,
): Promise<string> {
  const main = rig.git('branch', '--show-current').trim();
  rig.git('checkout', '-q', '-b', 'theirs');
  await theirs();
  rig.commit();
  rig.git('checkout', '-q', main);
  await ours();
  rig.commit();
  return main;
}

/** Merges without a merge driver; conflicts stay in the files. */
function merge(rig: Rig): void {
  try {
    rig.git('merge', '-q', '--no-edit', 'theirs');
  } catch {
    // As a person has it then: markers in the files.
  }
}

test('both branches changed one task: the spec decides, from markers and without a call that one person would not make', async () => {
  await using rig = await createRig();
  rig.answer('f/T1', ({ prompt }) => ({
    'out.txt': `${/start|theirs|ours/.exec(prompt)?.[0]}\n`,
  }));
  rig.backlog('f', { T1: agent('start') });
  await rig.build();
  rig.commit();
  const make = (word: string) => async () => {
    rig.backlog('f', { T1: agent(word) });
    await rig.build();
  };
  await branches(rig, make('ours'), make('theirs'));
  merge(rig);
  expect(rig.read(LOCK)).toContain('<<<<<<<');
  expect(rig.read('out.txt')).toContain('<<<<<<<');
  // The person decides what is wanted, in the spec alone.
  rig.backlog('f', { T1: agent('theirs') });
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'f/T1': 'cached' });
  expect(rig.read('out.txt')).toBe('theirs\n');
  expect(rig.read(LOCK)).not.toMatch(/<<<<|unmerged/);
  rig.commit();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('an output that git merged cleanly from both branches is no hand edit', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say(lines('a', 'z')) });
  await rig.build();
  rig.commit();
  const make = (first: string, last: string) => async () => {
    rig.backlog('f', { T1: say(lines(first, last)) });
    await rig.build();
  };
  await branches(rig, make('A', 'z'), make('a', 'Z'));
  merge(rig);
  expect(rig.read('out.txt')).toBe(lines('A', 'Z'));
  rig.backlog('f', { T1: say(lines('new', 'new')) });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out.txt')).toBe(lines('new', 'new'));
});

test('an accepted edit of one branch is merged onto what the other branch built', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say(lines('a', 'z')) });
  await rig.build();
  rig.commit();
  await branches(
    rig,
    async () => {
      rig.write({ 'out.txt': lines('MINE', 'z') });
      expect((await rig.build({ accept: true, targets: ['f/T1'] })).summary.exitCode).toBe(0);
    },
    async () => {
      rig.backlog('f', { T1: say(lines('a', 'theirs')) });
      await rig.build();
    },
  );
  merge(rig);
  const built = await rig.build();
  expect(built.summary.exitCode).toBe(0);
  expect(rig.read('out.txt')).toBe(lines('MINE', 'theirs'));
  rig.commit();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

for (const [name, theirs, wanted] of [
  ['in different lines are merged', lines('a', 'HERS'), lines('MINE', 'HERS')],
  ['in the same lines stop the task by name', lines('HERS', 'z'), undefined],
] as const) {
  test(`accepted edits of both branches ${name}`, async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: say(lines('a', 'z')) });
    await rig.build();
    rig.commit();
    const accept = (text: string) => async () => {
      rig.write({ 'out.txt': text });
      expect((await rig.build({ accept: true, targets: ['f/T1'] })).summary.exitCode).toBe(0);
    };
    await branches(rig, accept(lines('MINE', 'z')), accept(theirs));
    merge(rig);
    const built = await rig.build();
    if (wanted !== undefined) {
      expect(built.failure('f/T1')).toBeUndefined();
      expect(rig.read('out.txt')).toBe(wanted);
      rig.commit();
      expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
      return;
    }
    expect(built.failure('f/T1')).toMatchObject({ kind: 'edit-conflict', paths: ['out.txt'] });
    // A person decides, in the file.
    rig.write({ 'out.txt': lines('BOTH', 'z') });
    expect((await rig.build({ accept: true, targets: ['f/T1'] })).summary.exitCode).toBe(0);
    expect(rig.read(LOCK)).not.toContain('unmerged');
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  });
}

test('a lock file that is gone is taken from git: an accepted edit and a forced result stay', async () => {
  await using rig = await createRig();
  let calls = 0;
  rig.answer('f/T2', () => ({ 'b.txt': `call ${++calls}\n` }));
  rig.backlog('f', { T1: say(lines('a', 'z')), T2: agent('be kind', 'b.txt') });
  await rig.build();
  await rig.build({ force: true, targets: ['f/T2'] });
  rig.write({ 'out.txt': lines('MINE', 'z') });
  await rig.build({ accept: true, targets: ['f/T1'] });
  rig.commit();
  const before = rig.files();
  rig.remove(LOCK);
  const built = await rig.buildWithoutAgent();
  expect(built.summary.exitCode).toBe(0);
  expect(rig.files()).toEqual(before);
});

test('a recorded result wins over another one of the same key in this store', async () => {
  await using rig = await createRig();
  let name = 'here';
  rig.answer('f/T1', () => ({ 'out.txt': `${name}\n` }));
  rig.backlog('f', { T1: agent('be kind') });
  rig.commit();
  const main = rig.git('branch', '--show-current').trim();
  await rig.build();
  // Another machine built the same key, and its commit is merged.
  const here = rig.dir;
  rig.dir = `${rig.temporary.root}/other`;
  rig.git('clone', '-q', here, rig.dir);
  name = 'elsewhere';
  await rig.build();
  rig.git('-C', rig.dir, 'add', '-A');
  rig.git('-C', rig.dir, '-c', 'user.name=B', '-c', 'user.email=b@example.org', 'commit', '-qm', 'built');
  const other = rig.dir;
  rig.dir = here;
  rig.remove('out.txt', LOCK);
  rig.git('pull', '-q', other, main);
  expect(rig.read('out.txt')).toBe('elsewhere\n');
  rig.remove('out.txt');
  const built = await rig.buildWithoutAgent();
  expect(built.failure('f/T1')?.kind).toBe('pinned-result-missing');
  expect(rig.read('out.txt')).toBeUndefined();
});

test('with the merge driver of `init` two branches that built one task merge without a conflict in the lock', async () => {
  await using rig = await createRig();
  const command = `${process.execPath} ${PACKAGE}/bin/conductor.js merge-lock %O %A %B %P`;
  rig.git('config', 'merge.conductor-lock.driver', command);
  rig.write({ '.gitattributes': 'specs/**/.metadata.json merge=conductor-lock\n' });
  const state = async (text: string, other: string) => {
    rig.backlog('f', {
      T1: say(text),
      [other]: { inputs: [], outputs: [`${other}.txt`], run: `touch ${other}.txt` },
    });
    await rig.build();
  };
  await state(lines('a', 'z'), 'T2');
  rig.commit();
  await branches(
    rig,
    () => state(lines('A', 'z'), 'T3'),
    () => state(lines('a', 'Z'), 'T4'),
  );
  merge(rig);
  const lock = JSON.parse(rig.read(LOCK) ?? '') as { $schema: string; tasks: Record<string, object> };
  expect(lock.$schema).toBe('../../node_modules/conductor-build/schemas/metadata.schema.json');
  expect(Object.keys(lock.tasks)).toEqual(['T1', 'T3', 'T4']);
  expect(lock.tasks.T1).toHaveProperty('unmerged');
  await state(lines('A', 'Z'), 'T3');
  expect(rig.read('out.txt')).toBe(lines('A', 'Z'));
  expect(rig.read(LOCK)).not.toContain('unmerged');
  rig.commit();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('an output with conflict markers is not accepted and not absorbed, and its line is named', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: say(lines('a', 'z')) });
  await rig.build();
  rig.write({ 'out.txt': `a\n<<<<<<< HEAD\nmine\n=======\nhers\n>>>>>>> theirs\nz\n` });
  const marked = { kind: 'conflict-markers', path: 'out.txt', line: 2 };
  const accepted = await rig.build({ accept: true, targets: ['f/T1'] });
  expect(accepted.failure('f/T1')).toEqual(marked);
  const absorbed = await proposeAbsorption(
    rig.host(new ScriptedAgent({ tripwire: true })),
    { target: 'f/T1', byHand: true, wait: true, command: 'conductor absorb' },
    () => {},
    new AbortController().signal,
  );
  expect(absorbed).toEqual({ ok: false, error: marked });
  rig.backlog('f', { T1: say(lines('b', 'z')) });
  expect((await rig.build({ keepEdits: true })).summary.exitCode).toBe(1);
  expect(rig.read('out.txt')).toContain('<<<<<<<');
});

test('a file that tasks of both branches patched again is told from their patches: none is put on twice', async () => {
  await using rig = await createRig();
  const routes = ['top', 'a', 'b', 'c', 'middle', 'd', 'e', 'f', 'end', ''].join('\n');
  rig.write({ 'routes.txt': routes });
  const patching = (description: string) => ({ inputs: [], edits: ['routes.txt'], description });
  const after = (line: string) => (request: AgentRequest) => {
    const word = /word-\S+/.exec(request.prompt)?.[0] ?? '';
    const text = readFileSync(join(request.cwd, 'routes.txt'), 'utf8');
    return {
      'routes.txt': text.replace(new RegExp(`^${line}\\n(word-\\S+\\n)?`, 'm'), `${line}\n${word}\n`),
    };
  };
  rig.answer('f/T1', after('top'));
  rig.answer('f/T2', after('end'));
  const state = (one: string, two: string) => async () => {
    rig.backlog('f', { T1: patching(one), T2: patching(two) });
    expect((await rig.build()).summary.exitCode).toBe(0);
  };
  await state('word-1', 'word-2')();
  rig.commit();
  await branches(rig, state('word-11', 'word-2'), state('word-1', 'word-22'));
  merge(rig);
  const built = await rig.buildWithoutAgent();
  expect(built.summary.exitCode).toBe(0);
  const wanted = routes.replace('top\n', 'top\nword-11\n').replace('end\n', 'end\nword-22\n');
  expect(rig.read('routes.txt')).toBe(wanted);
  rig.commit();
  rig.write({ 'routes.txt': wanted.replace('middle', 'by hand') });
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('routes.txt')).toBe(wanted.replace('middle', 'by hand'));
});

test('a task that fails keeps the records of both branches, also when its patched file is put together again', async () => {
  await using rig = await createRig({ config: { attempts: 1 } });
  rig.write({ 'routes.txt': 'top\na\nb\nc\nend\n' });
  const patching = (description: string) => ({ inputs: [], edits: ['routes.txt'], description });
  const after = (line: string) => (request: AgentRequest) => {
    const word = /word-\S+/.exec(request.prompt)?.[0] ?? '';
    const text = readFileSync(join(request.cwd, 'routes.txt'), 'utf8');
    return {
      'routes.txt': text.replace(new RegExp(`^${line}\\n(word-\\S+\\n)?`, 'm'), `${line}\n${word}\n`),
    };
  };
  rig.answer('f/T1', after('top'));
  rig.answer('g/T1', after('c'));
  rig.backlog('g', { T1: patching('word-g') });
  const state = (word: string) => async () => {
    rig.backlog('f', { T1: patching(word) });
    expect((await rig.build()).summary.exitCode).toBe(0);
  };
  await state('word-1')();
  rig.commit();
  await branches(rig, state('word-ours'), state('word-theirs'));
  const ours = JSON.parse(rig.read(LOCK) ?? '').tasks.T1.result;
  const theirs = JSON.parse(rig.git('show', `theirs:${LOCK}`)).tasks.T1.result;
  merge(rig);
  rig.git('checkout', '--ours', 'routes.txt');
  rig.backlog('f', { T1: patching('word-3') });
  rig.backlog('g', { T1: patching('word-g2') });
  rig.answer('f/T1', { kind: 'agent-error', detail: 'no', output: { tail: '' } });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'failed', 'g/T1': 'built' });
  expect(rig.read('routes.txt')).toContain('c\nword-g2\n');
  expect(rig.read(LOCK)).not.toContain('<<<<');
  const { unmerged, ...own } = JSON.parse(rig.read(LOCK) ?? '').tasks.T1;
  const records = [own, ...unmerged.sides];
  expect(records.map(({ result }) => result).sort()).toEqual([ours, theirs].sort());
  // Which one counts may change; how the patched file is now holds for each.
  expect(new Set(records.map(({ edits }) => edits['routes.txt'].merged)).size).toBe(1);
});
