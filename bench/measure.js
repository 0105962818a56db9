// How the bench runs and times whole processes: side by side in turn, so that a machine that slows down slows all of them.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CONDUCTOR = fileURLToPath(new URL('../bin/conductor.js', import.meta.url));
const PEAK_HOOK = fileURLToPath(new URL('./peak-memory.cjs', import.meta.url));

/** What every measured program sees: nothing of the person's settings. `home` is outside the measured project. */
export function environment(home, more = {}) {
  return {
    PATH: process.env.PATH,
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    LANG: 'C.UTF-8',
    ...more,
  };
}

/** Runs a program to its end and returns its output. Throws when it fails. */
export function run(program, args, { cwd, env, timeout = 1_800_000 }) {
  try {
    return execFileSync(program, args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 30,
      timeout,
    });
  } catch (error) {
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.slice(-2000);
    throw new Error(`${program} ${args.join(' ')}: ${error.message.slice(0, 200)}\n${said}`);
  }
}

/** Runs a program without waiting in this thread; resolves with its exit code and output. */
export function start(program, args, { cwd, env }) {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
  return { child, ended };
}

export function milliseconds(work) {
  const begin = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Times each of the jobs once a round, in turn. A job is a function, or `{ before, work }` where `before` is not timed.
 * `warmup` rounds are not counted.
 */
export function interleaved(jobs, rounds, warmup = 1) {
  const times = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]));
  for (let round = -warmup; round < rounds; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const { before, work } = typeof job === 'function' ? { work: job } : job;
      before?.(round);
      const ms = milliseconds(() => work(round));
      if (round >= 0) times[name].push(ms);
    }
  }
  return {
    ms: (name) => median(times[name]),
    /** The median of the ratios within a round; `below` may be several names, whose times are added. */
    ratio: (name, ...below) =>
      median(times[name].map((ms, i) => ms / below.reduce((sum, one) => sum + times[one][i], 0))),
    /** The median of the differences within a round. */
    above: (name, below) => median(times[name].map((ms, i) => ms - times[below][i])),
    sum: (...names) =>
      median(times[names[0]].map((_, i) => names.reduce((sum, one) => sum + times[one][i], 0))),
  };
}

/** Peak memory in MB of the conductor process itself, without the git processes beside it. */
export function peakMemory(args, { cwd, env, home }) {
  const file = join(home, 'peak');
  rmSync(file, { force: true });
  const output = run(process.execPath, ['--require', PEAK_HOOK, CONDUCTOR, ...args], {
    cwd,
    env: { ...env, BENCH_PEAK_FILE: file },
  });
  return { output, mb: Number(readFileSync(file, 'utf8')) / 1024 };
}

/** A folder for one measurement, with a home beside the project. Call `remove` at the end. */
export function workFolder(name) {
  const root = join(tmpdir(), `conductor-bench-${process.pid}-${name}`);
  rmSync(root, { recursive: true, force: true });
  const project = join(root, 'project');
  const home = join(root, 'home');
  mkdirSync(project, { recursive: true });
  mkdirSync(home, { recursive: true });
  return { root, project, home, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) };
}

export function shownMs(value) {
  if (value === undefined) return '';
  return value < 10_000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
}
