/** Holds that `validate` and `build` agree about what is valid, and that programs of gates are looked up as gates do. */

import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { validateProject } from '../../commands/validate.js';
import { findSandbox } from '../../io/process/sandbox/sandbox.js';
import type { ConductorConfig } from '../../model/config.js';
import { createRig, type Rig } from '../rig/rig.js';

const run = (more: object = {}) => ({ inputs: [], outputs: ['a.txt'], run: 'echo a > a.txt', ...more });
const validate = (rig: Rig) => validateProject(rig.host(new ScriptedAgent({ tripwire: true })));

const cases: [what: string, set: (rig: Rig) => void, config?: ConductorConfig][] = [
  ['a good project', (rig) => rig.backlog('f', { T1: run() })],
  ['a key that is not known', (rig) => rig.backlog('f', { T1: run({ tytle: 'x' }) })],
  [
    'a lock file with the marks of a conflict',
    (rig) => {
      rig.backlog('f', { T1: run() });
      rig.write({ 'specs/f/.metadata.json': '<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n' });
    },
  ],
  ['no task', (rig) => rig.write({ 'specs/README.md': 'nothing\n' })],
  [
    'a template that is not there',
    (rig) => rig.backlog('f', { T1: { outputs: ['a.txt'], render: [{ template: 'no.hbs', to: 'a.txt' }] } }),
  ],
  [
    'a template that cannot be read',
    (rig) => {
      rig.write({ 'templates/bad.hbs': '{{#if x}}\n' });
      rig.backlog('f', { T1: { outputs: ['a.txt'], render: [{ template: 'bad.hbs', to: 'a.txt' }] } });
    },
  ],
  [
    'a prompt that is too large',
    (rig) => rig.backlog('f', { T1: { description: 'x '.repeat(2000), inputs: [], outputs: ['a.txt'] } }),
    { promptBytes: 2000 },
  ],
  [
    'a gate whose program set-up would bring',
    (rig) =>
      rig.backlog('f', {
        T1: run({ verify: ['./check', 'true || no-such-program'] }),
        T2: { inputs: [], outputs: ['check'], run: 'true' },
      }),
  ],
];

test.each(cases)('%s: validate and build agree', async (_what, set, config = {}) => {
  await using rig = await createRig({ config });
  set(rig);
  const validated = await validate(rig);
  const dry = await rig.build({ dryRun: true });
  const built =
    dry.summary.exitCode === 0 ? await rig.build({}, { auto: async () => ({ 'a.txt': 'a' }) }) : dry;
  const couldStart =
    built.summary.exitCode !== 2 && !/template|prompt/.test(built.failure('f/T1')?.kind ?? '');
  expect([validated.ok, validated]).toEqual([couldStart, validated]);
});

test('the program of a gate that no gate would find is told, and stops nothing', async () => {
  await using rig = await createRig();
  rig.backlog('f', { T1: run({ verify: ['no-such-program --all'] }) });
  const validated = await validate(rig);
  if (!validated.ok) throw new Error(validated.error.kind);
  expect(validated.value.missingPrograms).toMatchObject([
    { file: 'specs/f/BACKLOG.yaml', message: expect.stringContaining('`no-such-program`') },
  ]);
});

test('in a sandbox a program counts only where the sandbox shows it', async (context) => {
  await using rig = await createRig({ config: { sandbox: 'auto' } });
  const found = await findSandbox(rig.env);
  if ('missing' in found) return context.skip(found.missing);
  const program = (folder: string, name: string) => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), '#!/bin/sh\n');
    chmodSync(join(folder, name), 0o755);
    rig.env.PATH = `${folder}:${rig.env.PATH}`;
  };
  // A folder that holds the project is shown to nobody.
  program(rig.temporary.root, 'above-the-project');
  program(join(rig.temporary.root, 'tools/bin'), 'on-path');
  rig.backlog('f', { T1: run({ verify: ['above-the-project', 'on-path', 'sh -c true'] }) });
  const validated = await validate(rig);
  if (!validated.ok) throw new Error(validated.error.kind);
  expect(validated.value.missingPrograms.map(({ message }) => /`(.*?)`/.exec(message)?.[1])).toEqual([
    'above-the-project',
  ]);
  const built = await rig.build();
  expect(built.failure('f/T1')).toMatchObject({
    kind: 'gate-failed',
    gate: 'above-the-project',
    exitCode: 127,
  });
});

test('a task that a build would refuse does not hide the others from a dry run', async () => {
  await using rig = await createRig({ config: { promptBytes: 2000 } });
  const broken = { description: 'x '.repeat(2000), inputs: [], outputs: ['b.txt'] };
  rig.backlog('f', {
    T1: run(),
    T2: broken,
    T3: { inputs: [], outputs: ['c.txt'], depends_on: ['T2'], run: 'true' },
  });
  const dry = await rig.build({ dryRun: true });
  expect(dry.verdict('f/T2')).toMatchObject({ kind: 'stale', reasons: [{ kind: 'refused' }] });
  expect(dry.verdict('f/T3')).toMatchObject({ kind: 'pending', on: ['f/T2'] });
  expect(dry.summary.counts).toMatchObject({ built: 1, failed: 1, skipped: 1 });
});

test('two tasks that patch one file without an order between them are worth a warning', async () => {
  await using rig = await createRig();
  rig.write({ 'src/http.ts': 'x\n', 'src/chain.ts': 'x\n' });
  const edit = (id: string, edits: string[], more: object = {}) =>
    run({ outputs: [`${id}.txt`], edits, ...more });
  rig.backlog('a', { T1: edit('a1', ['src/http.ts', 'src/chain.ts']) });
  rig.backlog('b', {
    T1: edit('b1', ['src/http.ts']),
    T2: edit('b2', ['src/chain.ts'], { depends_on: ['a/T1'] }),
    T3: edit('b3', ['src/chain.ts'], { depends_on: ['T2'] }),
  });
  const checked = await validate(rig);
  expect(checked.ok && checked.value.warnings).toMatchObject([
    {
      file: 'specs/b/BACKLOG.yaml',
      sourceLine: expect.stringContaining('src/http.ts'),
      message: 'a/T1 and b/T1 both patch `src/http.ts`, and neither depends on the other',
      hint: expect.stringContaining('`depends_on`'),
    },
  ]);
});
