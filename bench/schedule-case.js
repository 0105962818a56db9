// Agent tasks that wait: 64 of two seconds with 16 workers, against the schedule that wastes nothing.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, write } from './graphs.js';
import { CONDUCTOR, environment, interleaved, run, workFolder } from './measure.js';
import { count, row } from './rows.js';

export function scheduleRow(tasks, workers, seconds) {
  const folder = workFolder('schedule');
  const { project, home } = folder;
  try {
    const env = environment(home);
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
    commit(project, env);
    const timed = interleaved(
      {
        conductor: {
          before: () => {
            for (const path of ['.git/conductor', '.conductor', 'out'])
              rmSync(join(project, path), { recursive: true, force: true });
          },
          work: () => run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env }),
        },
      },
      1,
      0,
    );
    const ideal = (Math.ceil(tasks / workers) * seconds * 1000) / 1;
    const ratio = timed.ms('conductor') / ideal;
    return row({
      name: `${count(tasks)} agent tasks of ${seconds} s, ${workers} workers`,
      ms: timed.ms('conductor'),
      beside: `ideal schedule ${(ideal / 1000).toFixed(0)} s`,
      ratio,
      goal: '1.1 × the ideal schedule',
      met: ratio <= 1.1,
    });
  } finally {
    folder.remove();
  }
}
