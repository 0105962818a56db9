/** Analysis by induction and full analysis agree after any changes; what did not change is not analysed. */

import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { prepare } from '../../analysis/prepare.js';
import { INDEX_FILE } from '../../analysis/range/index-file.js';
import { openInduction } from '../../analysis/range/induction.js';
import { TaskWords } from '../../analysis/range/task-words.js';
import { Checker } from '../../analysis/verdict.js';
import { openWritingSession } from '../../build/project-session.js';
import type { Label } from '../../model/task.js';
import { Dice } from '../rig/random-project.js';
import { createRig, type Rig } from '../rig/rig.js';
import { ChangingProject } from './changing-project.js';

/** `TEST_SEED=… TEST_STEPS=…` takes one walk of that many changes. */
const SEED = Number(process.env.TEST_SEED ?? 20261129);
const STEPS = Number(process.env.TEST_STEPS ?? 21);
const TIMED = { timeout: 200_000 + STEPS * 3000 };

afterEach(() => {
  vi.restoreAllMocks();
});

interface Compared {
  /** Tasks that induction calls fresh. */
  readonly fresh: readonly Label[];
  /** Those that a full analysis finds fresh. */
  readonly all: readonly Label[];
}

/** Undefined where the project is not valid: then nothing is analysed at all. */
async function compare(rig: Rig): Promise<Compared | undefined> {
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const { signal } = new AbortController();
  const loaded = await host.loadConfig(rig.dir);
  const session = await openWritingSession(host, { command: 'test', wait: false, signal }, () => {});
  if (!loaded.ok || !session.ok) throw new Error('the project cannot be opened');
  try {
    const options = { targets: [], force: false, discardEdits: false };
    const ready = await prepare(host, { project: session.value, loaded: loaded.value }, options);
    if (!ready.ok) return undefined;
    const { checker, project, store } = ready.value;
    const induction = await openInduction(ready.value, host.version);
    const made = new Map<Label, DependencyOutputs>();
    const fresh: Label[] = [];
    const all: Label[] = [];
    for (const label of project.graph.order) {
      const task = project.graph.task(label);
      const isKnown = task.dependsOn.every((need) => made.has(need));
      const checked = isKnown ? await checker.check(task, made) : undefined;
      const verdict = checked?.ok ? checked.value.verdict : undefined;
      const seen = checked?.ok ? checked.value.dependencyOutputs : undefined;
      if (seen) made.set(label, seen);
      if (verdict?.kind === 'fresh') all.push(label);
      const outputs = induction.outputsOf(task);
      if (outputs) {
        expect({ label, verdict }).toEqual({ label, verdict: { kind: 'fresh' } });
        expect(outputs).toEqual(seen);
        fresh.push(label);
      } else if (verdict?.kind === 'fresh') induction.confirm(label);
    }
    await store.close();
    return { fresh, all };
  } finally {
    await session.value.close();
  }
}

/** The index of the one project of the rig's repository. */
function indexOf(rig: Rig): string {
  const projects = rig.path('.git/conductor/projects');
  return join(projects, readdirSync(projects)[0] as string, INDEX_FILE);
}

async function notFresh(rig: Rig): Promise<[Label, string][]> {
  return Object.entries(await rig.inspect()).filter(([, verdict]) => verdict !== 'fresh');
}

/** Changes, comparisons and builds in turn; how many tasks needed no analysis. */
async function walk(seed: number, steps: number): Promise<{ fresh: number; all: number }> {
  await using rig = await createRig();
  const dice = new Dice(seed);
  const project = new ChangingProject(rig, dice);
  const told: string[] = [];
  const sum = { fresh: 0, all: 0 };
  try {
    for (let step = 0; step < steps; step++) {
      if (step % 3 === 0) {
        const built = await rig.build({ keepEdits: dice.chance(0.5) });
        told.push(`build: ${built.summary.outcome}`);
        project.keepState();
        const { counts, exitCode } = built.summary;
        if (exitCode !== 0) {
          told.push('recovery');
          project.recover();
          await rig.build({ keepEdits: true });
        }
        // What a build leaves that analysed only what changed is what one leaves that analysed everything.
        if (exitCode === 0 && counts.drifted === 0) {
          // A patch on a file of mixed states may be restored by the next build too, whether there is an index or not.
          const patching = project.patching();
          expect((await notFresh(rig)).filter(([label]) => !patching.has(label))).toEqual([]);
        }
        continue;
      }
      told.push(project.change());
      const compared = await compare(rig);
      sum.fresh += compared?.fresh.length ?? 0;
      sum.all += compared?.all.length ?? 0;
    }
  } catch (error) {
    if (error instanceof Error) error.message = `TEST_SEED=${seed}: ${told.join('; ')}\n${error.message}`;
    throw error;
  }
  return sum;
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
