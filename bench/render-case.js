// Tasks that render a template: from nothing, nothing to do, one spec edited, all restored. What is measured is conductor.
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  commit,
  firstBacklog,
  makeGraph,
  ninjaGraph,
  renderSpecs,
  turboGraph,
  wireitGraph,
} from './graphs.js';
import {
  CONDUCTOR,
  environment,
  interleaved,
  milliseconds,
  peakMemory,
  run,
  shownMs,
  workFolder,
} from './measure.js';
import { besideText, count, row } from './rows.js';

/** Largest graphs that the other tools are given: beyond these a run takes minutes. */
const BEARABLE = { ninja: 1_000_000, make: 10_000, wireit: 1_000, turbo: 1_000 };

/** Rows for one size. `parts`: which of `first`, `nothing`, `edited`, `restored` are wanted. */
export function renderRows(tasks, { parts, tools, rounds }) {
  const folder = workFolder(`render-${tasks}`);
  const others = openOthers(tasks, tools, folder);
  try {
    const { project, home } = folder;
    const env = environment(home);
    const conductor = (...args) => run(process.execPath, [CONDUCTOR, ...args], { cwd: project, env });
    renderSpecs(project, tasks);
    commit(project, env);
    const rows = [];
    const slow = tasks > 1000;
    const first = firstBuild(project, env, home, slow ? 1 : 3);
    if (parts.has('first')) {
      const ninja = others.first('ninja');
      rows.push(
        row({
          name: `${count(tasks)} render tasks from nothing`,
          ms: first.ms,
          mb: first.mb,
          beside: besideText({ 'ninja with cp': ninja }),
          ratio: ninja === undefined ? undefined : first.ms / ninja,
          goal: { 10000: '12 s, 200 MB', 100000: '700 MB' }[tasks],
          met: { 10000: first.ms <= 12_000 && first.mb <= 200, 100000: first.mb <= 700 }[tasks],
        }),
      );
    }
    commitOutputs(project, env);
    conductor('build');
    if (parts.has('nothing')) rows.push(...nothingRows(tasks, { project, env, home, others, tools, rounds }));
    if (parts.has('edited')) rows.push(editedRow(tasks, { project, env, home, rounds: slow ? 3 : rounds }));
    if (parts.has('restored')) rows.push(restoredRow(tasks, { project, env, rounds: slow ? 1 : 3 }));
    return rows;
  } finally {
    others.remove();
    folder.remove();
  }
}

function firstBuild(project, env, home, rounds) {
  const forget = () => {
    for (const path of ['.git/conductor', '.conductor', 'out'])
      rmSync(join(project, path), { recursive: true, force: true });
    rmSync(join(home, 'cache'), { recursive: true, force: true });
    run('git', ['checkout', '-q', '--', 'specs'], { cwd: project, env });
    run('git', ['clean', '-qfd', 'specs'], { cwd: project, env });
  };
  let mb = 0;
  const timed = interleaved(
    { build: { before: forget, work: () => (mb = peakMemory(['build'], { cwd: project, env, home }).mb) } },
    rounds,
    0,
  );
  return { ms: timed.ms('build'), mb };
}

function commitOutputs(project, env) {
  const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];
  run('git', ['add', '-A'], { cwd: project, env });
  run('git', [...who, 'commit', '-qm', 'built'], { cwd: project, env });
}

function nothingRows(tasks, { project, env, home, others, tools, rounds }) {
  const git = (...args) => run('git', args, { cwd: project, env });
  const jobs = {
    conductor: () => run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env }),
    'node -e 0': () => run(process.execPath, ['-e', '0'], { cwd: project, env }),
    'git add': () => git('add', '-A'),
    'git write-tree': () => git('write-tree'),
    'git status': () => git('status', '--porcelain'),
    ...others.nothing(),
  };
  const newer = tools['newer node']?.path;
  if (newer) {
    jobs['conductor, newer node'] = () => run(newer, [CONDUCTOR, 'build'], { cwd: project, env });
    jobs['newer node -e 0'] = () => run(newer, ['-e', '0'], { cwd: project, env });
  }
  const timed = interleaved(jobs, rounds);
  const base = ['node -e 0', 'git add', 'git write-tree'];
  const ratio = timed.ratio('conductor', ...base);
  const { mb } = peakMemory(['build'], { cwd: project, env, home });
  const slower = Object.fromEntries(others.slow().map(([name, work]) => [name, milliseconds(work)]));
  const shown = Object.keys(jobs).filter((name) => name !== 'conductor' && !name.includes('newer'));
  const rows = [
    row({
      name: `nothing to do, ${count(tasks)} tasks`,
      ms: timed.ms('conductor'),
      mb,
      beside: besideText({ ...Object.fromEntries(shown.map((name) => [name, timed.ms(name)])), ...slower }),
      ratio,
      goal: `1.35 × (node + git add + git write-tree)${tasks === 100_000 ? ', 120 MB' : ''}`,
      met: ratio <= 1.35 && (tasks !== 100_000 || mb <= 120),
    }),
  ];
  if (newer && jobs.ninja) {
    const toNinja = timed.ratio('conductor, newer node', 'ninja');
    const goal = { 10000: 1, 100000: 0.5 }[tasks];
    rows.push(
      row({
        name: `nothing to do, ${count(tasks)} tasks, Node ${tools['newer node'].version}`,
        ms: timed.ms('conductor, newer node'),
        beside: besideText({
          ninja: timed.ms('ninja'),
          'node -e 0': timed.ms('newer node -e 0'),
          'git add': timed.ms('git add'),
          'git write-tree': timed.ms('git write-tree'),
        }),
        ratio: toNinja,
        goal: goal && `${goal} × ninja`,
        met: goal && toNinja <= goal,
      }),
    );
  }
  return rows;
}

function editedRow(tasks, { project, env, home, rounds }) {
  const conductor = () => run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
  const spec = join(project, firstBacklog);
  const text = readFileSync(spec, 'utf8');
  let value = 1_000_000;
  const edit = () => writeFileSync(spec, text.replace('value: 0 }', `value: ${value++} }`));
  const timed = interleaved({ edited: { before: edit, work: conductor }, nothing: conductor }, rounds);
  const above = timed.above('edited', 'nothing');
  edit();
  const { mb } = peakMemory(['build'], { cwd: project, env, home });
  writeFileSync(spec, text);
  conductor();
  return row({
    name: `one spec edited of ${count(tasks)} tasks`,
    ms: timed.ms('edited'),
    mb,
    beside: `${besideText({ 'nothing to do': timed.ms('nothing') })}; above it ${shownMs(above)}`,
    ratio: timed.ratio('edited', 'nothing'),
    goal: { 10000: '250 ms above nothing to do', 100000: '400 MB' }[tasks],
    met: { 10000: above <= 250, 100000: mb <= 400 }[tasks],
  });
}

function restoredRow(tasks, { project, env, rounds }) {
  const remove = () => rmSync(join(project, 'out'), { recursive: true, force: true });
  const timed = interleaved(
    {
      checkout: {
        before: remove,
        work: () => run('git', ['checkout', '-q', '--', 'out'], { cwd: project, env }),
      },
      conductor: {
        before: remove,
        work: () => run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env }),
      },
    },
    rounds,
    0,
  );
  if (!existsSync(join(project, 'out'))) throw new Error('nothing was restored');
  const ratio = timed.ratio('conductor', 'checkout');
  return row({
    name: `${count(tasks)} results restored`,
    ms: timed.ms('conductor'),
    beside: besideText({ 'git checkout': timed.ms('checkout') }),
    ratio,
    goal: '2 × git checkout',
    met: ratio <= 2,
  });
}

/** The other tools, each in a folder of its own, built once when it is first asked for. */
export function openOthers(tasks, tools, { root, home }) {
  const made = new Map();
  const folders = [];
  const env = (name) =>
    environment(home, {
      PATH: [tools[name].path.replace(/\/[^/]*$/, ''), process.env.PATH].join(':'),
      TURBO_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
      WIREIT_LOGGER: 'quiet',
      WIREIT_PARALLEL: '4',
    });
  const commands = {
    ninja: () => [tools.ninja.path, ['-j4', '--quiet']],
    make: () => [tools.make.path, ['-j4', '-s']],
    wireit: () => ['npm', ['run', '--silent', 'all']],
    turbo: () => [tools.turbo.path, ['run', 'build', '--concurrency=4', '--output-logs=none', '--no-daemon']],
  };
  const graphs = { ninja: ninjaGraph, make: makeGraph, wireit: wireitGraph, turbo: turboGraph };
  const isUsable = (name) => tools[name]?.path !== undefined && tasks <= BEARABLE[name];
  const build = (name) => {
    const cwd = join(root, name);
    const [program, args] = commands[name]();
    return run(program, args, { cwd, env: env(name) });
  };
  const first = (name) => {
    if (!isUsable(name)) return undefined;
    if (made.has(name)) return made.get(name);
    const cwd = join(root, name);
    folders.push(cwd);
    graphs[name](cwd, tasks);
    if (name === 'turbo') commit(cwd, env(name));
    made.set(
      name,
      milliseconds(() => build(name)),
    );
    return made.get(name);
  };
  const prepared = (names) => names.filter((name) => first(name) !== undefined);
  return {
    /** Milliseconds of the build from nothing; undefined for a tool that is not here or not fit for this size. */
    first,
    /** Jobs that take milliseconds and can take their turn beside conductor. */
    nothing: () => Object.fromEntries(prepared(['ninja', 'make']).map((name) => [name, () => build(name)])),
    /** Jobs that take seconds: measured once. */
    slow: () => prepared(['turbo', 'wireit']).map((name) => [name, () => build(name)]),
    remove() {
      for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    },
  };
}
