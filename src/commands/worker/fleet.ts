/** `conductor workers`: the machines of a project's queue, what they run, and what waits. Changes nothing. */

import { err, ok, type Result } from '../../base/result.js';
import { projectName, queueAddress } from '../../execution/queue/open-queue-executor.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import { connectQueue } from '../../io/queue/connection.js';
import { fleetIn } from '../../io/queue/fleet-state.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import type { FleetState } from '../../model/fleet/job.js';
import type { Host } from '../../project/host.js';

/** Fails with `usage` where the config names no queue, and with `queue-failed`. */
export async function listWorkers(host: Host): Promise<Result<FleetState, Failure>> {
  const found = await findQueue(host);
  if (!found.ok) return found;
  const { config, url, repository } = found.value;
  const name = await projectName(config, repository);
  const connected = name.ok ? await connectQueue(url, name.value) : name;
  if (!connected.ok) return connected;
  try {
    return ok(await fleetIn(connected.value, host.now()));
  } finally {
    connected.value.redis.disconnect();
  }
}

/** A project with a queue. */
export interface QueueProject {
  readonly config: Config;
  /** Address of the Redis server. */
  readonly url: string;
  readonly repository: Repository;
}

/** Fails with `usage` where the config names no queue. */
export async function findQueue(host: Host): Promise<Result<QueueProject, Failure>> {
  const found = await openRepository(host.directory);
  if (!found.ok) return found;
  const loaded = await host.loadConfig(found.value.project);
  if (!loaded.ok) return loaded;
  const { config } = loaded.value;
  const url = queueAddress(config, host.env);
  if (url !== undefined) return ok({ config, url, repository: found.value });
  return err({
    kind: 'usage',
    message: 'the config names no queue',
    hint: "write `execution: { queue: 'redis://…' }`, or set the variable of `execution.queueEnv`",
  });
}
