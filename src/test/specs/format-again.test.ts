/** Formatters that come or change after a result: it is formatted again and judged by its gates, without a model. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { inspect } from '../../build/dry-run.js';
import { estimateBuild } from '../../commands/backlog.js';
import { blame } from '../../commands/blame.js';
import { describeVerdict } from '../../report/verdict.js';
import { adoptIn } from '../adopting/adopting-rig.js';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject } from '../rig/shared-project.js';

const tight = { run: ['sed', '-i', 's/ = /=/'], files: 'src/*' };
const PYTHON = {
  'src/base.py': 'ONE = 1\n',
  'src/user.py': 'from .base import ONE\nTWO = ONE + ONE\n',
  'src/main.py': 'from .user import TWO\nprint(TWO)\n',
};
const everything = { targets: [], force: false, discardEdits: false };
const host = (rig: Rig) => rig.host(new ScriptedAgent({ tripwire: true }));
const asked = ({ agent }: Awaited<ReturnType<Rig['build']>>) => agent.runs.map(({ label }) => label);

async function said(rig: Rig) {
  const looked = await inspect(host(rig), everything, async ({ tasks }) =>
    tasks.map(({ task, verdict }) => `${task.id}: ${describeVerdict(verdict)}`),
  );
  return looked.ok ? looked.value : looked.error;
}

/** The config of a rig is no file, so something else changes with it. */
function formatWith(rig: Rig, format: NonNullable<Rig['config']['format']>) {
  rig.config = { ...rig.config, format };
  rig.write({ 'formatter.txt': JSON.stringify(format) });
}

function records(rig: Rig, feature: string) {
  const lock = JSON.parse(rig.read(`specs/${feature}/.metadata.json`) ?? '') as {
    tasks: Record<string, Record<string, unknown>>;
  };
  return Object.values(lock.tasks);
}

async function adopted(config: object = {}): Promise<Rig> {
  const rig = await createRig({ config });
  rig.write(PYTHON);
  rig.commit();
  expect((await adoptIn(rig, ['src'], { as: 'code', detectsGates: false })).failure).toBeUndefined();
  return rig;
}

test('adopted code is formatted, with what depends on it, and stays what a person wrote', async () => {
  await using rig = await adopted();
  expect(records(rig, 'code').map(({ adopted, recipe }) => [adopted, recipe])).toEqual(
    Array(3).fill([true, 'accepted']),
  );
  formatWith(rig, [tight]);
  const formatted = 'formatted again, then its gates run; no model is called if they pass (changed: format)';
  expect(await said(rig)).toEqual([
    `base: stale: ${formatted}`,
    `user: pending: waits for code/base; ${formatted}`,
    `main: pending: waits for code/user; ${formatted}`,
  ]);
  expect(await estimateBuild(host(rig), everything)).toEqual({
    ok: true,
    value: { tasks: 3, agentTasks: [] },
  });
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({
    'code/base': 'verified',
    'code/user': 'verified',
    'code/main': 'verified',
  });
  expect(rig.read('src/user.py')).toBe('from .base import ONE\nTWO=ONE + ONE\n');
  expect(built.of('task.reverified').map(({ against }) => against)).toEqual([
    ['format'],
    ['dependency code/base', 'format'],
    ['dependency code/user', 'format'],
  ]);
  for (const record of records(rig, 'code'))
    expect(record).toMatchObject({ adopted: true, recipe: 'accepted', handWork: expect.any(String) });
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  rig.commit();
  expect((await rig.buildWithoutAgent({ frozen: true })).summary.exitCode).toBe(0);
  // What was recorded without a formatter is still there.
  formatWith(rig, []);
  expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'code/base': 'cached' });
  expect(rig.read('src/base.py')).toBe('ONE = 1\n');
});

test.each(['the adopted files', 'files of agents'])(
  '%s are formatted in a clone without a store',
  async (kind) => {
    await using rig = await adopted();
    const out = (name: string, more = {}) => ({
      description: 'x',
      inputs: [],
      outputs: [`src/${name}.py`],
      ...more,
    });
    if (kind === 'files of agents') {
      rig.backlog('f', { T1: out('one'), T2: out('two', { depends_on: ['T1'] }) });
      rig.answer('f/T1', { 'src/one.py': 'X = 1\n' });
      rig.answer('f/T2', { 'src/two.py': 'Y = 2\n' });
      await rig.build({ targets: ['f'] });
    }
    rig.commit();
    cloneProject(rig, 'clone');
    formatWith(rig, [tight]);
    const label = kind === 'files of agents' ? 'f/T2' : 'code/main';
    expect((await rig.buildWithoutAgent({ targets: [label] })).outcomes()[label]).toBe('verified');
    expect(rig.read(label === 'f/T2' ? 'src/two.py' : 'src/base.py')).toMatch(/^(Y=2|ONE=1)\n$/);
    expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
    expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
    // What else changed is not known there.
    rig.remove('.git/conductor');
    const [feature] = label.split('/') as [string];
    const file = `specs/${feature}/BACKLOG.yaml`;
    formatWith(rig, []);
    rig.write({ [file]: (rig.read(file) ?? '').replaceAll(/description: .*/g, 'description: other words') });
    const own = label === 'f/T2' ? /^T\d: / : /^(?:base|user|main): /;
    const told = ((await said(rig)) as string[]).filter((line) => own.test(line));
    expect(told.join('\n')).toContain('the former value is unknown');
    expect(told.join('\n')).not.toContain('formatted again');
  },
);

test('a changed formatter, and one that goes, need no store and no agent either', async () => {
  await using rig = await createRig({ config: { format: [tight] } });
  const out = (name: string, more = {}) => ({
    description: 'x',
    inputs: [],
    outputs: [`src/${name}`],
    ...more,
  });
  rig.backlog('f', { T1: out('one.py'), T2: out('two.py', { depends_on: ['T1'] }) });
  rig.answer('f/T1', { 'src/one.py': 'X = 1\n' });
  rig.answer('f/T2', { 'src/two.py': 'Y = 2\n' });
  await rig.build();
  rig.commit();
  cloneProject(rig, 'clone');
  formatWith(rig, [{ run: ['sed', '-i', 's/=/: /'], files: 'src/*' }]);
  const outcomes = { 'f/T1': 'verified', 'f/T2': 'verified' };
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual(outcomes);
  expect(rig.read('src/two.py')).toBe('Y: 2\n');
  rig.remove('.git/conductor');
  formatWith(rig, []);
  expect(await said(rig)).toEqual([
    'T1: stale: formatted again, then its gates run; no model is called if they pass (changed: format)',
    expect.stringContaining('formatted again'),
  ]);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual(outcomes);
  expect(rig.read('src/two.py')).toBe('Y: 2\n');
  expect(records(rig, 'f')[0]?.unformatted).toBeUndefined();
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('files and patches of an agent are formatted again, and no review is paid', async () => {
  const approval = { verdict: 'accept', criteria: [], findings: [] };
  await using rig = await createRig({ config: { review: true } });
  const middle = 'one\ntwo\nthree\nfour\nfive\n';
  rig.write({ 'src/app.ini': middle });
  const one = { description: 'x', inputs: [], outputs: ['src/own.ini'], edits: ['src/app.ini'] };
  const other = { description: 'y', inputs: [], edits: ['src/app.ini'] };
  rig.backlog('f', { T1: one, T2: { ...other, depends_on: ['T1'] } });
  rig.answer('f/T1', { 'src/own.ini': 'own = 1\n', 'src/app.ini': `a = 1\n${middle}` });
  rig.answer('f/T2', { 'src/app.ini': `a = 1\n${middle}b = 2\n` });
  for (const id of ['T1', 'T2']) rig.answer(`f/${id}@review`, { 'REVIEW.json': JSON.stringify(approval) });
  await rig.build({}, { usage: { tokensIn: 100 } });

  rig.write({ '.editorconfig': 'root = true\n' });
  formatWith(rig, [tight]);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified', 'f/T2': 'verified' });
  expect(rig.read('src/own.ini')).toBe('own=1\n');
  expect(rig.read('src/app.ini')).toBe(`a=1\n${middle}b=2\n`);
  const origin = await blame(host(rig), 'src/own.ini');
  expect(origin).toMatchObject({
    value: {
      tasks: [
        {
          making: {
            agent: 'scripted',
            attempts: 1,
            verified: { against: ['format', 'format input .editorconfig'] },
          },
        },
      ],
    },
  });
  // The settings of a formatter, and another command.
  rig.write({ '.editorconfig': 'root = false\n' });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified', 'f/T2': 'verified' });
  rig.backlog('f', {
    T1: { ...one, format: [['sed', '-i', 's/=/:/']] },
    T2: { ...other, depends_on: ['T1'] },
  });
  expect((await rig.buildWithoutAgent()).outcomes()).toMatchObject({ 'f/T1': 'verified' });
  expect(rig.read('src/own.ini')).toBe('own:1\n');
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('where formatted files fail a gate, the agent mends its own; code of a person is left alone', async () => {
  await using rig = await adopted({ gates: { task: ['! grep -r "ONE=" src'] } });
  rig.backlog('f', {
    T1: { description: 'x', inputs: [], outputs: ['src/own.ini'], verify: ['! grep "own=" src/own.ini'] },
  });
  rig.answer('f/T1', { 'src/own.ini': 'own = 1\n' });
  await rig.build();
  formatWith(rig, [tight]);
  rig.answer('f/T1', { 'src/own.ini': 'mine = 1\n' });
  const built = await rig.build();
  expect(asked(built).every((label) => label === 'f/T1')).toBe(true);
  expect(built.agent.runs[0]?.prompt).toContain('Changed since: `format`. Now the gate');
  expect(built.outcomes()).toMatchObject({ 'f/T1': 'built', 'code/base': 'failed', 'code/main': 'skipped' });
  expect(built.failure('code/base')).toMatchObject({
    kind: 'format-rejected',
    failure: { kind: 'gate-failed' },
  });
  expect(rig.read('src/base.py')).toBe('ONE = 1\n');
});

test('code of a person is left alone also where another model would build it today', async () => {
  await using rig = await adopted({ gates: { task: ['! grep -r "ONE=" src'] } });
  formatWith(rig, [tight]);
  rig.config = { ...rig.config, models: { routes: [{ model: 'a/big' }] } };
  const built = await rig.buildWithoutAgent();
  expect(built.failure('code/base')).toMatchObject({
    kind: 'format-rejected',
    failure: { kind: 'gate-failed' },
  });
  expect(rig.read('src/base.py')).toBe('ONE = 1\n');
});

test('beside another change, the gates of the task decide about the formatted files', async () => {
  await using rig = await createRig();
  const task = (verify: string[]) => ({
    description: 'x',
    inputs: ['data.txt'],
    outputs: ['src/own.ini'],
    verify,
  });
  rig.write({ 'data.txt': '1\n' });
  rig.backlog('f', { T1: task(['grep own src/own.ini']) });
  rig.backlog('g', { T1: { ...task([]), outputs: ['src/other.ini'] } });
  rig.answer('f/T1', { 'src/own.ini': 'own = 1\n' });
  rig.answer('g/T1', { 'src/other.ini': 'other = 1\n' });
  await rig.build();
  formatWith(rig, [tight]);
  rig.write({ 'data.txt': '2\n' });
  rig.answer('g/T1', { 'src/other.ini': 'other = 2\n' });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'verified', 'g/T1': 'built' });
  expect(asked(built)).toEqual(['g/T1']);
  expect(rig.read('src/own.ini')).toBe('own=1\n');
});

test('an accepted edit is formatted together with what it was made on, so that a new result still merges with it', async () => {
  await using rig = await createRig();
  const task = (description: string) => ({ description, inputs: [], outputs: ['src/own.ini'] });
  const lines = (last: string, ...more: string[]) =>
    ['a = 1', 'b = 2', 'c = 3', 'd = 4', last, ...more, ''].join('\n');
  rig.backlog('f', { T1: task('x') });
  rig.answer('f/T1', { 'src/own.ini': lines('e = 5') });
  await rig.build();
  rig.write({ 'src/own.ini': `mine = 0\n${lines('e = 5')}` });
  await rig.buildWithoutAgent({ accept: true, targets: ['f/T1'] });
  formatWith(rig, [tight]);
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'f/T1': 'verified' });
  expect(rig.read('src/own.ini')).toBe(`mine=0\n${lines('e = 5').replaceAll(' = ', '=')}`);
  rig.backlog('f', { T1: { ...task('y'), strategy: 'fresh' } });
  rig.answer('f/T1', { 'src/own.ini': lines('e = 5', 'f = 6') });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('src/own.ini')).toBe(`mine=0\n${lines('e = 5', 'f = 6').replaceAll(' = ', '=')}`);
});
