/** Opens the executor that hands tasks to a queue, from the config. Runs no task. */

import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Repository } from '../../io/git/repository.js';
import { remoteUrl } from '../../io/git/transfer.js';
import { connectQueue } from '../../io/queue/connection.js';
import { JobBoard } from '../../io/queue/job-board.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Host } from '../../project/host.js';
import { buildName } from '../../project/log-files.js';
import { isStore, openParcels, repositoryOf } from '../../store/parcels/open-parcels.js';
import { LAST_BASE, type ParcelFault, type Parcels, worthAgain } from '../../store/parcels/parcels.js';
import type { Executor, ExecutorParts, RunInstructions } from '../executor.js';
import { settingItems } from './own-key.js';
import { type BuildBase, baseCommit } from './parcel.js';
import { QueueExecutor } from './queue-executor.js';
import { SEND_TRIES, sharedOnce, type Tries, tryAgain } from './tries.js';

/** Where the queue of this machine is; undefined: it has none, and runs everything itself. */
export function queueAddress({ execution }: Pick<Config, 'execution'>, env: Host['env']): string | undefined {
  const named = ownValue(env, execution?.queueEnv);
  return named || execution?.queue;
}

/** Where parcels travel: `git:` with the name or address of a git repository, or the address of a store. */
export function parcelRemote({ execution, cache }: Pick<Config, 'execution' | 'cache'>): string {
  const shared = cache.remotes.find(({ url }) => url.startsWith('git:'))?.url;
  return execution?.remote ?? shared ?? 'git:origin';
}

/**
 * The name that all clones of a project have in the queue, and no other project: by default the path of the repository
 * behind the remote, since `origin` is the name of everybody's. A store keeps parcels of any project: then `origin` counts.
 */
export async function projectName(
  config: Pick<Config, 'execution' | 'cache'>,
  { store, prefix }: Pick<Repository, 'store' | 'prefix'>,
): Promise<Result<string, Failure>> {
  const { name } = config.execution ?? {};
  if (name !== undefined) return ok(name);
  const remote = parcelRemote(config);
  const named = isStore(remote) ? 'origin' : repositoryOf(remote);
  const url = /^[^/:]+$/.test(named) ? await remoteUrl(store, named, 'fetch') : named;
  const path = url
    ?.replace(/^\w+:\/\/[^/]*\//, '')
    .replace(/^(?:[^/@]+@)?[^:/]+:/, '')
    .replace(/^\/+/, '')
    .replace(/(\.git)?\/*$/, '');
  if (path) return ok(`${path}/${prefix}`.replace(/\/+$/, ''));
  const message = `the queue has no name for this project: git has no remote \`${named}\``;
  return err({ kind: 'usage', message, hint: 'give it one in `execution.name`, the same in all clones' });
}

export interface QueueOptions {
  /** Runs what is no job. */
  readonly local: Executor;
  readonly url: string;
  /** Jobs go on when the build is interrupted. Default: they are cancelled. */
  readonly detach?: boolean;
  /** The trace of a task that runs, for the spans of workers. Absent: nobody takes spans. */
  readonly traceparent?: (task: Label) => string | undefined;
}

/** `local` runs what is no job. Fails with `queue-failed`, or `usage` when a package is missing. */
export async function openQueueExecutor(
  host: Host,
  parts: ExecutorParts & { readonly instructions: RunInstructions },
  { local, url, detach = false, traceparent = () => undefined }: QueueOptions,
): Promise<Result<Executor, Failure>> {
  const { config, repository, objects, store, agent, shared, startedAt } = parts;
  const name = await projectName(config, repository);
  const connected = name.ok ? await connectQueue(url, name.value) : name;
  if (!connected.ok) {
    await local.close();
    return connected;
  }
  const parcels = await openParcels(parcelRemote(config), config.execution, {
    objects,
    dir: repository.project,
    env: host.env,
    maxOutputBytes: config.maxOutputBytes,
  });
  if (!shared.spending) throw new Error('BUG: a local executor without budgets');
  return ok(
    new QueueExecutor({
      ...{ local, parcels, objects, store, agent, config, detach, traceparent },
      board: await JobBoard.open(connected.value),
      spending: shared.spending,
      agents: shared.agents,
      base: sharedOnce((signal: AbortSignal, failures) =>
        // A place that has refused it for long, as with a wrong token, is only asked whether it takes it now.
        sendBase(parts, parcels, { signal, most: failures === 0 ? SEND_TRIES : 1 }),
      ),
      version: host.version,
      platform: `${process.platform}-${process.arch}`,
      build: buildName(startedAt, host.pid),
    }),
  );
}

/** Sent as a difference to the one before, which the other side has until then. */
async function sendBase(
  {
    objects,
    handWritten,
    rules,
    config,
    instructions,
  }: ExecutorParts & { readonly instructions: RunInstructions },
  parcels: Parcels,
  tries: Tries<ParcelFault>,
): Promise<Result<ObjectId, Failure>> {
  const textsOf = (isShipped: boolean) =>
    Object.fromEntries(
      instructions.definitions
        .filter((one) => one.isShipped === isShipped)
        .map(({ name, text }) => [`${name}.md`, text]),
    );
  const data: BuildBase = {
    schema: 1,
    rules,
    settings: settingItems(instructions.settings),
    shippedAgents: textsOf(true),
    ownAgents: textsOf(false),
    ...(config.cache.trust === 'signed' ? { signed: true } : {}),
  };
  const former = await objects.resolve(LAST_BASE);
  const commit = await baseCommit(objects, data, handWritten, former);
  const sent = await tryAgain(() => parcels.send(commit), { ...tries, isWorth: worthAgain() });
  if (!sent.ok) return err(sent.error.failure);
  await objects.setRef(LAST_BASE, commit);
  // One that stays there is in nobody's way.
  if (former !== undefined && former !== commit) await parcels.remove([former]).catch(() => undefined);
  return ok(commit);
}
