/** Analysis by induction and full analysis agree after any changes; what did not change is not analysed. */

import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { INDEX_FILE } from '../../analysis/range/index-file.js';
import { Induction } from '../../analysis/range/induction.js';
import { TaskWords } from '../../analysis/range/task-words.js';
import { Checker } from '../../analysis/verdict.js';
import type { Label, Task } from '../../model/task.js';
import { TaskGraph } from '../../model/task-graph.js';
import type { Project } from '../../project/project.js';
import { createRig, type Rig } from '../rig/rig.js';
import { walk } from './incremental-walk.js';

/** `TEST_SEED=… TEST_STEPS=…` takes one walk of that many changes. */
const SEED = Number(process.env.TEST_SEED ?? 20261129);
const STEPS = Number(process.env.TEST_STEPS ?? 21);
const TIMED = { timeout: 200_000 + STEPS * 3000 };

afterEach(() => {
  vi.restoreAllMocks();
});

/** The index of the one project of the rig's repository. */
function indexOf(rig: Rig): string {
  const projects = rig.path('.git/conductor/projects');
  return join(projects, readdirSync(projects)[0] as string, INDEX_FILE);
}

test('after any changes, what is fresh by induction is fresh by a full analysis', TIMED, async () => {
  const { fresh, all } = await walk(SEED, STEPS);
  // A mechanism that analyses everything would pass as well.
  expect(fresh).toBeGreaterThan(all / 4);
});

test('a comparison that does not see what specs say is caught', TIMED, async () => {
  vi.spyOn(TaskWords.prototype, 'of').mockReturnValue('the same');
  let isCaught = false;
  for (let seed = 1; seed <= 6 && !isCaught; seed++) {
    isCaught = await walk(seed, 12).then(
      () => false,
      (error: unknown) => {
        if (error instanceof Error && error.name === 'AssertionError') return true;
        throw error;
      },
    );
  }
  expect(isCaught).toBe(true);
});

const writing = (name: string, text: string) => `mkdir -p out && echo ${text} > out/${name}.txt`;

const task = (word: string, more: object = {}) => ({
  inputs: [],
  outputs: [`out/${word}.txt`],
  run: writing(word, word),
  ...more,
});

/** The labels that a build analyses. */
async function analysed(build: () => Promise<unknown>): Promise<Label[]> {
  const check = vi.spyOn(Checker.prototype, 'check');
  await build();
  const labels = check.mock.calls.map(([{ label }]) => label);
  check.mockRestore();
  return [...new Set(labels)].sort();
}

test('only a task whose spec changed and what depends on it is analysed, also in another version of the file', async () => {
  await using rig = await createRig();
  const tasks = { a: task('a'), b: task('b', { depends_on: ['a'] }), c: task('c') };
  rig.backlog('f', tasks);
  rig.backlog('g', { d: task('d'), e: task('e', { depends_on: ['f/b'] }) });
  await rig.build();
  rig.backlog('f', { ...tasks, c: task('c', { run: writing('c', 'other') }) });
  expect(await analysed(() => rig.build())).toEqual(['f/c']);
  rig.backlog('f', { ...tasks, a: task('a', { run: writing('a', 'other') }) });
  const built = async () => {
    const story = await rig.build();
    // Every task is told of, whether it was analysed or not.
    expect(story.outcomes()).toEqual({
      'f/a': 'built',
      'f/b': 'built',
      'f/c': 'cached',
      'g/d': 'fresh',
      'g/e': 'fresh',
    });
  };
  expect(await analysed(built)).toEqual(['f/a', 'f/b', 'f/c', 'g/e']);
});

test('without a sound index every task is analysed, and the build is the same', async () => {
  await using rig = await createRig();
  const tasks = { a: task('a'), b: task('b') };
  rig.write({ 'README.md': 'one\n' });
  rig.backlog('f', tasks);
  await rig.build();
  const index = indexOf(rig);
  const spoil: readonly (() => void)[] = [
    () => truncateSync(index, 100),
    () => writeFileSync(index, 'conductor.analysis.1 0\n{}'),
    () => writeFileSync(index, ''),
  ];
  for (const [i, damage] of spoil.entries()) {
    rig.write({ 'README.md': `${i}\n` });
    expect(await analysed(() => rig.build())).toEqual([]);
    rig.write({ 'README.md': `again ${i}\n` });
    damage();
    expect(await analysed(() => rig.build())).toEqual(['f/a', 'f/b']);
  }
  rig.version = '2.0.0';
  rig.write({ 'README.md': 'version\n' });
  expect(await analysed(() => rig.build())).toEqual(['f/a', 'f/b']);
});

test('another config analyses everything, other prompts only the tasks of agents', async () => {
  await using rig = await createRig();
  rig.backlog('f', {
    a: task('a'),
    w: { description: 'Write.', inputs: [], outputs: ['out/w.txt'] },
  });
  rig.answer('f/w', { 'out/w.txt': 'w\n' });
  await rig.build();
  const after = (change: () => void) => {
    change();
    // Another tree, so that there may be something to do.
    rig.write({ 'README.md': `${rig.time}\n` });
    return analysed(() => rig.build());
  };
  expect(await after(() => {})).toEqual([]);
  expect(await after(() => void rig.reworded.prompts.set('extra.md', 'Another text.\n'))).toEqual(['f/w']);
  expect(await after(() => {})).toEqual([]);
  rig.config = { ...rig.config, attempts: 5 };
  expect(await after(() => {})).toEqual(['f/a', 'f/w']);
  expect(await after(() => {})).toEqual([]);
});

test('what depends on a task that is not proven is analysed, also where the task between them is fresh', () => {
  const named = (id: string, ...dependsOn: string[]) =>
    ({ label: `f/${id}`, feature: 'f', id, dependsOn, edits: [], outputs: [] }) as unknown as Task;
  const graph = new TaskGraph([named('a'), named('b', 'f/a'), named('c', 'f/b')]);
  const project = { graph, owned: new Map(), features: new Map() } as unknown as Project;
  const opened = () =>
    new Induction(project, {
      untouched: new Set(graph.order),
      noted: ['f/a', 'f/b'],
      words: new TaskWords(project),
    });
  const isKnown = (induction: Induction) => induction.outputsOf(graph.task('f/c')) !== undefined;
  const whole = opened();
  for (const label of ['f/a', 'f/b']) whole.confirm(label);
  expect(isKnown(whole)).toBe(true);
  const broken = opened();
  broken.confirm('f/b');
  expect(isKnown(broken)).toBe(false);
});

test('what a revised task changes in other tasks of its file is seen by the next build', async () => {
  await using rig = await createRig({ config: { rebase: 'apply', attempts: 1 } });
  rig.write({
    'specs/f/BACKLOG.yaml': `tasks:
  - id: T1
    description: Write the colour.
    inputs: []
    outputs: [one.txt]
    verify: ["grep -q green one.txt"]
    acceptance: &wanted
      - It is a colour
  - id: T2
    description: Write it, too.
    inputs: []
    outputs: [two.txt]
    acceptance: *wanted
`,
  });
  rig.backlog('g', { a: task('a') });
  const colour = (prompt: string) => (prompt.includes('It is green') ? 'green' : 'red');
  rig.answer('f/T1', ({ prompt }) => ({ 'one.txt': colour(prompt) }));
  rig.answer('f/T2', ({ prompt }) => ({ 'two.txt': colour(prompt) }));
  const better = { acceptance: ['It is a colour', 'It is green'] };
  rig.answer('f/T1@rebase', {
    'REBASE.json': JSON.stringify({ task: better, reasoning: 'The gate wants green.', confidence: 0.9 }),
  });
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built', 'g/a': 'built' });
  expect([rig.read('one.txt'), rig.read('two.txt')]).toEqual(['green', 'red']);
  const next = await analysed(async () => {
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'fresh', 'f/T2': 'built', 'g/a': 'fresh' });
  });
  expect([next, rig.read('two.txt')]).toEqual([['f/T1', 'f/T2'], 'green']);
  expect((await rig.build()).summary.outcome).toBe('up-to-date');
});
