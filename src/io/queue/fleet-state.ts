/** Looks at the queues and workers of a project. Takes and changes nothing. */

import type { FleetState, QueueNeeds, QueueState } from '../../model/fleet/job.js';
import { ignore, type QueueConnection } from './connection.js';
import { parsed, QUEUES, workersIn } from './keys.js';

export async function fleetIn({ sdk, redis, prefix }: QueueConnection, now: number): Promise<FleetState> {
  const all = await redis.hgetall(`${prefix}:${QUEUES}`);
  const queues: QueueState[] = [];
  for (const [name, text] of Object.entries(all).sort()) {
    const needs = parsed(text) as QueueNeeds | null | undefined;
    if (!needs) continue;
    const queue = new sdk.Queue(name, { connection: redis, prefix, skipVersionCheck: true });
    queue.on('error', ignore);
    const counts = await queue.getJobCounts('prioritized', 'waiting', 'delayed', 'active');
    const [oldest] = await queue.getJobs(['prioritized', 'waiting'], 0, 0, true);
    const limits = { atOnce: await queue.getGlobalConcurrency(), rate: await queue.getGlobalRateLimit() };
    await queue.close();
    queues.push({
      name,
      needs,
      waiting: (counts.prioritized ?? 0) + (counts.waiting ?? 0) + (counts.delayed ?? 0),
      running: counts.active ?? 0,
      ...(oldest ? { waitsMs: Math.max(0, now - oldest.timestamp) } : {}),
      limits: {
        ...(limits.atOnce === null ? {} : { atOnce: limits.atOnce }),
        ...(limits.rate === null ? {} : { perMinute: limits.rate.max }),
      },
    });
  }
  return { workers: await workersIn(redis, prefix), queues };
}
