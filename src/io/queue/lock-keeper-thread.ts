/** The thread that renews locks. Holds no job and no answer. */

import { performance } from 'node:perf_hooks';
import { parentPort, workerData } from 'node:worker_threads';
import { Redis } from 'ioredis';
import { type HeldLock, HUNG_MS, type KeeperOptions, type KeeperOrder } from './lock-keeper.js';

const { url, prefix, lockMs } = workerData as KeeperOptions;
const redis = new Redis(url, { maxRetriesPerRequest: null });
redis.on('error', () => {});
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

/**
 * Renews a lock (KEYS[1]) that still has this token, and takes its job from the list of those that may be lost (KEYS[2]). BullMQ
 * does the same, but to load all of it into this thread costs each worker more than the renewals.
 */
const RENEW = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('srem', KEYS[2], ARGV[3])
return 1`;

async function renew(lock: HeldLock): Promise<void> {
  const { queue, id, token } = lock;
  const names = [`${prefix}:${queue}:${id}:lock`, `${prefix}:${queue}:stalled`];
  // A server that is away has not given the lock to anybody.
  const renewed = await redis.eval(RENEW, 2, ...names, token, lockMs, id).catch(() => undefined);
  if (renewed === 0 && held.delete(token)) parentPort?.postMessage(lock);
}
