// Agent tasks that wait: 64 of two seconds with 16 workers, against the schedule that wastes nothing.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, write } from './graphs.js';
import { environment, interleaved, timed, watched, workFolder } from './measure.js';
import { count, row } from './rows.js';

export async function scheduleRow(tasks, workers, seconds) {
  const folder = workFolder('schedule');
  const { project, home } = folder;
  try {
    const command = [
      'sh',
      '-c',
      `sleep ${seconds}; mkdir -p out; echo made > "out/\${CONDUCTOR_TASK#*/}.txt"`,
    ];
    const config = { sandbox: 'off', workers, agent: { driver: 'command', command } };
    write(project, 'conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
    const all = Array.from({ length: tasks }, (_, i) => ({
      id: `T${i}`,
      title: `Task ${i}`,
      description: 'Write it.',
      inputs: [],
      outputs: [`out/T${i}.txt`],
    }));
    write(project, 'specs/f/BACKLOG.yaml', JSON.stringify({ tasks: all }));
    const build = watched(['build'], { home });
    const env = { ...environment(home), ...build.env };
    commit(project, env);
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
