/**
 * `conductor worker`: takes jobs of a project's queue until it is stopped, and runs them with what this machine has. It
 * changes no file of the clone that it was started in.
 */

import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { openLocal } from '../../analysis/open-results.js';
import { err, ok, type Result } from '../../base/result.js';
import { Benches } from '../../execution/queue/bench.js';
import { JobRunner } from '../../execution/queue/job-runner.js';
import { parcelRemote, projectName } from '../../execution/queue/open-queue-executor.js';
import { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import { acquireLock, type LockHandle } from '../../io/process-lock.js';
import { connectQueue } from '../../io/queue/connection.js';
import { JobSource } from '../../io/queue/job-source.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { JOB_PROTOCOL } from '../../model/fleet/job.js';
import type { Host } from '../../project/host.js';
import { openParcels, parcelBytes, storeToken } from '../../store/parcels/open-parcels.js';
import { ParcelServer } from '../../store/parcels/parcel-server.js';
import type { ResultStore } from '../../store/result-store.js';
import { findQueue, type QueueProject } from './fleet.js';
import { WorkerLoop, type WorkerOptions } from './worker-loop.js';

/** Workers of one clone at the same time. */
const SLOTS = 64;
const LOCK_SECONDS = 30;
const LOSSES = 2;

/** The number of jobs that were run to their end. */
export async function runWorker(host: Host, options: WorkerOptions): Promise<Result<number, Failure>> {
  const found = await findQueue(host);
  if (!found.ok) return found;
  const slot = await takeSlot(host, found.value.repository);
  if (!slot.ok) return slot;
  try {
    return await inSlot(host, { ...found.value, repository: slot.value.repository }, options);
  } finally {
    await slot.value.lock.release();
  }
}

/** A state folder of its own: a build in the same clone, and other workers, go on beside it. */
async function takeSlot(
  host: Host,
  found: Repository,
): Promise<Result<{ repository: Repository; lock: LockHandle }, Failure>> {
  for (let slot = 0; slot < SLOTS; slot++) {
    const hash = createHash('sha256').update(`worker ${slot} ${found.project}`).digest('hex').slice(0, 16);
    const state = join(found.home, 'projects', hash);
    const owner = {
      command: 'conductor worker',
      pid: host.pid,
      startedAt: new Date(host.now()).toISOString(),
    };
    const lock = await acquireLock(state, owner, { wait: false });
    if (lock.ok) return ok({ repository: { ...found, state, hash }, lock: lock.value });
    if (lock.error.kind !== 'locked') return lock;
  }
  return err({ kind: 'usage', message: `${SLOTS} workers run in this clone already` });
}

/** What a worker has of its own, before it looks at a queue. */
interface OwnParts extends QueueProject {
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly hasAgent: boolean;
  readonly served: ParcelServer | undefined;
}

async function inSlot(
  host: Host,
  project: QueueProject,
  options: WorkerOptions,
): Promise<Result<number, Failure>> {
  const { config, repository } = project;
  const objects = new GitObjects(repository);
  try {
    const results = await openLocal(host, { config, repository, objects });
    if (!results.ok) return results;
    const agent = await host.createAgent(config);
    if (!agent.ok) return agent;
    await agent.value?.close?.();
    const served = await serveStore(host, { config, objects }, options);
    if (!served.ok) return served;
    const hasAgent = agent.value !== undefined;
    try {
      const own = { objects, store: results.value.local, hasAgent, served: served.value };
      return await onQueue(host, { ...project, ...own }, options);
    } finally {
      await served.value?.close();
    }
  } finally {
    await objects.close();
  }
}

async function onQueue(
  host: Host,
  { config, url, repository, objects, store, hasAgent, served }: OwnParts,
  options: WorkerOptions,
): Promise<Result<number, Failure>> {
  const named = await projectName(config, repository);
  if (!named.ok) return named;
  const connected = await connectQueue(url, named.value);
  if (!connected.ok) return connected;
  const { execution } = config;
  const concurrency = options.concurrency ?? config.workers;
  const source = await JobSource.open(connected.value, {
    worker: {
      id: `${hostname()}-${host.pid}-${repository.hash}`,
      host: `${hostname()}:${host.pid}`,
      pid: host.pid,
      version: host.version,
      protocol: JOB_PROTOCOL,
      platform: `${process.platform}-${process.arch}`,
      labels: execution?.labels ?? [],
      hasAgent,
      concurrency,
      since: host.now(),
    },
    lockMs: (execution?.lockSeconds ?? LOCK_SECONDS) * 1000,
    losses: execution?.losses ?? LOSSES,
    now: host.now,
  });
  const benches = new Benches({ host, repository, objects, store, config, startedAt: host.now() });
  try {
    await benches.warm(concurrency);
    const parcels = await openParcels(parcelRemote(config), execution, {
      objects,
      dir: repository.project,
      env: host.env,
      maxOutputBytes: config.maxOutputBytes,
      served,
    });
    const { host: name } = source.options.worker;
    const signs = config.cache.sign !== undefined;
    const runner = new JobRunner({ objects, store, parcels, benches, host: name, signs });
    options.on({ type: 'worker.ready', queue: named.value, name, concurrency });
    const loop = new WorkerLoop({ source, runner, concurrency, options, now: host.now });
    try {
      return ok(await loop.run());
    } finally {
      await runner.forget();
      parcels.end();
    }
  } finally {
    await benches.close();
    await source.close();
    // Nothing of a worker's end depends on it.
    await store.repack().catch(() => undefined);
  }
}

const LOOPBACK = /^(localhost|127\.|\[?::1)/;

/** Undefined where none is asked for. Fails with `usage` when others could read it without a token. */
async function serveStore(
  host: Host,
  { config, objects }: { readonly config: Config; readonly objects: GitObjects },
  { store, on }: WorkerOptions,
): Promise<Result<ParcelServer | undefined, Failure>> {
  if (store === undefined) return ok(undefined);
  const [, address = '127.0.0.1', port = ''] = /^(?:(.+):)?(\d+)$/.exec(store) ?? [];
  const token = storeToken(config.execution, host.env);
  if (port === '' || (token === undefined && !LOOPBACK.test(address))) {
    return err({
      kind: 'usage',
      message:
        port === ''
          ? `${store} is no address`
          : `${store} can be reached from other machines, and there is no token`,
      hint: port === '' ? 'give `<host>:<port>`' : 'name a variable in `execution.tokenEnv`, and set it',
    });
  }
  const maxBytes = parcelBytes(config);
  const options = { objects, host: address, port: Number(port), token, maxBytes };
  const server = await ParcelServer.open(options).catch((error: unknown) => error);
  if (!(server instanceof ParcelServer)) {
    const why = server instanceof Error ? server.message : String(server);
    return err({
      kind: 'usage',
      message: `no store at ${store}: ${why}`,
      hint: 'give another `<host>:<port>`',
    });
  }
  on({ type: 'store.ready', address: server.address });
  return ok(server);
}
