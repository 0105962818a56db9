/** The map that planners get, and who may write each file. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { viewRepository } from '../../commands/map.js';
import { repositoryText } from '../../report/project-tables.js';
import { planners, startPlan } from '../rig/planning-rig.js';
import { createRig } from '../rig/rig.js';

test('the map is the one of the prompt, and each file has its owner and its patchers', async () => {
  await using rig = await createRig();
  rig.write({ 'src/app.ts': 'export function app() {}\n', 'specs/new/REQUEST.md': 'Keep notes.\n' });
  rig.backlog('f', {
    T1: { description: 'One.', outputs: ['one.txt'] },
    T2: { description: 'Two.', outputs: ['two.txt'], edits: ['src/app.ts'] },
  });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2', 'src/app.ts': 'export function app() {}\nexport const two = 2;\n' });
  await rig.build();
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const seen = await viewRepository(host, 'new');
  if (!seen.ok) throw new Error(JSON.stringify(seen.error));
  const { map, files } = seen.value;
  expect(files).toContainEqual({ path: 'one.txt', owner: 'f/T1', patchedBy: [] });
  expect(files).toContainEqual({ path: 'src/app.ts', patchedBy: ['f/T2'] });
  const plain = (text: string) => text;
  expect(repositoryText(seen.value, (_, text) => plain(text))).toMatch(
    /^file +owner +patched by\n(.*\n)*one\.txt +f\/T1 +-\nsrc\/app\.ts +- +f\/T2$/m,
  );

  const plan = startPlan(
    rig,
    { target: { kind: 'feature', name: 'new' } },
    { auto: planners({ backlog: '' }) },
  );
  await plan.done;
  expect(map).toContain('app.ts: app');
  expect(map).toContain('patched by tasks of other features:\n  src/app.ts: f/T2');
  expect(plan.agent.runs[0]?.prompt).toContain(map);

  const own = await viewRepository(host, 'f');
  expect(own.ok && own.value.files.map(({ path }) => path)).not.toContain('one.txt');
  const typo = await viewRepository(host, 'ff');
  expect(typo).toMatchObject({ error: { kind: 'unknown-target', nearest: ['f'] } });
});
