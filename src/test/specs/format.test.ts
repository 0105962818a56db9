/** Holds that files are formatted before gates see them, and what of a formatter is in which key. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

/** Writes its files in capitals. */
const SHOUT = [
  'sh',
  '-c',
  'for f; do tr a-z A-Z < "$f" > "$f.tmp" && mv "$f.tmp" "$f" || exit 1; done',
  'shout',
];
const format = [{ run: SHOUT, files: '**/*.txt' }];

test('outputs and edits of every recipe are formatted before gates; other tasks keep their keys', async () => {
  await using rig = await createRig();
  rig.write({ 'templates/t.hbs': 'made of {{word}}\n', 'app.txt': 'one\ntwo\n' });
  const tasks = {
    T1: { render: [{ template: 't.hbs', to: 'a b.txt', with: { word: 'text' } }] },
    T2: { run: 'echo page > page.md', inputs: [], outputs: ['page.md'] },
    T3: {
      description: 'x',
      inputs: [],
      outputs: ['c.txt'],
      edits: ['app.txt'],
      verify: ['grep -qx WORDS c.txt'],
    },
  };
  rig.backlog('f', { T2: tasks.T2 });
  await rig.build();
  rig.config = { ...rig.config, format };
  rig.backlog('f', tasks);
  rig.answer('f/T3', { 'c.txt': 'words\n', 'app.txt': 'one\ntwo\nthree\n' });
  const built = await rig.build();
  expect(built.outcomes()).toMatchObject({ 'f/T1': 'built', 'f/T3': 'built' });
  expect(built.ran()).not.toContain('f/T2');
  expect(rig.read('a b.txt')).toBe('MADE OF TEXT\n');
  expect(rig.read('c.txt')).toBe('WORDS\n');
  expect(rig.read('app.txt')).toBe('ONE\nTWO\nTHREE\n');
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);

  // The settings of a formatter decide what it writes.
  rig.write({ '.editorconfig': 'root = true\n' });
  expect(await rig.inspect()).toMatchObject({ 'f/T1': 'stale', 'f/T2': 'fresh', 'f/T3': 'stale' });
});

test('a formatter that fails rejects the attempt, with its output; what else it writes is dropped', async () => {
  await using rig = await createRig();
  const check = 'grep -q good {files} || { echo "a.txt:1: no good" >&2; exit 1; }; touch stray.txt';
  rig.backlog('f', {
    T1: {
      description: 'x',
      inputs: [],
      outputs: ['a.txt'],
      format: [check],
      verify: ['test ! -e stray.txt'],
    },
  });
  rig.answer('f/T1', (request) => ({ 'a.txt': request.attempt === 1 ? 'bad\n' : 'good\n' }));
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(built.of('task.attempt-failed')).toMatchObject([
    { failure: { kind: 'gate-failed', gate: `format: ${check}`, output: { tail: 'a.txt:1: no good' } } },
  ]);
  expect(built.agent.runs[1]?.prompt).toContain('no good');
  expect(built.warnings()).toEqual([expect.stringContaining('its formatter also changed stray.txt')]);
  expect(rig.read('stray.txt')).toBeUndefined();
});

test('where a formatter gets none of the files, gates see the tree that is kept, without its settings', async () => {
  await using rig = await createRig({ config: { format: [{ run: SHOUT, files: '**/*.css' }], attempts: 1 } });
  rig.write({ '.editorconfig': 'root = true\n' });
  rig.backlog('f', {
    T1: { description: 'x', inputs: [], outputs: ['src/**'], verify: ['test ! -e .editorconfig'] },
  });
  rig.answer('f/T1', { 'src/a.ts': 'export const a = 1;\n' });
  const built = await rig.build();
  // A gate that passes on a second look only would be told as flaky.
  expect([built.outcomes(), built.warnings()]).toEqual([{ 'f/T1': 'built' }, []]);
});

test('the nearest list of formatters counts, and an empty one formats nothing', async () => {
  await using rig = await createRig({ config: { format } });
  const task = (to: string, more = {}) => ({ run: `echo text > ${to}`, inputs: [], outputs: [to], ...more });
  rig.backlog('f', {
    T1: task('a.txt', { format: [] }),
    T2: task('b.txt', { format: [['sed', '-i', 's/t/T/']] }),
    T3: task('c.txt'),
  });
  await rig.build();
  expect(['a', 'b', 'c'].map((name) => rig.read(`${name}.txt`))).toEqual(['text\n', 'Text\n', 'TEXT\n']);
});
