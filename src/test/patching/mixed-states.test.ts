/** Files as after a checkout of some files of another commit: patched files and lock files that tell of different builds. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';

const APP = 'app.txt';
const LOCKS = { one: 'specs/one/.metadata.json', two: 'specs/two/.metadata.json' };

/** Its task changes its own line of the file. */
const task = (id: string, word: string) => ({
  ...{ inputs: [], outputs: [`${id}.txt`], edits: [APP] },
  run: `echo ${word} > ${id}.txt && sed -i 's/^slot ${id}.*/slot ${id} ${word}/' ${APP}`,
});

/** T1 is in one of the two features, T2 always in the second. */
function specify(rig: Rig, place: 'one' | 'two', word: string): void {
  if (place === 'one') rig.backlog('one', { T1: task('T1', word) });
  else rig.remove('specs/one/BACKLOG.yaml');
  rig.backlog('two', { ...(place === 'two' ? { T1: task('T1', word) } : {}), T2: task('T2', word) });
}

type State = Readonly<Record<'app' | 'one' | 'two', string | undefined>>;

function put(rig: Rig, { app, one, two }: State): void {
  for (const [path, text] of Object.entries({ [APP]: app, [LOCKS.one]: one, [LOCKS.two]: two })) {
    if (text === undefined) rig.remove(path);
    else rig.write({ [path]: text });
  }
}

const look = (rig: Rig): State => {
  return { app: rig.read(APP), one: rig.read(LOCKS.one), two: rig.read(LOCKS.two) };
};

test('whatever states are mixed, a build that succeeds leaves fresh tasks, and one that does not names the edit', async () => {
  await using rig = await createRig();
  rig.write({ [APP]: 'head\n-\nslot T1\n-\n-\nslot T2\n-\n' });
  specify(rig, 'one', 'a');
  const bare = look(rig);
  await rig.build();
  const first = look(rig);
  specify(rig, 'one', 'b');
  rig.write({ [APP]: (first.app as string).replace('head', 'my head') });
  await rig.build();
  const second = look(rig);
  specify(rig, 'two', 'b');
  expect((await rig.build()).summary.exitCode).toBe(0);
  const moved = look(rig);
  const mixes: (readonly [place: 'one' | 'two', state: State, exitCode: number])[] = [
    ['two', { ...moved, app: bare.app }, 0],
    ['two', { ...moved, one: first.one, two: undefined }, 0],
    ['two', { ...second, two: moved.two }, 0],
    ['two', { ...first, two: moved.two }, 1],
    ['one', { ...moved, app: bare.app, one: second.one }, 0],
    ['one', { ...second, one: first.one }, 0],
    ['one', { app: first.app, one: undefined, two: first.two }, 0],
  ];
  for (const [i, [place, state, exitCode]] of mixes.entries()) {
    specify(rig, place, 'b');
    put(rig, state);
    const built = await rig.buildWithoutAgent();
    const told = { i, exitCode: built.summary.exitCode };
    expect(told).toEqual({ i, exitCode });
    const verdicts = Object.values(await rig.inspect());
    if (exitCode === 0) {
      expect({ i, verdicts }).toEqual({ i, verdicts: ['fresh', 'fresh'] });
      const left = look(rig);
      expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
      expect({ i, ...look(rig) }).toEqual({ i, ...left });
    } else {
      expect(verdicts).toContain('drifted');
      expect(rig.read(APP)).toBe(state.app);
    }
    // Back to where nothing is mixed.
    specify(rig, 'two', 'b');
    put(rig, moved);
    expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  }
});

test('when a task patches a file no more, gates that read all files pass in the same build, not in a later one', async () => {
  await using rig = await createRig();
  rig.write({ [APP]: 'head\n-\nslot T1\n-\n' });
  const whole = { outputs: ['W.txt'], run: 'echo w > W.txt', verify: ['test -f app.txt'] };
  rig.backlog('one', { T1: task('T1', 'a') });
  rig.backlog('two', { W: whole });
  await rig.build();
  rig.backlog('one', { T1: { inputs: [], outputs: ['T1.txt'], run: 'echo a > T1.txt' } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  expect(rig.read(APP)).toBe('head\n-\nslot T1\n-\n');
  expect(await rig.inspect()).toEqual({ 'one/T1': 'fresh', 'two/W': 'fresh' });
});
