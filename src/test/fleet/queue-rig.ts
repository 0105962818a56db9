/** A project whose tasks go through a queue, with workers in clones of their own, in this process. Knows no test's story. */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ScriptedAgent, type ScriptedOptions } from '../../agent/scripted-agent.js';
import { ok } from '../../base/result.js';
import { runWorker } from '../../commands/worker/worker.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { openLocalExecutor } from '../../execution/open-local-executor.js';
import { openQueueExecutor, queueAddress } from '../../execution/queue/open-queue-executor.js';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import type { WorkerEvent } from '../../model/fleet/worker-event.js';
import { until } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject, createBare } from '../rig/shared-project.js';
import type { RedisServer } from './redis-server.js';

export interface QueueRig extends AsyncDisposable {
  readonly rig: Rig;
  readonly bare: string;
  worker(options?: Partial<StartedOptions>): Promise<RigWorker>;
}

export interface StartedOptions {
  readonly name: string;
  /** `held`: each of its runs is open until the test ends it. */
  readonly agent: ScriptedOptions | 'held';
  readonly concurrency: number;
  readonly drain: boolean;
  readonly version: string;
  readonly store: string;
  readonly config: Partial<ConductorConfig>;
}

export interface RigWorker {
  readonly agent: ScriptedAgent;
  readonly events: WorkerEvent[];
  /** What became of its jobs: `done f/T1`. */
  fates(): string[];
  /** Resolves when it has ended by itself. */
  readonly ended: Promise<unknown>;
  /** Takes no more jobs, and ends. */
  end(): Promise<void>;
  /** What it runs goes back to the queue. */
  stop(): Promise<void>;
}

export async function createQueueRig(redis: RedisServer, config: ConductorConfig = {}): Promise<QueueRig> {
  const { execution, ...more } = config;
  const rig = await createRig({
    config: {
      ...more,
      execution: { queue: redis.url, remote: 'git:../shared.git', name: 'test', ...execution },
    },
  });
  const bare = createBare(rig);
  rig.createExecutor = async (host, parts) => {
    const local = await openLocalExecutor(host, parts);
    const url = queueAddress(parts.config, host.env);
    const { instructions } = parts;
    return local.ok && url !== undefined && instructions
      ? openQueueExecutor(host, { ...parts, instructions }, { local: local.value, url })
      : local;
  };
  const started: RigWorker[] = [];
  const worker = async (options: Partial<StartedOptions> = {}) => {
    const one = await startWorker(rig, { name: `worker-${started.length + 1}`, ...options });
    started.push(one);
    return one;
  };
  return {
    rig,
    bare,
    worker,
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((one) => one.stop()));
      await rig[Symbol.asyncDispose]();
    },
  };
}

/** One feature with a task for an agent for each id, and the answers to them. */
export function agentTasks(rig: Rig, ...ids: readonly string[]): void {
  const tasks = ids.map((id) => [id, { description: `Make ${id}`, outputs: [`${id}.txt`] }] as const);
  rig.backlog('f', Object.fromEntries(tasks));
  for (const id of ids) rig.answer(`f/${id}`, { [`${id}.txt`]: `${id} is made\n` });
  rig.commit();
}

/** A second person's clone; the rig goes on in the first one. */
export function inClone<T>(rig: Rig, name: string, work: () => T): T {
  const { dir } = rig;
  cloneProject(rig, name);
  try {
    return work();
  } finally {
    rig.dir = dir;
  }
}

/** Builds of T1 in two clones: the session of the first one is open, and the second one has joined it. */
export async function joinedBuilds(fleet: QueueRig) {
  const { rig } = fleet;
  agentTasks(rig, 'T1');
  const worker = await fleet.worker({ agent: 'held' });
  const first = rig.start({}, { tripwire: true });
  const run = await worker.agent.next('f/T1');
  const second = inClone(rig, 'second', () => rig.start({}, { tripwire: true }));
  await second.until((story) => story.of('task.output').some(({ line }) => line.includes('another build')));
  return { worker, first, second, run };
}

/** The key of the only job in the queue. */
export function onlyJob(redis: RedisServer): string {
  const [key = ''] = redis.cli('--scan', '--pattern', '*:job:*:waiting').split('\n');
  return /:job:([^:]+):waiting$/.exec(key)?.[1] ?? '';
}

async function startWorker(
  rig: Rig,
  {
    name,
    agent: scripted = {},
    concurrency = 2,
    drain = false,
    version,
    config,
    store,
  }: Partial<StartedOptions> & { name: string },
): Promise<RigWorker> {
  const dir = join(rig.temporary.root, name);
  execFileSync('git', ['clone', '-q', rig.temporary.dir, dir], { stdio: 'pipe' });
  const agent = new ScriptedAgent(scripted === 'held' ? {} : { auto: rig.answerer(), ...scripted });
  const host: ExecutionHost = {
    ...rig.host(agent),
    directory: dir,
    cacheDir: join(rig.temporary.root, `cache-${name}`),
    now: Date.now,
    loadConfig: async () => ok({ config: resolveConfig({ ...rig.config, ...config }, 2), environment: [] }),
    ...(version === undefined ? {} : { version }),
  };
  const events: WorkerEvent[] = [];
  const signal = new AbortController();
  const stop = new AbortController();
  const on = (event: WorkerEvent) => events.push(event);
  const ended = runWorker(host, {
    ...{ concurrency, drain, signal: signal.signal, stop: stop.signal, on },
    ...(store === undefined ? {} : { store }),
  });
  ended.catch(() => undefined);
  const isReady = () => events.some(({ type }) => type === 'worker.ready');
  await Promise.race([until('the worker to be ready', isReady), ended]);
  const end = async () => {
    signal.abort();
    const done = await ended;
    if (!done.ok) throw new Error(JSON.stringify(done.error));
  };
  return {
    agent,
    events,
    ended,
    fates: () => events.flatMap((one) => (one.type === 'job.ended' ? [`${one.fate} ${one.task}`] : [])),
    end,
    stop: async () => {
      stop.abort();
      await end();
    },
  };
}
