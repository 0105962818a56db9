// Measures what a queue costs: the same agent tasks run here, over git and over the store of a worker, and empty jobs
// through Redis alone. Processor time is measured beside wall time, since a busy machine says little by the latter.
//   npm run bench -- queue                 a table for docs/scale.md; takes two minutes
//   npm run bench -- queue 64 4 4 2        tasks, workers, tasks at a time on each, seconds of an agent
//   npm run bench -- queue rendered 1000   rendered tasks that `runs_on` sends to two workers, and what each process used
import { spawn } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createJiti } from 'jiti';
import { CONDUCTOR, environment, run, temporaryFolder } from './measure.js';

const load = (path) => createJiti(import.meta.url).import(`../src/${path}`);

/** A row for each way. `sizes`: numbers as words, the first may be `rendered`. */
export async function measureQueue(sizes) {
  if (sizes[0] === 'rendered') return measureRendered(Number(sizes[1] ?? 1000));
  const [tasks = 64, workers = 4, places = 4, seconds = 2] = sizes.map(Number);
  const rows = [];
  for (const way of ['here', 'git', 'store']) {
    const measured = await measureWay({ way, tasks, workers, places, seconds });
    const ideal = Math.ceil(tasks / (workers * places)) * seconds;
    rows.push({
      way,
      seconds: measured.seconds.toFixed(1),
      ideal: ideal.toFixed(1),
      ratio: ideal === 0 ? '' : (measured.seconds / ideal).toFixed(2),
      'ms a task': Math.round((measured.seconds * 1000 - ideal * 1000) / (tasks / (workers * places))),
      'processor ms a task': Math.round((measured.cpu * 1000) / tasks),
    });
  }
  rows.push(await measureJobs(10_000));
  return rows;
}

/** Processor time of builder, workers and Redis for rendered tasks that are queued all the same. */
async function measureRendered(tasks) {
  const rows = [];
  for (const way of ['store', 'git']) {
    const { seconds, cpu, own, redis } = await measureWay({
      way,
      tasks,
      workers: 2,
      places: 4,
      rendered: true,
    });
    const all = cpu + redis;
    const of = (used) => ((used * 1000) / tasks).toFixed(1);
    rows.push({
      ...{ way, tasks, seconds: seconds.toFixed(1), 'processor ms a task': of(all), builder: of(own) },
      ...{
        workers: of(cpu - own),
        redis: of(redis),
        'a second on two processors': Math.round((2 * tasks) / all),
      },
    });
  }
  return rows;
}

async function measureWay({ way, tasks, workers, places, seconds, rendered = false }) {
  const root = temporaryFolder('queue');
  const redis = await startRedis(root);
  const started = [];
  try {
    const dir = join(root, 'project');
    project(dir, { root, way, tasks, atOnce: workers * places, redis, seconds, rendered });
    const env = environment(root);
    for (let i = 0; way !== 'here' && i < workers; i++) {
      const clone = join(root, `worker-${i}`);
      run('git', ['clone', '-q', dir, clone], { cwd: root, env });
      const store = way === 'store' && i === 0 ? ['--store', String(redis.port + 1)] : [];
      const worker = timed(['worker', '--concurrency', String(places), ...store], clone, env);
      started.push(worker);
      await worker.says('at a time from');
    }
    const before = redis.seconds();
    const build = timed(['build', '--json'], dir, env);
    const { code } = await build.ended;
    if (code !== 0) throw new Error(`the build failed: ${build.output.slice(-2000)}`);
    for (const worker of started) worker.stop();
    await Promise.all(started.map((worker) => worker.ended));
    const times = [...build.output.matchAll(/"at":(\d+),"type":"task\.(started|finished)"/g)].map((m) =>
      Number(m[1]),
    );
    const cpu = [build, ...started].reduce((sum, { seconds: used }) => sum + used(), 0);
    const used = { cpu, own: build.seconds(), redis: redis.seconds() - before };
    return { seconds: (Math.max(...times) - Math.min(...times)) / 1000, ...used };
  } finally {
    for (const worker of started) worker.kill();
    redis.stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function project(dir, { root, way, tasks, atOnce, redis, seconds, rendered }) {
  mkdirSync(join(dir, 'specs/f'), { recursive: true });
  const script = `id=$(grep -o 'Make T[0-9]*' "$1" | head -1 | cut -c6-); sleep ${seconds}; echo made > $id.txt\n`;
  writeFileSync(join(root, 'agent.sh'), script);
  const remote = way === 'store' ? `http://127.0.0.1:${redis.port + 1}` : `git:${root}/shared.git`;
  const config = {
    agent: { driver: 'command', command: ['sh', join(root, 'agent.sh'), '{promptFile}'] },
    ...{
      sandbox: 'off',
      rebase: 'off',
      preflight: false,
      attempts: 1,
      ...(rendered ? {} : { workers: atOnce }),
    },
    ...(way === 'here' ? {} : { execution: { queue: redis.url, remote, name: 'bench' } }),
  };
  writeFileSync(join(dir, 'conductor.config.mjs'), `export default ${JSON.stringify(config)};\n`);
  writeFileSync(join(dir, '.gitignore'), '.conductor/\n');
  const task = (_, i) =>
    `  - id: T${i + 1}\n    title: t\n    description: Make T${i + 1}\n    inputs: []\n    outputs: [T${i + 1}.txt]\n`;
  const part = (_, i) =>
    `  - id: T${i + 1}\n    runs_on: [${process.platform}]\n    render:\n      - {template: part.hbs, to: out/T${i + 1}.txt, with: {value: ${i + 1}}}\n`;
  mkdirSync(join(dir, 'templates'));
  writeFileSync(join(dir, 'templates/part.hbs'), 'part {{value}}\n');
  writeFileSync(
    join(dir, 'specs/f/BACKLOG.yaml'),
    `feature: f\ntasks:\n${Array.from({ length: tasks }, rendered ? part : task).join('')}`,
  );
  const env = environment(root);
  const git = (...args) =>
    run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { cwd: dir, env });
  run('git', ['init', '-q', '--bare', join(root, 'shared.git')], { cwd: root, env });
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'bench');
}

/** conductor with what it and its children have used of the processors: the shell that waits for it prints that. */
function timed(args, cwd, env) {
  const script =
    'trap : TERM; "$@" & child=$!; trap "kill $child" TERM; wait $child; code=$?; wait $child; times; exit $code';
  const child = spawn('bash', ['-c', script, 'bash', process.execPath, CONDUCTOR, ...args], {
    cwd,
    env,
    detached: true,
  });
  const process_ = { output: '' };
  // The times are the last line of stdout; in `output`, lines of stderr may come after it.
  let printed = '';
  child.stdout.on('data', (text) => (printed += text));
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (process_.output += text));
  process_.ended = new Promise((resolve) => child.on('close', (code) => resolve({ code })));
  process_.says = async (words) => {
    while (!process_.output.includes(words)) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  process_.stop = () => child.kill('SIGTERM');
  process_.kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {}
  };
  process_.seconds = () => {
    const last = printed.trim().split('\n').at(-1);
    const times = last.match(/\d+m[\d.]+s/g);
    if (!times) throw new Error(`these are no times of a process: ${last}`);
    return times.reduce(
      (sum, one) => sum + Number(one.split('m')[0]) * 60 + parseFloat(one.split('m')[1]),
      0,
    );
  };
  return process_;
}

async function startRedis(root) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const settings = ['--appendonly', 'yes', '--save', '', '--bind', '127.0.0.1', '--dir', root];
  const child = spawn('redis-server', ['--port', String(port), ...settings], { stdio: 'ignore' });
  let fault;
  child.on('error', (error) => {
    fault = new Error(`this case needs redis-server: ${error.message}`);
  });
  process.once('exit', () => child.kill());
  const url = `redis://127.0.0.1:${port}`;
  const { connectQueue } = await load('io/queue/connection.ts');
  for (;;) {
    if (fault) throw fault;
    const connected = await connectQueue(url, 'bench');
    if (connected.ok) {
      connected.value.redis.disconnect();
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { port, url, seconds: () => processorSeconds(child.pid), stop: () => child.kill() };
}

/** Of a process that runs; 0 where the system does not say. */
function processorSeconds(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** Jobs without any work, handed in, taken, delivered and heard of, in one process. */
async function measureJobs(count) {
  const root = temporaryFolder('jobs');
  const redis = await startRedis(root);
  const { connectQueue } = await load('io/queue/connection.ts');
  const { JobBoard } = await load('io/queue/job-board.ts');
  const { JobSource } = await load('io/queue/job-source.ts');
  const board = await JobBoard.open((await connectQueue(redis.url, 'jobs')).value);
  const platform = 'any';
  const needs = { kind: 'command', protocol: 1, version: '1', platform, labels: [] };
  const worker = {
    id: 'w',
    host: 'w',
    pid: 1,
    version: '1',
    protocol: 1,
    platform,
    labels: [],
    hasAgent: true,
    concurrency: 32,
    since: 0,
  };
  const source = await JobSource.open((await connectQueue(redis.url, 'jobs')).value, {
    worker,
    lockMs: 30_000,
    losses: 2,
    now: Date.now,
  });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const places = Array.from({ length: 32 }, async () => {
    while (!stop.signal.aborted) {
      const job = await source.take();
      if (job) await job.deliver({ parcel: 'a'.repeat(40), name: 'n', worker: 'w', ok: true });
      else await source.untilCalled(stop.signal);
    }
  });
  const begin = performance.now();
  const used = process.cpuUsage();
  let next = 0;
  const listener = { onHanded() {}, onNews() {}, leaves: () => false, signal: stop.signal };
  const lanes = Array.from({ length: 200 }, async () => {
    while (next < count) {
      const key = `k${next++}`;
      const job = { protocol: 1, version: '1', label: key, key, parcel: 'p', base: 'b', build: 'x' };
      await board.run({ job, needs, limits: {}, priority: 0 }, listener, async () => 1);
    }
  });
  await Promise.all(lanes);
  const seconds = (performance.now() - begin) / 1000;
  const { user, system } = process.cpuUsage(used);
  stop.abort();
  await Promise.all(places);
  await source.close();
  await board.close();
  redis.stop();
  rmSync(root, { recursive: true, force: true });
  return {
    way: `${count} empty jobs`,
    seconds: seconds.toFixed(1),
    'ms a task': ((seconds * 1000) / count).toFixed(2),
    'processor ms a task': ((user + system) / 1000 / count).toFixed(2),
    ratio: `${Math.round(count / seconds)} a second`,
  };
}
