/** What commands answer about a project: nothing that is known may be hidden, and no answer may mislead. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { examine } from '../../commands/doctor/doctor.js';
import { checkEdits } from '../../commands/doctor/project-checks.js';
import { listBuilds, readBuildLog } from '../../commands/read-log.js';
import { regenerate } from '../../commands/regenerate/regenerate.js';
import { logText } from '../../report/log.js';
import { plainStyle } from '../../report/style.js';
import { createRig, type Rig } from '../rig/rig.js';

/** Three tasks in a row, all built; T2 renders a template of its own. */
async function threeInARow(): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'in/a.txt': 'a\n', 'templates/two.hbs': 'two {{word}}\n' });
  rig.backlog('f', tasks('word'));
  const first = await rig.build();
  expect(first.summary.exitCode).toBe(0);
  return rig;
}

function tasks(word: string) {
  return {
    T1: { inputs: ['in/a.txt'], outputs: ['out/a.txt'], run: 'mkdir -p out && cp in/a.txt out/' },
    T2: {
      depends_on: ['T1'],
      outputs: ['out/b.txt'],
      render: [{ template: 'two.hbs', to: 'out/b.txt', with: { word } }],
    },
    T3: { depends_on: ['T2'], inputs: [], outputs: ['out/c.txt'], run: 'mkdir -p out && echo c > out/c.txt' },
  };
}

test('a task that waits for others tells what is known of it: its edits, its template, its own text', async () => {
  await using rig = await threeInARow();
  rig.write({ 'in/a.txt': 'changed\n' });
  const quiet = await rig.build({ dryRun: true });
  expect(quiet.verdict('f/T2'), 'nothing of its own has changed').toEqual({ kind: 'pending', on: ['f/T1'] });
  expect(quiet.verdict('f/T3')).toEqual({ kind: 'pending', on: ['f/T2'] });

  rig.write({ 'templates/two.hbs': '2 {{word}}\n', 'out/c.txt': 'by hand\n' });
  rig.backlog('f', tasks('other'));
  const told = await rig.build({ dryRun: true });
  expect(told.verdict('f/T2')).toMatchObject({ kind: 'pending', on: ['f/T1'] });
  const two = told.verdict('f/T2');
  const changes = two?.kind === 'pending' && two.reasons?.[0];
  expect(changes).toMatchObject({
    kind: 'manifest-changed',
    changes: [{ name: 'template templates/two.hbs' }, { name: 'variables of out/b.txt' }],
  });
  expect(told.verdict('f/T3')).toEqual({ kind: 'pending', on: ['f/T2'], paths: ['out/c.txt'] });

  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const found = await examine(host, process.versions.node, [checkEdits]);
  expect(found).toMatchObject([{ about: 'edits', state: 'warning' }]);
  expect(found[0]?.found).toContain('out/c.txt (f/T3)');
});

test('a file that nobody but a person wrote is told of before its task is ever built', async () => {
  await using rig = await createRig();
  rig.write({ 'in/a.txt': 'a\n', 'templates/two.hbs': 'two {{word}}\n', 'out/c.txt': 'mine\n' });
  rig.backlog('f', tasks('word'));
  const told = await rig.build({ dryRun: true });
  expect(told.verdict('f/T3')).toEqual({
    kind: 'pending',
    on: ['f/T2'],
    reasons: [{ kind: 'never-built' }],
    paths: ['out/c.txt'],
    inTheWay: ['out/c.txt'],
  });
});

test('the log of a regeneration tells what it did, task by task', async () => {
  await using rig = await threeInARow();
  const options = { targets: [], fresh: true, runs: 1, apply: false, workers: undefined, wait: true };
  const command = 'conductor regenerate --all --fresh';
  const seen: string[] = [];
  const done = await regenerate(
    rig.host(new ScriptedAgent({ tripwire: true })),
    { ...options, command },
    (event) => seen.push(event.type),
    new AbortController().signal,
  );
  expect(done.ok).toBe(true);
  expect(seen, 'the first and last event are the log’s').not.toContain('build.started');

  const [newest, first] = await listBuilds(rig.dir);
  expect(first).toBeDefined();
  const log = await readBuildLog(rig.dir, undefined);
  if (!log.ok) throw new Error(log.error.kind);
  expect(log.value.build).toBe(newest);
  const text = logText(log.value.events, plainStyle);
  expect(text).toContain(command);
  for (const label of ['f/T1', 'f/T2', 'f/T3']) expect(text).toContain(`built    ${label}`);
  expect(text).toMatch(/conductor: built 3/);
  expect((await readBuildLog(rig.dir, 'f/T1')).ok).toBe(true);
});
