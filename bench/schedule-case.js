// Agent tasks that wait: 64 of two seconds with 16 workers, against the schedule that wastes nothing.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, write } from './graphs.js';
import { CONDUCTOR, environment, interleaved, run, timed, watched, workFolder } from './measure.js';
import { count, row } from './rows.js';

export async function scheduleRow(tasks, workers, seconds) {
  const folder = workFolder('schedule');
  const { root, project, home } = folder;
  try {
    const command = [
      'sh',
      '-c',
      `sleep ${seconds}; mkdir -p out; echo made > "out/\${CONDUCTOR_TASK#*/}.txt"`,
    ];
    const config = { sandbox: 'off', workers, agent: { driver: 'command', command } };
    const build = watched(['build'], { home });
    const env = { ...environment(home), ...build.env };
    writeTasks(project, config, tasks);
    commit(project, env);
    useBefore(join(root, 'used'), config, env);
    const before = () => {
      for (const path of ['.git/conductor', '.conductor', 'out'])
        rmSync(join(project, path), { recursive: true, force: true });
    };
    const work = () => timed([build.command], { cwd: project, env });
    const found = await interleaved({ conductor: { before, work } }, 1, 0);
    const time = found.time('conductor');
    const ideal = Math.ceil(tasks / workers) * seconds * 1000;
    const ratio = { wall: time.wall / ideal };
    return row({
      name: `${count(tasks)} agent tasks of ${seconds} s, ${workers} workers`,
      time,
      mb: build.own().mb,
      beside: `ideal schedule ${(ideal / 1000).toFixed(0)} s`,
      ratio,
      goal: '1.1 × the ideal schedule',
      met: (kind) => ratio[kind] <= 1.1,
    });
  } finally {
    folder.remove();
  }
}

function writeTasks(project, config, count) {
  write(project, 'conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
  const all = Array.from({ length: count }, (_, i) => ({
    id: `T${i}`,
    title: `Task ${i}`,
    description: 'Write it.',
    inputs: [],
    outputs: [`out/T${i}.txt`],
  }));
  write(project, 'specs/f/BACKLOG.yaml', JSON.stringify({ tasks: all }));
}

/**
 * Who has agents build has used conductor before. Its compiled code is kept by the first build that follows one with nothing to do.
 */
function useBefore(project, config, env) {
  for (const count of [1, 1, 2]) {
    writeTasks(project, config, count);
    if (!existsSync(join(project, '.git'))) commit(project, env);
    run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
  }
}
