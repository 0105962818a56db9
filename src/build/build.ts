/** `conductor build` up to "nothing to do". The code of a real build is loaded only when there is something to do. */

import { ok } from '../base/result.js';
import type { ExecutionHost } from '../execution/executor.js';
import type { Repository } from '../io/git/repository.js';
import { isDefaultSecrets } from '../model/config.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import { hasSameEnvironment, type LastBuild, readLastBuild } from '../project/clone-records.js';
import type { Host } from '../project/host.js';
import type { SameGround } from '../project/project-memory.js';
import { stillShown } from '../project/tracked-secrets.js';
import { UnsentEntries } from '../store/unsent.js';
import { fewEdits } from '../workspace/reading/seen-changes.js';
import { filesOnDisk, takeSnapshot } from '../workspace/snapshot.js';
import { type OpenLifecycle, runBuild } from './lifecycle.js';
import { type BuildOptions, nothingDone } from './options.js';
import { isAsLeft } from './quick-check.js';

/** Builds and reports; the summary is also the last event. Rejects only for a bug. */
export async function build(
  host: ExecutionHost,
  options: BuildOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<BuildSummary> {
  const { command, wait } = options;
  return runBuild(host, { command, wait, signal, on }, async (open) => {
    const done = await doneQuickly(host, options, open);
    if (done) return ok(done);
    const { buildTasks } = await import('./build-tasks.js');
    const built = await buildTasks({ ...open, host, options });
    return built.ok ? ok(built.value.summary) : built;
  });
}

/** What was seen longer ago is looked at again: the build may have waited for another one. */
const SEEN_MS = 2000;

/**
 * The summary when the tree, the version and the environment that the config read are those of the last complete build,
 * or when outputs are missing and nothing else differs; undefined when there may be more to do.
 */
async function doneQuickly(
  host: Host,
  options: BuildOptions,
  open: OpenLifecycle,
): Promise<BuildSummary | undefined> {
  const { session } = open;
  // Targets may be mistyped, and what is counted is theirs: they are looked up.
  if (options.force || options.commit || options.targets.length > 0 || options.since !== undefined)
    return undefined;
  // They check more than a build that takes its own files for sound.
  if (options.frozen || options.restoreOnly || options.namesAll) return undefined;
  // What an outage or a kill kept from the remotes is sent by the next command.
  if (new UnsentEntries(session.repository.home).isAnyDue(host.now())) return undefined;
  const ground = await sameGround(host, session.repository, async () => {
    const loaded = await host.loadConfig(session.repository.project);
    return loaded.ok ? loaded.value.digest : undefined;
  });
  if (!ground) return undefined;
  const { last, person } = ground;
  const { secrets, named, maxUntracked } = last;
  const limit = maxUntracked === undefined ? {} : { maxUntracked };
  // What a load would ask git for again. With other patterns, what was found is not what is shown.
  if (isDefaultSecrets(secrets)) session.memory.secrets = { person, secrets, found: last.shown };
  const how = { secrets: [...secrets], named: [...named], force: [], ...limit };
  const { samples = [] } = last;
  // Otherwise a file of a task may have come that no snapshot has, or the clone's record is that of an incomplete build.
  const isLeft = isAsLeft(session.repository, last);
  const mayRestore = isLeft && isRestorable(options, last);
  const seen = host.seen && host.now() - host.seen.at < SEEN_MS ? host.seen : undefined;
  if (mayRestore && filesOnDisk(session.repository, samples).length < samples.length) {
    const { restoreGone } = await import('./publishing/restore-outputs.js');
    const restored = await restoreGone(open, ground, seen);
    if (restored) return { ...restored, ms: host.now() - open.startedAt };
  }
  const { large = [], rules } = last;
  const edits = seen && fewEdits(seen);
  const tree = last.index === edits?.index ? last.tree : undefined;
  const goesOn = edits && { seen: { ...edits, large, tree, ...(rules && { rules }) } };
  const taken = await takeSnapshot(session.repository, session.objects, { ...how, ...goesOn });
  if (!taken.ok) return undefined;
  // A large file that no build has named yet is named.
  const isLargeKnown = (taken.value.large ?? []).join('\0') === (last.large ?? []).join('\0');
  // A build with nothing to do has nothing to say: it leaves no log.
  if (isLeft && taken.value.tree === last.tree && isLargeKnown)
    return nothingDone(last.tasks, host.now() - open.startedAt);
  if (mayRestore && isLargeKnown) {
    const { restoreOutputs } = await import('./publishing/restore-outputs.js');
    const restored = await restoreOutputs(open, taken.value.tree, last);
    if (restored) return { ...restored, ms: host.now() - open.startedAt };
  }
  session.sessionState.memory.handOn(taken.value, how, isLargeKnown ? ground : undefined);
  return undefined;
}

/** These options look at tasks one by one, or at files of people. */
function isRestorable({ dryRun, accept, keepEdits, discardEdits }: BuildOptions, last: LastBuild): boolean {
  return last.restorable === true && !(dryRun || accept || keepEdits || discardEdits);
}

/**
 * The last complete build, where nothing but files can have changed since: no version, variable, tool or setting has.
 * `configDigest`: of the config as it is today, asked for where files do not say it.
 */
export async function sameGround(
  host: Host,
  repository: Repository,
  configDigest: () => Promise<string | undefined>,
): Promise<SameGround | undefined> {
  const last = readLastBuild(repository.state);
  if (!last || last.version !== host.version) return undefined;
  if (!hasSameEnvironment(last, host.env) || !(await hasSameTools(host, last))) return undefined;
  if (last.config !== undefined && (await configDigest()) !== last.config) return undefined;
  const person = await stillShown(repository, last);
  return person === undefined ? undefined : { last, person };
}

async function hasSameTools(host: Host, { toolchain, secrets }: LastBuild): Promise<boolean> {
  if (toolchain === undefined) return true;
  const { toolVersions } = await import('../analysis/command-settings.js');
  const today = await toolVersions(host, Object.keys(toolchain), secrets);
  return (
    today.ok && Object.entries(toolchain).every(([command, output]) => today.value.get(command) === output)
  );
}
