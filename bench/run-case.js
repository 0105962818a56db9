// `run` tasks that copy a file each, with their inputs declared: what conductor adds to a program's own time.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, runSpecs } from './graphs.js';
import { CONDUCTOR, environment, interleaved, run, workFolder } from './measure.js';
import { openOthers } from './render-case.js';
import { besideText, count, row } from './rows.js';

const GOAL_MS = { off: 8, auto: 14 };

export function runRows(tasks, { tools, rounds }) {
  const folder = workFolder(`run-${tasks}`);
  const others = openOthers(tasks, tools, folder);
  const { root, home } = folder;
  try {
    const projects = {};
    for (const sandbox of ['off', 'auto']) {
      const cwd = join(root, sandbox);
      runSpecs(cwd, tasks, { sandbox, workers: 4 });
      const env = environment(join(home, sandbox));
      commit(cwd, env);
      const forget = () => {
        for (const path of ['.git/conductor', '.conductor', 'out'])
          rmSync(join(cwd, path), { recursive: true, force: true });
        rmSync(join(home, sandbox), { recursive: true, force: true });
      };
      projects[sandbox] = {
        before: forget,
        work: () => run(process.execPath, [CONDUCTOR, 'build'], { cwd, env }),
      };
    }
    const timed = interleaved(projects, rounds, 0);
    const beside = {};
    for (const name of ['ninja', 'make', 'wireit', 'turbo']) beside[name] = others.first(name);
    return ['off', 'auto'].map((sandbox) => {
      const each = timed.ms(sandbox) / tasks;
      return row({
        name: `${count(tasks)} \`run: cp\` tasks from nothing, ${sandbox === 'off' ? 'without' : 'in the'} sandbox`,
        ms: timed.ms(sandbox),
        beside: `${besideText(beside)}; ${each.toFixed(1)} ms a task`,
        ratio: beside.wireit && timed.ms(sandbox) / beside.wireit,
        goal: tasks >= 1000 ? `${GOAL_MS[sandbox]} ms a task, ahead of wireit` : undefined,
        met: each <= GOAL_MS[sandbox] && !(timed.ms(sandbox) > beside.wireit),
      });
    });
  } finally {
    others.remove();
    folder.remove();
  }
}
