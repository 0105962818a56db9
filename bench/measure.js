// How the bench runs and measures whole processes: wall time, and processor time of all that a process starts.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
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
export function run(program, args, { cwd, env, timeout = LONGEST }) {
  try {
    return execFileSync(program, args, {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 2 ** 30,
      timeout: timeLeft(timeout),
    });
  } catch (error) {
    if (error.code === 'ETIMEDOUT' && Date.now() >= deadline) throw new TimeIsOver();
    const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.slice(-2000);
    throw new Error(`${program} ${args.join(' ')}: ${error.message.slice(0, 200)}\n${said}`);
  }
}

/**
 * Runs commands one after the other, `times` times over, and returns the time of one round: `wall`, and `cpu`, the processor
 * time of all processes that were started for it and have ended. A loaded machine changes `wall`, and `cpu` only a little.
 * A command is `[program, ...arguments]`. The shell measures, because node is told no times of its children.
 */
export async function timed(commands, { cwd, env, times = 1, openFiles, timeout = LONGEST }) {
  const line = (command) => `${command.map(quoted).join(' ')} >>"$BENCH_LOG" 2>&1 || exit 9`;
  const log = join(env.HOME, 'log');
  rmSync(log, { force: true });
  const script = [
    "TIMEFORMAT='%3R %3U %3S'",
    ...(openFiles === undefined ? [] : [`ulimit -n ${openFiles}`]),
    `time for ((i = 0; i < ${times}; i++)); do`,
    ...commands.map(line),
    'done',
  ].join('\n');
  const { code, stderr } = await shell(script, { cwd, env: { ...env, BENCH_LOG: log } }, timeLeft(timeout));
  const [wall, user, system] = stderr.trim().split('\n').at(-1).split(' ').map(Number);
  if (code !== 0 || Number.isNaN(system)) {
    const said = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : stderr;
    throw new Error(`${commands.map((command) => command.join(' ')).join('; ')}: ${code}\n${said}`);
  }
  return { wall: (wall * 1000) / times, cpu: ((user + system) * 1000) / times };
}

const running = new Set();
const folders = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
process.on('exit', () => {
  for (const group of running) process.kill(-group, 'SIGKILL');
  // Not what a program still writes: then a part of a folder stays in the system's folder for temporary files.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A new folder with a real path, which is gone when the bench has ended, however it ends. */
export function temporaryFolder(name) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `conductor-bench-${name}-`)));
  folders.add(folder);
  return folder;
}

/** In a process group of its own, so that everything it started ends with it when the time is over, or the bench. */
function shell(script, { cwd, env }, ms) {
  const child = spawn('bash', ['-c', script], {
    cwd,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  if (child.pid !== undefined) running.add(child.pid);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      process.kill(-child.pid, 'SIGKILL');
      running.delete(child.pid);
      reject(new TimeIsOver());
    }, ms);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      running.delete(child.pid);
      resolve({ code, stderr });
    });
  });
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** Milliseconds after which a program that was measured is given up. */
const LONGEST = 1_800_000;

let deadline = Number.POSITIVE_INFINITY;

const timeLeft = (most) => Math.round(Math.max(1, Math.min(most, deadline - Date.now())));

/** What is measured after so many seconds from now is given up. */
export function endWithin(seconds) {
  deadline = Date.now() + seconds * 1000;
}

/** Seconds until then. */
export const secondsLeft = () => (deadline - Date.now()) / 1000;

export class TimeIsOver extends Error {
  constructor() {
    super('not measured: the time of this run is over');
  }
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/**
 * Measures each of the jobs once a round, in turn, so that a machine that slows down slows all of them. A job is a function that
 * returns `{ wall, cpu }`, or `{ before, work }` where `before` is not measured. `warmup` rounds are not counted.
 */
export async function interleaved(jobs, rounds, warmup = 1) {
  const found = Object.fromEntries(Object.keys(jobs).map((name) => [name, []]));
  for (let round = -warmup; round < rounds; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const { before, work } = typeof job === 'function' ? { work: job } : job;
      before?.(round);
      const time = await work(round);
      if (round >= 0) found[name].push(time);
    }
  }
  const both = (valuesOf) => ({ wall: median(valuesOf('wall')), cpu: median(valuesOf('cpu')) });
  return {
    time: (name) => both((kind) => found[name].map((time) => time[kind])),
    /** The median of the ratios within a round. */
    ratio: (name, below) => both((kind) => found[name].map((time, i) => time[kind] / found[below][i][kind])),
    /** The median of the differences within a round. */
    above: (name, below) => both((kind) => found[name].map((time, i) => time[kind] - found[below][i][kind])),
  };
}

/** For a conductor that is measured: its command, and the peak memory in MB and processor time of its own process afterwards. */
export function watched(args, { home }) {
  const file = join(home, 'peak');
  rmSync(file, { force: true });
  return {
    command: [process.execPath, '--require', PEAK_HOOK, CONDUCTOR, ...args],
    env: { BENCH_PEAK_FILE: file },
    own: () => {
      const { mb, cpu } = JSON.parse(readFileSync(file, 'utf8'));
      return { mb, cpu };
    },
  };
}

/** Milliseconds: what all threads of a process used, and what its children did that have ended. NaN where the kernel does not say. */
export function processorTime(pid) {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map((thread) => {
      const [nanoseconds] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ');
      return Number(nanoseconds) / 1e6;
    });
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name in brackets, which may hold blanks; times of children are the 16th and 17th value, in hundredths.
    const values = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return threads.reduce((sum, one) => sum + one, 0) + (Number(values[13]) + Number(values[14])) * 10;
  } catch {
    return Number.NaN;
  }
}

/** A folder for one measurement, with a home beside the project. Call `remove` at the end. */
export function workFolder(name) {
  const root = temporaryFolder(name);
  const project = join(root, 'project');
  const home = join(root, 'home');
  mkdirSync(project, { recursive: true });
  mkdirSync(home, { recursive: true });
  return { root, project, home, remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }) };
}

export function shownMs(value) {
  if (value === undefined || Number.isNaN(value)) return '';
  return value < 10_000 ? `${value.toFixed(value < 10 ? 1 : 0)} ms` : `${(value / 1000).toFixed(1)} s`;
}
