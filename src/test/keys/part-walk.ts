/** Walks of random changes in projects of which builds read a part: each build leaves the same as one that reads everything. */

import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { INDEX_FILE, readIndex, readOrder } from '../../analysis/range/index-file.js';
import { PARTS_FILE, readParts } from '../../analysis/range/index-parts.js';
import { readTable } from '../../analysis/range/index-tables.js';
import { resultLines } from '../../analysis/range/recorded-results.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import { parseLock } from '../../specs/lock-file.js';
import { Dice } from '../rig/random-project.js';
import { createRig, type Rig } from '../rig/rig.js';
import { ChangingProject } from './changing-project.js';
import { DIVISIBLE } from './changing-specs.js';

/** The folder of records of the one project of the rig's repository. */
export function stateOf(rig: Rig): string {
  const projects = rig.path('.git/conductor/projects');
  return join(projects, readdirSync(projects)[0] as string);
}

/** The index as it is now. */
export function indexNow(rig: Rig): { readonly parts: number; readonly head: string } {
  const state = stateOf(rig);
  return {
    parts: statSync(join(state, PARTS_FILE)).ino,
    head: readFileSync(join(state, INDEX_FILE), 'utf8'),
  };
}

/**
 * Whether the build since then read a part of the project. One that reads everything replaces the file of parts by another one; one
 * that only restores outputs writes no index.
 */
export function isPartSince(rig: Rig, before: ReturnType<typeof indexNow>): boolean {
  const now = indexNow(rig);
  return now.parts === before.parts && now.head !== before.head;
}

/** A complete build, and whether it read a part of the project. */
export async function buildOf(rig: Rig, options: Parameters<Rig['build']>[0] = {}) {
  const before = indexNow(rig);
  const story = await rig.build(options);
  return { story, isPart: isPartSince(rig, before) };
}

/** All that a build leaves for the next one. */
async function leftBy(rig: Rig) {
  const state = stateOf(rig);
  const record = (name: string): unknown => JSON.parse(readFileSync(join(state, name), 'utf8'));
  const index = await readIndex(state);
  if (!index) throw new Error('there is no index');
  const { features, order: _order, owners, readers, ...head } = index.head;
  const rows = Object.entries(features).map(([name, { at: _, results, ...row }]) => {
    const lines = results && readParts(state, [results])?.[0];
    expect(lines).toBe(linesOfLock(rig, row.lock));
    return [name, { ...row, lines }] as const;
  });
  // Which outputs are looked at as samples depends on the order of the tasks, and how long the record of outputs is on former builds.
  const {
    index: __,
    published: ___,
    samples,
    rules,
    ...last
  } = record('last.json') as Record<string, unknown>;
  expect((samples as string[]).filter((path) => rig.files()[path] === undefined)).toEqual([]);
  return {
    files: rig.files(),
    published: (await readOutputs(state)).all(),
    records: ['patched.json', 'locks.json'].map(record),
    last,
    rules: rules as Record<string, string> | undefined,
    head,
    features: Object.fromEntries(rows),
    // More than one order has dependencies before dependents.
    order: [...(readOrder(state, index.head) ?? [])].sort(),
    tables: [owners, readers].map((place) => readTable(state, place)),
    paths: Object.fromEntries(index.paths),
    words: index.words,
    shapes: Object.fromEntries(index.shapes),
  };
}

/** What the index has to have of a lock file. */
function linesOfLock(rig: Rig, file: string): string | undefined {
  const lock = parseLock(rig.read(file) ?? '', file);
  if (!lock.ok) throw new Error(`${file} is damaged`);
  return resultLines(lock.value);
}

/** For a build that knows nothing of the one before, nothing is to be done. */
export async function expectAllFresh(rig: Rig): Promise<void> {
  for (const name of [INDEX_FILE, PARTS_FILE, 'last.json']) rmSync(join(stateOf(rig), name));
  const whole = await rig.build();
  expect(whole.summary).toMatchObject({ outcome: 'up-to-date', published: 0 });
  expect(new Set(Object.values(whole.outcomes()))).toEqual(new Set(['fresh']));
}

/** Compares with a build that knows nothing of the one before. */
export async function compareWithWhole(rig: Rig): Promise<void> {
  const { rules, ...part } = await leftBy(rig);
  await expectAllFresh(rig);
  const { rules: asked, ...whole } = await leftBy(rig);
  expect(whole).toEqual(part);
  // A build of many files does not tell them; each tells them of its own index.
  if (rules && asked) expect({ ...asked, index: '' }).toEqual({ ...rules, index: '' });
}

/** Changes and builds in turn. How many builds that built something read a part of the project, and how many there were. */
export async function walkInParts(seed: number, steps: number): Promise<{ parts: number; builds: number }> {
  await using rig = await createRig();
  const dice = new Dice(seed);
  const project = new ChangingProject(rig, dice, DIVISIBLE);
  const told: string[] = [];
  const sum = { parts: 0, builds: 0 };
  const states: ReturnType<ChangingProject['kept']>[] = [];
  try {
    await rig.build();
    for (let step = 0; step < steps; step++) {
      // Most changes are of a kind for which a build can read a part.
      for (let i = dice.below(2); i >= 0; i--)
        told.push(dice.chance(0.8) ? project.localChange() : project.change());
      if (dice.chance(0.2)) {
        rig.remove('out');
        told.push('no outputs');
      }
      // As a pull or a checkout: specs, lock files and outputs come together, or only those that git has.
      if (states.length > 0 && dice.chance(0.25))
        told.push(dice.pick(states.slice(-3))(dice.chance(0.6) ? 'all' : 'specs'));
      if (dice.chance(0.08)) {
        const target = dice.pick(readdirSync(rig.path('specs')));
        const { summary } = await rig.build({ targets: [target] });
        told.push(`build of ${target}: ${summary.outcome}`);
      }
      const before = indexNow(rig);
      const { summary } = await rig.build();
      told.push(`build: ${summary.outcome}`);
      if (summary.exitCode !== 0) {
        project.recover();
        await rig.build({ keepEdits: true });
        continue;
      }
      states.push(project.kept());
      if (summary.counts.drifted > 0 || summary.outcome !== 'built') continue;
      sum.builds++;
      if (!isPartSince(rig, before)) continue;
      sum.parts++;
      // Several parts follow one another, too.
      if (dice.chance(0.4)) await compareWithWhole(rig);
    }
  } catch (error) {
    if (error instanceof Error) error.message = `TEST_SEED=${seed}: ${told.join('; ')}\n${error.message}`;
    throw error;
  }
  return sum;
}
