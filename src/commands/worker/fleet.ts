/** `conductor workers`: the machines of a project's queue, what they run, and what waits. Changes nothing. */

import { err, ok, type Result } from '../../base/result.js';
import { projectName, queueAddress } from '../../execution/queue/open-queue-executor.js';
import { openRepository } from '../../io/git/open-repository.js';
import { connectQueue } from '../../io/queue/connection.js';
import { fleetIn } from '../../io/queue/fleet-state.js';
import type { Failure } from '../../model/failure.js';
import type { FleetState } from '../../model/fleet/job.js';
import type { Host } from '../../project/host.js';

/** Fails with `usage` where the config names no queue, and with `queue-failed`. */
export async function listWorkers(host: Host): Promise<Result<FleetState, Failure>> {
  const found = await openRepository(host.directory);
  if (!found.ok) return found;
  const loaded = await host.loadConfig(found.value.project);
  if (!loaded.ok) return loaded;
  const { config } = loaded.value;
  const url = queueAddress(config, host.env);
  if (url === undefined) return err(noQueue());
  const name = await projectName(config, found.value);
  const connected = name.ok ? await connectQueue(url, name.value) : name;
  if (!connected.ok) return connected;
  try {
    return ok(await fleetIn(connected.value, host.now()));
  } finally {
    connected.value.redis.disconnect();
  }
}

/** A command about workers in a project without a queue. */
export function noQueue(): Failure {
  return {
    kind: 'usage',
    message: 'the config names no queue',
    hint: "write `execution: { queue: 'redis://…' }`, or set the variable of `execution.queueEnv`",
  };
}
