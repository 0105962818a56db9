/** The store of results for one project: conductor's own repository, with remotes where the config names some. */

import type { ActionKey } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import { resultKeyOf } from '../model/lock.js';
import { findOrigin } from '../model/origin.js';
import type { Label } from '../model/task.js';
import { parseEntryWord } from '../model/tree.js';
import { type AdmissionPolicy, acceptsOrigin } from '../store/admission.js';
import type { ArrivalRules } from '../store/arrival.js';
import type { Scope } from '../store/entry.js';
import { GitResults } from '../store/git-results.js';
import type { RemoteChain } from '../store/remotes/chain.js';
import type { ResultStore } from '../store/result-store.js';
import { isAsRecorded } from './locked.js';
import { ownershipProblem } from './pinned.js';
import { lockedTask, type Project } from './project.js';
import type { Surroundings } from './surroundings.js';

/** How long a new result waits to hear whether another build was first with it. */
const CLAIM_MS = 30_000;

export interface SharingOptions {
  /** Gets what goes wrong with remotes, once each. */
  warn(message: string): void;
  readonly signal: AbortSignal;
  /** Tasks that will be looked at. */
  readonly selected: ReadonlySet<Label>;
  /** Another result than the recorded one may take its place. */
  readonly rebuildMissing: boolean;
}

/** Conductor's own store, by the rules of the config. */
export function openLocal(surroundings: Surroundings, project: Project) {
  const { cache } = project.config;
  const here = findOrigin(surroundings.env, cache.origin);
  const policy: AdmissionPolicy = { trust: cache.trust, here };
  const local = new GitResults(project.objects, {
    origin: here,
    now: surroundings.now,
    accepts: (origin) => acceptsOrigin(policy, origin),
  });
  return { local, policy };
}

/** The remotes of the config, for what is made here and for what may be used here. */
export async function openChain(
  surroundings: Surroundings,
  project: Project,
  policy: AdmissionPolicy,
  warn: (message: string) => void,
): Promise<RemoteChain> {
  const { openRemotes } = await import('../store/remotes/open.js');
  const readsAll = policy.here.pullRequest || policy.trust !== 'no-pull-requests';
  const read: readonly Scope[] = readsAll ? ['shared', 'pull-request'] : ['shared'];
  const write: Scope = policy.here.pullRequest ? 'pull-request' : 'shared';
  const { env, pid } = surroundings;
  const { repository, objects, config } = project;
  const maxBytes = 4 * config.maxOutputBytes;
  const all = { objects, env, pid, dir: repository.project, maxBytes };
  return openRemotes(config.cache.remotes, { read, write }, all, warn);
}

export async function openResults(
  surroundings: Surroundings,
  project: Project,
  options: SharingOptions,
): Promise<ResultStore> {
  const { cache } = project.config;
  const { local, policy } = openLocal(surroundings, project);
  if (cache.remotes.length === 0) return local;
  const { TieredResults } = await import('../store/tiered-results.js');
  return new TieredResults(local, project.objects, {
    chain: await openChain(surroundings, project, policy, options.warn),
    policy,
    ...(await arrivalRules(project)),
    ...(options.rebuildMissing ? { pins: new Map() } : {}),
    likely: likelyKeys(project, options.selected),
    believesGates: !cache.verify,
    claimMs: CLAIM_MS,
    waitMs: cache.waitSeconds * 1000,
    signal: options.signal,
    warn: options.warn,
  });
}

/** Keys of recorded results whose files are not on disk as they are recorded. */
function likelyKeys(project: Project, selected: ReadonlySet<Label>): ActionKey[] {
  const keys: ActionKey[] = [];
  for (const label of selected) {
    const locked = lockedTask(project, project.graph.task(label));
    const onDisk = project.owned.get(label) ?? new Map();
    if (locked && !isAsRecorded(project, locked, onDisk)) keys.push(resultKeyOf(locked));
  }
  return keys;
}

/** What of a project decides whether a result from elsewhere may come in. */
export async function arrivalRules(project: Project): Promise<Pick<ArrivalRules, 'pins' | 'fits'>> {
  return {
    pins: await pinsOf(project),
    async fits(result) {
      // A task that was renamed since has its results under the old name: they are judged when they are used.
      const task = project.graph.tasks.get(result.provenance.label);
      return task && ownershipProblem(project, task, result);
    },
  };
}

/** What lock files say that recorded results hold: nothing else may come in their place from elsewhere. */
export async function pinsOf(project: Project): Promise<Map<ActionKey, Digest>> {
  const { contentDigest } = await import('../store/arrival.js');
  const pins = new Map<ActionKey, Digest>();
  for (const lock of project.locks.values()) {
    for (const locked of Object.values(lock.tasks)) {
      const outputs = new Map(
        Object.entries(locked.outputs).map(([path, word]) => [path, parseEntryWord(word)]),
      );
      const edits = Object.entries(locked.edits ?? {}).map(([path, { after }]) => ({
        path,
        base: undefined,
        before: undefined,
        after: after === '' ? undefined : parseEntryWord(after),
      }));
      pins.set(resultKeyOf(locked), contentDigest({ outputs, edits }));
    }
  }
  return pins;
}
