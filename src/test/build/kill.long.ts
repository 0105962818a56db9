/** `kill -9` at any moment: the next build completes, nothing is half, nothing that was finished is made again. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import {
  type Ended,
  ensureBuilt,
  filesBelow,
  processesNaming,
  type Running,
  TemporaryProject,
} from '../rig/command-line.js';
import { Dice } from '../rig/random-project.js';

const SEED = Number(process.env.TEST_SEED ?? 20261123);
const TASKS = 8;
const FILES = 38;
const BYTES = 6000;
const TIMED = { timeout: 300_000 };

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const project of projects.splice(0)) project.dispose();
});

/** Eight tasks of 38 files each in two layers; each that is a command counts its runs in a file outside. */
function newProject(): TemporaryProject {
  const project = new TemporaryProject();
  projects.push(project);
  mkdirSync(temporary(project));
  project.write('.gitignore', '/.conductor/\n');
  project.write('hand.txt', 'by hand\n');
  project.write('templates/many.hbs', '{{head}}\n{{{body}}}\n');
  project.write('conductor.config.mjs', "export default { sandbox: 'off', env: ['RUNS'], workers: 4 };\n");
  return project;
}

const temporary = (project: TemporaryProject) => join(project.root, 'tmp');
const counter = (project: TemporaryProject) => join(project.root, 'runs.txt');

/** The specs of one edition: every file's content follows from the edition and its name. */
function show(project: TemporaryProject, edition: number): Record<string, string> {
  const expected: Record<string, string> = {};
  for (const feature of ['one', 'two']) {
    const tasks: object[] = [];
    for (let i = 0; i < TASKS / 2; i++) {
      const id = `T${i}`;
      const folder = `out/${feature}/${id}`;
      const names = Array.from({ length: FILES }, (_, n) => `${folder}/file ${n}.txt`);
      const body = `${edition} ${feature} ${id} `.repeat(BYTES / 10);
      const common = { id, inputs: [], outputs: [`${folder}/**`], depends_on: i < 3 ? [] : [`T${i - 3}`] };
      if (i % 3 === 0) {
        const render = names.map((to) => ({ template: 'many.hbs', to, with: { head: to, body } }));
        tasks.push({ ...common, render });
        for (const name of names) expected[name] = `f:${name}\n${body}\n`;
        continue;
      }
      const script = [
        'const { appendFileSync, mkdirSync, writeFileSync } = require("node:fs");',
        `mkdirSync(${JSON.stringify(folder)}, { recursive: true });`,
        `for (const name of ${JSON.stringify(names)}) writeFileSync(name, name + ${JSON.stringify(`\n${body}\n`)});`,
        `appendFileSync(process.env.RUNS, ${JSON.stringify(`${edition} ${feature}/${id}\n`)});`,
      ].join('\n');
      tasks.push({ ...common, run: ['node', '-e', script] });
      for (const name of names) expected[name] = `f:${name}\n${body}\n`;
    }
    project.write(`specs/${feature}/BACKLOG.yaml`, `${JSON.stringify({ tasks })}\n`);
  }
  return expected;
}

function start(project: TemporaryProject, ...args: string[]): Running {
  return project.start(['build', '--json', ...args], { RUNS: counter(project), TMPDIR: temporary(project) });
}

async function build(project: TemporaryProject): Promise<{ ms: number; events: Event[] }> {
  const from = performance.now();
  const ended = await start(project).ended;
  const events = parse(ended.stdout);
  const told = events.filter((event) => event.type === 'build.failure' || event.type === 'warning');
  expect({ code: ended.code, told }, ended.stderr).toEqual({ code: 0, told: [] });
  return { ms: performance.now() - from, events };
}

interface Event {
  readonly type: string;
  readonly task?: string;
  readonly outcome?: string;
}

/** Whole lines only: a killed process may leave the beginning of one. */
function parse(stdout: string): Event[] {
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  return lines.filter(Boolean).map((line) => JSON.parse(line) as Event);
}

const runsOf = (project: TemporaryProject) =>
  existsSync(counter(project)) ? readFileSync(counter(project), 'utf8').split('\n').filter(Boolean) : [];

/** `out/` as it is on disk, and what git thinks of the rest. */
function holds(project: TemporaryProject, expected: Record<string, string>): void {
  const found = filesBelow(project.path('out'));
  const named = Object.fromEntries(Object.entries(found).map(([path, text]) => [`out/${path}`, text]));
  const wrong = [...new Set([...Object.keys(named), ...Object.keys(expected)])].filter(
    (path) => named[path] !== expected[path],
  );
  expect(wrong, 'files that are not as they should be').toEqual([]);
  const status = project.git('status', '--porcelain', '--untracked-files=normal').split('\n').filter(Boolean);
  const allowed = /^.. (out\/|specs\/(one|two)\/(BACKLOG\.yaml|\.metadata\.json))$/;
  expect(status.filter((line) => !allowed.test(line))).toEqual([]);
  expect(project.read('hand.txt')).toBe('by hand\n');
  const left = readdirSync(project.path('.git/conductor'), { recursive: true, encoding: 'utf8' });
  expect(
    left.filter((name) => /\.lock$|\.tmp$|publish\.json$|recovery-index|conductor-tmp/.test(name)),
  ).toEqual([]);
}

async function kill(running: Running, group: boolean): Promise<Ended> {
  try {
    process.kill(group ? -running.pid : running.pid, 'SIGKILL');
  } catch {
    // It had ended before.
  }
  return running.ended;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a build that was killed at any moment is completed by the next one', TIMED, async () => {
  ensureBuilt();
  const project = newProject();
  let expected = show(project, 0);
  project.commit();
  const whole = (await build(project)).ms;
  holds(project, expected);
  const dice = new Dice(SEED);
  let edition = 0;
  const stored = new Set([edition]);

  for (let round = 1; round <= 25; round++) {
    // Half of the rounds show a new edition. The others show one of the numbers before, which may be new as well, or lose all
    // outputs: where every result of the edition is stored, the round only restores.
    const kind = dice.below(4);
    if (kind < 3) {
      edition = kind === 2 ? dice.below(round) : round;
      expected = show(project, edition);
    } else project.remove('out');
    const runsBefore = runsOf(project).length;
    const group = dice.chance(0.5);
    const delay = Math.floor(dice.next() * whole * (kind < 2 ? 1 : 0.5));
    const where = `TEST_SEED=${SEED}, round ${round}, ${['new', 'new', 'former', 'deleted'][kind]}, ${delay} ms${group ? ', the whole group' : ''}`;
    const running = start(project);
    await sleep(delay);
    const killed = await kill(running, group);
    const finished = parse(killed.stdout).flatMap((event) =>
      event.type === 'task.finished' && event.outcome === 'built' ? [event.task as string] : [],
    );
    try {
      const { events } = await build(project);
      holds(project, expected);
      if (stored.has(edition))
        expect(runsOf(project).slice(runsBefore), 'runs of stored results').toEqual([]);
      stored.add(edition);
      const again = events.filter((event) => event.type === 'task.started').map((event) => event.task);
      expect(
        again.filter((label) => finished.includes(label as string)),
        'made again',
      ).toEqual([]);
      const drifted = events.filter((event) => event.outcome === 'drifted' || event.outcome === 'failed');
      expect(drifted).toEqual([]);
      const second = round % 5 === 0 ? await build(project) : { events: [] };
      expect(second.events.filter((event) => /^tasks?\./.test(event.type))).toEqual([]);
    } catch (error) {
      if (error instanceof Error) error.message = `${where}\n${error.message}`;
      throw error;
    }
  }
  expect(processesNaming(project.root)).toEqual([]);
  expect(readdirSync(temporary(project))).toEqual([]);
});

test('a publish that was killed in the middle, with files torn, is completed', TIMED, async () => {
  ensureBuilt();
  const project = newProject();
  const expected = show(project, 0);
  project.commit();
  await build(project);
  const dice = new Dice(SEED);
  let caught = 0;
  let torn = 0;
  for (let round = 0; round < 8; round++) {
    project.remove('out');
    const running = start(project);
    // The moment that the first file is back, the rest is on its way.
    const end = performance.now() + 20_000;
    while (!existsSync(project.path('out')) && performance.now() < end) await sleep(0);
    const until = performance.now() + dice.next() * 8;
    while (performance.now() < until);
    await kill(running, true);
    const left = existsSync(project.path('out')) ? Object.entries(filesBelow(project.path('out'))) : [];
    if (left.length < Object.keys(expected).length) caught++;
    // What a power cut leaves: the beginning of a file that was being written. Only of a publish that is under way.
    const [path, text] = left[dice.below(left.length)] ?? [];
    const state = readdirSync(project.path('.git/conductor/projects'));
    const open = existsSync(project.path(`.git/conductor/projects/${state[0]}/publish.json`));
    if (path && text && open) {
      writeFileSync(project.path(`out/${path}`), text.slice(2, 2 + dice.below(text.length - 2)));
      torn++;
    }
    await build(project);
    holds(project, expected);
  }
  expect(caught, 'rounds that were caught in the middle').toBeGreaterThan(0);
  expect(torn, 'rounds with a torn file').toBeGreaterThan(0);
  expect(processesNaming(project.root)).toEqual([]);
});

test('the first build of all can be killed, too', TIMED, async () => {
  ensureBuilt();
  const dice = new Dice(SEED);
  for (let round = 0; round < 10; round++) {
    const project = newProject();
    project.write('templates/many.hbs', '{{text}}\n');
    const outputs = Array.from({ length: 20 }, (_, n) => `out/${n}.txt`);
    const render = outputs.map((to) => ({ template: 'many.hbs', to, with: { text: to } }));
    project.write(
      'specs/one/BACKLOG.yaml',
      JSON.stringify({ tasks: [{ id: 'T1', inputs: [], outputs, render }] }),
    );
    const expected = Object.fromEntries(outputs.map((path) => [path, `f:${path}\n`]));
    project.commit();
    const running = start(project);
    const delay = Math.floor(dice.next() * 500);
    await sleep(delay);
    await kill(running, dice.chance(0.5));
    try {
      await build(project);
      holds(project, expected);
    } catch (error) {
      if (error instanceof Error)
        error.message = `TEST_SEED=${SEED}, round ${round}, ${delay} ms\n${error.message}`;
      throw error;
    }
    project.dispose();
  }
});
