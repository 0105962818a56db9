/** `kill -9` while edits are accepted, made again, absorbed or a version is restored: nothing of a person's is lost. */

import { afterEach, expect, test } from 'vitest';
import { parseLock } from '../../specs/lock-file.js';
import { type Ended, TemporaryProject } from '../rig/command-line.js';
import { Dice } from '../rig/random-project.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const TIMED = { timeout: 240_000 };
const SEED = Number(process.env.TEST_SEED ?? 20261123);
const FILES = 12;

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

/** Two tasks of many files each, so that publishing takes a while. */
function specs(word: string): string {
  const make = (folder: string) =>
    `for i in $(seq ${FILES}); do mkdir -p ${folder}; seq 2000 | sed "s/^/${word} $i /" > ${folder}/$i.txt; done`;
  return backlogYaml('f', {
    T1: { inputs: [], outputs: ['one/**'], run: make('one'), verify: ['test -s one/1.txt'] },
    T2: {
      inputs: [],
      depends_on: ['T1'],
      outputs: ['two/**'],
      run: make('two'),
      verify: ['test -s two/1.txt'],
    },
  });
}

async function built(): Promise<TemporaryProject> {
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'conductor.config.mjs': "export default { sandbox: 'off' };\n",
    'specs/f/BACKLOG.yaml': specs('first'),
  });
  projects.push(project);
  expect((await project.conductor('build')).code).toBe(0);
  project.commit();
  return project;
}

/** Starts a command and kills it and its programs after a part of the time that it takes when it is let alone. */
async function killed(project: TemporaryProject, ms: number, ...args: string[]): Promise<Ended> {
  const running = project.start(args);
  const timer = setTimeout(() => {
    try {
      process.kill(-running.pid, 'SIGKILL');
    } catch {
      // It had ended before.
    }
  }, ms);
  const ended = await running.ended;
  clearTimeout(timer);
  return ended;
}

async function timed(work: () => Promise<Ended>): Promise<number> {
  const from = performance.now();
  expect((await work()).code).toBe(0);
  return performance.now() - from;
}

const lockOf = (project: TemporaryProject) => {
  const lock = parseLock(project.read('specs/f/.metadata.json'), 'lock');
  if (!lock.ok) throw new Error(lock.error.message);
  return lock.value;
};

test('accepting is done or not done, and the edit is there', TIMED, async () => {
  const dice = new Dice(SEED);
  const project = await built();
  const edit = (round: number) => {
    for (const file of ['one/1.txt', 'two/2.txt', 'two/new.txt']) project.write(file, `by hand ${round}\n`);
  };
  edit(0);
  const whole = await timed(() => project.conductor('accept', 'f'));
  for (let round = 1; round <= 2; round++) {
    edit(round);
    const ms = whole * (0.2 + 0.8 * dice.next());
    await killed(project, ms, 'accept', 'f');
    for (const file of ['one/1.txt', 'two/2.txt', 'two/new.txt'])
      expect(project.read(file), `seed ${SEED}, round ${round}`).toBe(`by hand ${round}\n`);
    lockOf(project);
    const again = await project.conductor('accept', 'f');
    expect(again, `seed ${SEED}, killed after ${ms} ms`).toMatchObject({ code: 0 });
    expect((await project.conductor('status')).stdout).toContain('2 fresh');
    expect(Object.values(lockOf(project).tasks).map(({ recipe }) => recipe)).toEqual([
      'accepted',
      'accepted',
    ]);
  }
});

test(
  'applying what was made again, and going back to a version, is completed by the next command',
  TIMED,
  async () => {
    const dice = new Dice(SEED + 1);
    const project = await built();
    project.write('specs/f/BACKLOG.yaml', specs('second'));
    project.write('hand.txt', 'mine\n');
    const whole = await timed(() => project.conductor('regenerate', '--all', '--apply'));
    project.commit();
    const words = (file: string) => project.read(file).split(' ', 1)[0];
    const all = () =>
      ['one', 'two'].flatMap((folder) =>
        Array.from({ length: FILES }, (_, i) => words(`${folder}/${i + 1}.txt`)),
      );
    for (let round = 0; round < 1; round++) {
      await killed(project, whole * dice.next(), 'checkout', 'f@1.0.0');
      // Whatever was written of it: the next command completes it or it has not begun.
      const next = await project.conductor('status');
      expect(next.code, next.text).toBe(0);
      expect((await project.conductor('build')).code).toBe(0);
      expect(new Set(all()).size, `seed ${SEED}`).toBe(1);
      expect(words('one/1.txt')).toBe(
        project.read('specs/f/BACKLOG.yaml').includes('first') ? 'first' : 'second',
      );
      project.git('checkout', '-q', '.');
      await killed(project, whole * dice.next(), 'regenerate', '--all', '--fresh', '--apply');
      expect((await project.conductor('build')).code).toBe(0);
      expect(new Set(all()).size, `seed ${SEED}`).toBe(1);
      expect(project.read('hand.txt')).toBe('mine\n');
      project.git('checkout', '-q', '.');
    }
  },
);
