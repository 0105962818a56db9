/** The thread that renews locks. Holds no job and no answer. */

import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type HeldLock, HUNG_MS, type KeeperOptions, type KeeperOrder } from './lock-keeper.js';

const { url, prefix, lockMs } = workerData as KeeperOptions;
const redis = new Redis(url, { maxRetriesPerRequest: null });
redis.on('error', () => {});
const queues = new Map<string, Queue>();
const held = new Map<string, HeldLock>();
let aliveAt = performance.now();

parentPort?.on('message', (order: KeeperOrder) => {
  aliveAt = performance.now();
  if (order.kind === 'hold') held.set(order.lock.token, order.lock);
  if (order.kind === 'drop') held.delete(order.lock.token);
});

setInterval(() => {
  if (performance.now() - aliveAt > HUNG_MS) return;
  for (const lock of held.values()) void renew(lock);
}, lockMs / 3);

async function renew(lock: HeldLock): Promise<void> {
  try {
    const job = await queueOf(lock.queue).getJob(lock.id);
    if (job && (await job.extendLock(lock.token, lockMs)) === 1) return;
  } catch (error) {
    // A server that is away has not given the lock to anybody.
    if (!/lock/i.test(String(error))) return;
  }
  if (held.delete(lock.token)) parentPort?.postMessage(lock);
}

function queueOf(name: string): Queue {
  let queue = queues.get(name);
  if (!queue) {
    queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true });
    queue.on('error', () => {});
    queues.set(name, queue);
  }
  return queue;
}
