// How long a watch takes from a saved spec to the first task that it starts, and what of that goes where.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, firstBacklog, renderSpecs } from './graphs.js';
import { CONDUCTOR, environment, median, processorTime, run, shownMs, workFolder } from './measure.js';
import { count, row } from './rows.js';

/** A watch that has not told of an event by then is given up. */
const EVENT_MS = 120_000;

export async function watchRow(tasks, { rounds }) {
  const folder = workFolder('watch');
  try {
    const { project, home } = folder;
    const env = environment(home);
    renderSpecs(project, tasks);
    commit(project, env);
    run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
    const { middle, best, cpu } = await watchTimes(project, env, rounds);
    const time = { wall: middle.started, cpu };
    return row({
      name: `watch, ${count(tasks)} tasks: a spec saved until the first task starts`,
      time,
      beside: `read ${shownMs(middle.read)}, planned ${shownMs(middle.planned)}; least disturbed ${shownMs(best.started)}`,
      ratio: { wall: middle.started / 150, cpu: cpu / 150 },
      goal: tasks === 10_000 ? '150 ms' : undefined,
      met: (kind) => time[kind] <= 150,
    });
  } finally {
    folder.remove();
  }
}

/**
 * Milliseconds from the end of the write to the first `task.started`, and to the events before it: medians, the round that was
 * least disturbed by whatever else the machine does, and the processor time of the watch until then, as a mean. Each round
 * writes a value that no build has seen.
 */
async function watchTimes(folder, env, wanted) {
  const child = spawn(process.execPath, [CONDUCTOR, 'watch', '--json'], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  process.once('exit', () => child.kill());
  const waiting = [];
  let rest = '';
  let seen = new Map();
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const now = performance.now();
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const type = /"type":"([a-z.-]+)"/.exec(line.slice(0, 200))?.[1];
      if (!seen.has(type)) seen.set(type, { at: now, cpu: processorTime(child.pid) });
    }
    for (const check of [...waiting]) check();
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const until = (type) =>
    new Promise((resolve, reject) => {
      const check = () => {
        if (!seen.has(type)) return;
        waiting.splice(waiting.indexOf(check), 1);
        resolve();
      };
      waiting.push(check);
      ended.then(() => reject(new Error('the watch ended')));
      setTimeout(() => reject(new Error(`the watch did not come to ${type}`)), EVENT_MS).unref();
      check();
    });
  try {
    await until('watch.idle');
    // Everything is watched once the watcher has gone through all folders.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const rounds = [];
    const spec = join(folder, firstBacklog);
    const text = readFileSync(spec, 'utf8');
    const unseen = Date.now();
    for (let round = 0; round < wanted; round++) {
      seen = new Map();
      const before = processorTime(child.pid);
      writeFileSync(spec, text.replace(/value: \d+ \}/, `value: ${unseen + round} }`));
      const saved = performance.now();
      await until('watch.idle');
      const at = (type) => seen.get(type).at - saved;
      rounds.push({
        read: at('watch.changed'),
        planned: at('build.planned'),
        started: at('task.started'),
        cpu: seen.get('task.started').cpu - before,
      });
    }
    const middle = (name) => median(rounds.map((one) => one[name]));
    return {
      middle: { read: middle('read'), planned: middle('planned'), started: middle('started') },
      best: rounds.reduce((a, b) => (b.started < a.started ? b : a)),
      cpu: rounds.reduce((sum, one) => sum + one.cpu, 0) / rounds.length,
    };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
