/** Files that conductor built and that no task owns: named by `--frozen`, removed by `clean`, known from git's history. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { clean } from '../../commands/clean.js';
import { createRig, type Rig } from '../rig/rig.js';

const say = (word: string, to: string) => ({
  inputs: [],
  outputs: [to],
  run: ['node', '-e', `fs.mkdirSync('out', {recursive: true}); fs.writeFileSync('${to}', '${word}')`],
});

const cleanUp = (rig: Rig, dryRun: boolean) =>
  clean(rig.host(new ScriptedAgent({ tripwire: true })), {
    dryRun,
    wait: false,
    signal: new AbortController().signal,
  });

/** As a fresh clone has it: the feature is gone in git, its outputs are back, and no record knows of them. */
async function orphaned(rig: Rig): Promise<void> {
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  rig.backlog('g', { T1: say('b', 'out/b.txt'), T2: say('c', 'out/c.txt') });
  await rig.build();
  rig.write({ 'out/own.txt': 'mine' });
  rig.commit();
  rig.remove('specs/g', '.git/conductor');
  rig.git('rm', '-rq', '--cached', 'specs/g');
  rig.git('commit', '-qm', 'g is gone');
  rig.write({ 'out/c.txt': 'edited' });
  await rig.build();
  expect(rig.read('out/b.txt')).toBe('b');
}

test('orphans of a feature that another clone removed are found in the history, and only they are removed', async () => {
  await using rig = await createRig();
  await orphaned(rig);
  expect(await cleanUp(rig, true)).toEqual({ ok: true, value: ['out/b.txt'] });
  expect(rig.read('out/b.txt')).toBe('b');
  expect(await cleanUp(rig, false)).toEqual({ ok: true, value: ['out/b.txt'] });
  expect(rig.read('out/b.txt')).toBeUndefined();
  expect(['out/a.txt', 'out/c.txt', 'out/own.txt'].map((path) => rig.read(path))).toEqual([
    'a',
    'edited',
    'mine',
  ]);
  expect(await cleanUp(rig, false)).toEqual({ ok: true, value: [] });
});

test('a frozen build names orphans and fails', async () => {
  await using rig = await createRig();
  await orphaned(rig);
  // A plain build finds nothing to do, and leaves nothing else to be looked at.
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
  const frozen = await rig.build({ frozen: true });
  expect(frozen.summary.exitCode).toBe(1);
  expect(frozen.of('build.failure')[0]?.failure).toMatchObject({
    kind: 'not-up-to-date',
    tasks: [],
    orphans: ['out/b.txt'],
  });
});

test("the history's lock of a spec of one file is known, in a project folder with a bracket in its name", async () => {
  await using rig = await createRig({ folder: 'web [1]' });
  rig.backlog('f', { T1: say('a', 'out/a.txt') });
  rig.write({
    'specs/g.spec.md':
      '---\nid: T1\ninputs: []\noutputs: [out/b.txt]\nrun: mkdir -p out; echo b > out/b.txt\n---\n',
  });
  await rig.build();
  expect(rig.read('specs/g.spec.metadata.json')).toContain('out/b.txt');
  rig.commit();
  rig.remove('specs/g.spec.md', 'specs/g.spec.metadata.json', '../.git/conductor');
  rig.commit();
  expect(await cleanUp(rig, false)).toEqual({ ok: true, value: ['out/b.txt'] });
  expect(rig.read('out/a.txt')).toBe('a');
});
