/** Random edits under a watch: whenever it is idle, the tree is what a clean build leaves, and a build finds nothing to do. */

import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { BuildSummary } from '../../model/event.js';
import { ChangingProject } from '../keys/changing-project.js';
import { DIVISIBLE } from '../keys/changing-specs.js';
import { compareWithWhole, expectAllFresh, indexNow, isPartSince } from '../keys/part-walk.js';
import {
  backlogs,
  Dice,
  expectedTree,
  type RandomProject,
  randomEdit,
  randomProject,
} from '../rig/random-project.js';
import { createRig, type Rig } from '../rig/rig.js';
import { RigWatch } from '../rig/rig-watch.js';

const SEED = Number(process.env.TEST_SEED ?? 20261124);
const STEPS = 10;
const STEPS_IN_PARTS = Number(process.env.TEST_STEPS ?? 8);

class Hand {
  private written = new Map<string, string>();

  /** Brings the hand-written part of the project to this state, as an editor would; gives the files that it touched. */
  show(rig: Rig, wanted: RandomProject): string[] {
    const files = new Map([...wanted.files, ...backlogs(wanted)]);
    const gone = [...this.written.keys()].filter((path) => !files.has(path));
    const changed = [...files].filter(([path, text]) => this.written.get(path) !== text);
    for (const path of gone) rig.remove(path);
    for (const [path, text] of changed) rig.write({ [path]: text });
    this.written = files;
    return [...gone, ...changed.map(([path]) => path)];
  }
}

test(`after any edits the watch leaves what a clean build leaves (TEST_SEED=${SEED})`, {
  timeout: 120_000,
}, async () => {
  const dice = new Dice(SEED);
  await using rig = await createRig({ config: { env: ['RUNS'], workers: 3 } });
  rig.env.RUNS = `${rig.temporary.root}/runs.txt`;
  const hand = new Hand();
  let state = randomProject(dice);
  hand.show(rig, state);
  rig.write({ '.gitignore': '.conductor/\n' });
  await using watch = new RigWatch(rig, new ScriptedAgent({ tripwire: true }));
  await watch.idle(1);
  for (let step = 1; step <= STEPS; step++) {
    // Some edits come while the build of those before is under way.
    for (let edits = dice.below(3); edits >= 0; edits--) {
      state = randomEdit(state, dice).project;
      const touched = hand.show(rig, state);
      // Events name what has changed, or only a part of it, or nothing.
      watch.event(...touched.filter(() => dice.below(4) > 0));
      // A build may begin, and be superseded at any point of it.
      for (let turns = edits > 0 ? dice.below(200) : 0; turns > 0; turns--) await setImmediate();
    }
    await watch.quiet();
    expect(treeOf(rig), `step ${step}`).toEqual(expectedTree(state));
    const cold = await rig.buildWithoutAgent();
    expect(cold.summary, `step ${step}`).toMatchObject({ outcome: 'up-to-date', published: 0 });
    expect(Object.values(cold.verdicts()).filter((verdict) => verdict !== 'fresh')).toEqual([]);
  }
});

function treeOf(rig: Rig): Record<string, string> {
  const shown = Object.entries(rig.files()).filter(
    ([path]) => !path.endsWith('.metadata.json') && path !== '.gitignore',
  );
  const text = (content: string) => Buffer.from(content.replace(/^f:/, ''), 'latin1').toString('utf8');
  return Object.fromEntries(shown.map(([path, content]) => [path, text(content)]));
}

test(`whether a watch reads parts or everything, it leaves what a build of everything leaves (TEST_SEED=${SEED})`, {
  timeout: 120_000 + STEPS_IN_PARTS * 5000,
}, async () => {
  const dice = new Dice(SEED);
  await using rig = await createRig();
  const project = new ChangingProject(rig, dice, DIVISIBLE);
  await using watch = new RigWatch(rig, new ScriptedAgent({ auto: rig.answerer() }));
  await watch.idle(1);
  const { STAGE } = rig.env;
  const told: string[] = [];
  let parts = 0;
  try {
    for (let step = 0; step < STEPS_IN_PARTS; step++) {
      const before = rig.files();
      const index = indexNow(rig);
      for (let i = dice.below(2); i >= 0; i--)
        told.push(dice.chance(0.8) ? project.localChange() : project.change());
      // A watch keeps the variables with which it was started.
      rig.env.STAGE = STAGE;
      const after = rig.files();
      const all = new Set([...Object.keys(before), ...Object.keys(after)]);
      const names = [...all].filter((path) => before[path] !== after[path]);
      watch.event(...names.filter(() => dice.chance(0.9)));
      await watch.quiet();
      const { counts, exitCode, outcome } = lastOf(watch);
      told.push(`build: ${outcome}`);
      if (exitCode !== 0 || counts.drifted > 0 || isBroken(watch)) {
        project.recover();
        await rig.build({ keepEdits: true });
        watch.event();
        await watch.quiet();
        continue;
      }
      const isPart = outcome === 'built' && isPartSince(rig, index);
      if (isPart) parts++;
      await (isPart ? compareWithWhole(rig) : expectAllFresh(rig));
    }
  } catch (error) {
    if (error instanceof Error) error.message = `${told.join('; ')}\n${error.message}`;
    throw error;
  }
  // Without this, the test would also pass if every build read everything.
  expect(parts).toBeGreaterThan(0);
});

function lastOf({ story }: RigWatch): BuildSummary {
  const last = story.of('build.finished').at(-1);
  if (!last) throw new Error('nothing was built');
  return last.summary;
}

/** Whether the watch works with the last good specs. */
function isBroken({ story }: RigWatch): boolean {
  const last = (type: string) => story.events.findLastIndex((event) => event.type === type);
  return last('watch.problem') > last('watch.corrected');
}
