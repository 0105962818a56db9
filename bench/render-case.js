// Tasks that render a template: from nothing, nothing to do, one spec edited, all restored. What is measured is conductor.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, firstBacklog, renderSpecs } from './graphs.js';
import { CONDUCTOR, environment, interleaved, run, timed, watched, workFolder } from './measure.js';
import { openOthers } from './others.js';
import { besideText, bothShown, count, row } from './rows.js';

/** Sizes below have no goals. At 1,000 results, what is restored takes less time than the start of node. */
const GOALS_FROM = 1000;
const RESTORING_GOAL_FROM = 10_000;
const FIRST_GOALS = {
  10000: { text: '12 s, 200 MB', ms: 12_000, mb: 200 },
  100000: { text: 'it builds; 700 MB', ms: Number.POSITIVE_INFINITY, mb: 700 },
};
const NOTHING_MB = { 100000: 120 };
/** Of what ninja needs, on a newer Node. */
const NEWER_GOALS = { 10000: 1, 100000: 0.5 };
const EDITED_GOALS = {
  10000: { text: '250 ms above nothing to do', ms: 250, mb: Number.POSITIVE_INFINITY },
  100000: { text: '400 MB', ms: Number.POSITIVE_INFINITY, mb: 400 },
};

/** How often a short program runs within one measurement: the shell counts processor time in milliseconds. */
const timesFor = (tasks) => Math.max(1, Math.min(5, Math.round(20_000 / tasks)));

/** Rows for one size. `cases`: which of `first`, `nothing`, `edited`, `restored` are wanted. */
export async function renderRows(tasks, { cases, tools, rounds }) {
  const folder = workFolder(`render-${tasks}`);
  const others = openOthers(tasks, tools, folder);
  try {
    const { project, home } = folder;
    const env = environment(home);
    const context = { project, env, home, others, tools };
    renderSpecs(project, tasks);
    commit(project, env);
    const rows = [];
    const slow = tasks > 1000;
    const first = await firstRow(tasks, context, cases.has('first') && !slow ? Math.min(3, rounds) : 1);
    if (cases.has('first')) rows.push(first);
    // The outputs.
    commit(project, env);
    // The second one has nothing to do, after which conductor keeps its compiled code, in whichever cases are measured.
    for (let builds = 0; builds < 2; builds++)
      run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
    if (cases.has('nothing')) rows.push(...(await nothingRows(tasks, context, rounds)));
    if (cases.has('edited')) rows.push(await editedRow(tasks, context, slow ? Math.min(3, rounds) : rounds));
    if (cases.has('restored')) rows.push(await restoredRow(tasks, context, Math.min(3, rounds)));
    return rows;
  } finally {
    others.remove();
    folder.remove();
  }
}

async function firstRow(tasks, { project, env, home, others }, rounds) {
  const forget = () => {
    for (const path of ['.git/conductor', '.conductor', 'out'])
      rmSync(join(project, path), { recursive: true, force: true });
    rmSync(join(home, 'cache'), { recursive: true, force: true });
    run('git', ['checkout', '-q', '--', 'specs'], { cwd: project, env });
    run('git', ['clean', '-qfd', 'specs'], { cwd: project, env });
  };
  const build = watched(['build'], { home });
  // As few files open at once as a careful machine allows: nothing may be awaited without a bound.
  const openFiles = 256;
  const work = () => timed([build.command], { cwd: project, env: { ...env, ...build.env }, openFiles });
  const found = await interleaved({ build: { before: forget, work } }, rounds, 0);
  const time = found.time('build');
  const { mb } = build.own();
  const ninja = await others.first('ninja');
  const goal = FIRST_GOALS[tasks];
  return row({
    name: `${count(tasks)} render tasks from nothing`,
    time,
    mb,
    beside: besideText({ 'ninja with cp': ninja }),
    ratio: ninja && !ninja.fault && { wall: time.wall / ninja.wall, cpu: time.cpu / ninja.cpu },
    goal: goal?.text,
    mbMost: goal?.mb,
    met: (kind) => time[kind] <= goal.ms,
  });
}

const BASE = 'node -e 0 + git add + git write-tree';

async function nothingRows(tasks, { project, env, home, others, tools }, rounds) {
  const times = timesFor(tasks);
  const job =
    (...commands) =>
    () =>
      timed(commands, { cwd: project, env, times });
  const snapshot = [
    ['git', 'add', '-A'],
    ['git', 'write-tree'],
  ];
  const newer = tools['newer node']?.path;
  const tried = Object.entries(await others.nothing(times));
  const faults = Object.fromEntries(tried.filter(([, job]) => job.fault));
  const jobs = {
    conductor: job([process.execPath, CONDUCTOR, 'build']),
    [BASE]: job([process.execPath, '-e', '0'], ...snapshot),
    'node -e 0': job([process.execPath, '-e', '0']),
    'git status': job(['git', 'status', '--porcelain']),
    ...Object.fromEntries(tried.filter(([, job]) => !job.fault)),
    ...(newer && {
      newer: job([newer, CONDUCTOR, 'build']),
      newerBase: job([newer, '-e', '0'], ...snapshot),
    }),
  };
  const found = await interleaved(jobs, rounds);
  const ratio = found.ratio('conductor', BASE);
  const build = watched(['build'], { home });
  await timed([build.command], { cwd: project, env: { ...env, ...build.env } });
  const { mb } = build.own();
  const most = NOTHING_MB[tasks];
  const beside = Object.keys(jobs).filter((name) => name !== 'conductor' && !name.startsWith('newer'));
  const rows = [
    row({
      name: `nothing to do, ${count(tasks)} tasks`,
      time: found.time('conductor'),
      mb,
      beside: besideText({
        ...Object.fromEntries(beside.map((name) => [name, found.time(name)])),
        ...faults,
        ...(await others.slow()),
      }),
      ratio,
      goal: tasks >= GOALS_FROM ? `1.35 × (${BASE})${most === undefined ? '' : `, ${most} MB`}` : undefined,
      mbMost: most,
      met: (kind) => ratio[kind] <= 1.35,
    }),
  ];
  if (newer) {
    const { version } = tools['newer node'];
    const toNinja = jobs.ninja && found.ratio('newer', 'ninja');
    const goal = toNinja && NEWER_GOALS[tasks];
    rows.push(
      row({
        name: `nothing to do, ${count(tasks)} tasks, Node ${version}`,
        time: found.time('newer'),
        beside: besideText({ ninja: jobs.ninja && found.time('ninja'), [BASE]: found.time('newerBase') }),
        ratio: toNinja ?? found.ratio('newer', 'newerBase'),
        goal: goal && `${goal} × ninja`,
        met: (kind) => toNinja[kind] <= goal,
      }),
    );
  }
  return rows;
}

async function editedRow(tasks, { project, env, home }, rounds) {
  const build = watched(['build'], { home });
  const options = { cwd: project, env: { ...env, ...build.env } };
  const spec = join(project, firstBacklog);
  const text = readFileSync(spec, 'utf8');
  let value = 1_000_000;
  const edit = () => writeFileSync(spec, text.replace('value: 0 }', `value: ${value++} }`));
  let mb = 0;
  const edited = async () => {
    const time = await timed([build.command], options);
    mb = Math.max(mb, build.own().mb);
    return time;
  };
  const nothing = () => timed([build.command], options);
  const found = await interleaved({ edited: { before: edit, work: edited }, nothing }, rounds);
  writeFileSync(spec, text);
  run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
  const above = found.above('edited', 'nothing');
  const goal = EDITED_GOALS[tasks];
  return row({
    name: `one spec edited of ${count(tasks)} tasks`,
    time: found.time('edited'),
    mb,
    beside: `${besideText({ 'nothing to do': found.time('nothing') })}; above it ${bothShown(above)}`,
    ratio: found.ratio('edited', 'nothing'),
    goal: goal?.text,
    mbMost: goal?.mb,
    met: (kind) => above[kind] <= goal.ms,
  });
}

async function restoredRow(tasks, { project, env, home }, rounds) {
  const build = watched(['build'], { home });
  const options = { cwd: project, env: { ...env, ...build.env } };
  // Moved away, because some file systems look at each inode that was freed lately before they make a new file.
  let asides = 0;
  const before = () => renameSync(join(project, 'out'), join(home, `out-${asides++}`));
  const found = await interleaved(
    {
      checkout: { before, work: () => timed([['git', 'checkout', '-q', '--', 'out']], options) },
      conductor: { before, work: () => timed([build.command], options) },
    },
    rounds,
  );
  if (!existsSync(join(project, 'out'))) throw new Error('nothing was restored');
  const ratio = found.ratio('conductor', 'checkout');
  return row({
    name: `${count(tasks)} results restored`,
    time: found.time('conductor'),
    mb: build.own().mb,
    beside: besideText({ 'git checkout': found.time('checkout') }),
    ratio,
    goal: tasks >= RESTORING_GOAL_FROM ? '2 × git checkout' : undefined,
    met: (kind) => ratio[kind] <= 2,
  });
}
