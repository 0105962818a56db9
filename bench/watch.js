// How long a watch takes from a saved spec to the first task that it starts, and what of that goes where.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROUNDS = 7;

/**
 * Milliseconds from the end of the write to the first `task.started`, and to the events before it: medians, and the round
 * that was least disturbed by whatever else the machine does. Each round writes a value that no build has seen.
 */
export async function watchTimes(conductor, folder, env) {
  const child = spawn(process.execPath, [conductor, 'watch', '--json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const waiting = [];
  let rest = '';
  let seen = new Map();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const now = performance.now();
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const type = /"type":"([a-z.-]+)"/.exec(line.slice(0, 200))?.[1];
      if (!seen.has(type)) seen.set(type, now);
    }
    for (const check of [...waiting]) check();
  });
  const until = (type) =>
    new Promise((resolve) => {
      const check = () => {
        if (!seen.has(type)) return;
        waiting.splice(waiting.indexOf(check), 1);
        resolve(seen.get(type));
      };
      waiting.push(check);
      check();
    });
  try {
    await until('watch.idle');
    // Everything is watched once the watcher has gone through all folders.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const rounds = [];
    const spec = join(folder, 'specs', 'feature-0000', 'BACKLOG.yaml');
    const text = readFileSync(spec, 'utf8');
    const unseen = Date.now();
    for (let round = 0; round < ROUNDS; round++) {
      seen = new Map();
      writeFileSync(spec, text.replace(/value: \d+ \}/, `value: ${unseen + round} }`));
      const saved = performance.now();
      await until('watch.idle');
      const at = (type) => seen.get(type) - saved;
      rounds.push({ read: at('watch.changed'), planned: at('build.planned'), started: at('task.started') });
    }
    const median = (name) => rounds.map((one) => one[name]).sort((a, b) => a - b)[ROUNDS >> 1];
    return {
      median: { read: median('read'), planned: median('planned'), started: median('started') },
      best: rounds.reduce((a, b) => (b.started < a.started ? b : a)),
    };
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
  }
}
