// `run` tasks that copy a file each, with their inputs declared: what conductor adds to a program's own time.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, runSpecs } from './graphs.js';
import { environment, interleaved, timed, watched, workFolder } from './measure.js';
import { openOthers } from './others.js';
import { besideText, bothShown, count, row } from './rows.js';

const WORKERS = 4;
const CORES = 2;
/** Milliseconds for a task on two cores. */
const GOALS = { off: 8, auto: 14 };

export async function runRows(tasks, { tools, rounds }) {
  const folder = workFolder(`run-${tasks}`);
  const others = openOthers(tasks, tools, folder);
  const { root, home } = folder;
  try {
    const projects = {};
    const memory = {};
    for (const sandbox of ['off', 'auto']) {
      const cwd = join(root, sandbox);
      runSpecs(cwd, tasks, { sandbox, workers: WORKERS });
      const build = watched(['build'], { home });
      const env = { ...environment(home, { XDG_CACHE_HOME: join(root, `cache-${sandbox}`) }), ...build.env };
      commit(cwd, env);
      const before = () => {
        for (const path of ['.git/conductor', '.conductor', 'out'])
          rmSync(join(cwd, path), { recursive: true, force: true });
        rmSync(env.XDG_CACHE_HOME, { recursive: true, force: true });
      };
      const work = async () => {
        const time = await timed([build.command], { cwd, env });
        memory[sandbox] = build.own().mb;
        return time;
      };
      projects[sandbox] = { before, work };
    }
    const found = await interleaved(projects, rounds, 0);
    const beside = {};
    for (const name of ['ninja', 'make', 'wireit', 'turbo']) beside[name] = await others.first(name);
    const to = [beside.wireit, beside.ninja].find((time) => time && !time.fault);
    return ['off', 'auto'].map((sandbox) => {
      const time = found.time(sandbox);
      // Two cores do two tasks at a time: a millisecond of wall time has two of processor time.
      const each = { wall: time.wall / tasks, cpu: time.cpu / tasks };
      const onCores = { wall: each.wall, cpu: each.cpu / CORES };
      return row({
        name: `${count(tasks)} \`run: cp\` tasks from nothing, ${sandbox === 'off' ? 'without' : 'in the'} sandbox`,
        time,
        mb: memory[sandbox],
        beside: `${besideText(beside)}; ${bothShown(each)} a task`,
        ratio: to && { wall: time.wall / to.wall, cpu: time.cpu / to.cpu },
        goal: tasks >= 1000 ? `${GOALS[sandbox]} ms a task on two cores, ahead of wireit` : undefined,
        met: (kind) => onCores[kind] <= GOALS[sandbox] && !(time[kind] > beside.wireit?.[kind]),
      });
    });
  } finally {
    others.remove();
    folder.remove();
  }
}
