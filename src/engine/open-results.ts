/** The store of results for one project: conductor's own repository, with remotes where the config names some. */

import type { GitObjects } from '../io/git/objects.js';
import type { ActionKey } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import { resultKeyOf } from '../model/lock.js';
import { findOrigin } from '../model/origin.js';
import type { Label } from '../model/task.js';
import { parseEntryWord } from '../model/tree.js';
import { type AdmissionPolicy, acceptsOrigin } from '../store/admission.js';
import { GitResults } from '../store/git-results.js';
import type { ResultStore } from '../store/result-store.js';
import { isAsRecorded } from './locked.js';
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

export async function openResults(
  surroundings: Surroundings,
  project: Project,
  options: SharingOptions,
): Promise<ResultStore> {
  const { objects, config } = project;
  const { cache } = config;
  const here = findOrigin(surroundings.env, cache.origin);
  const policy: AdmissionPolicy = { trust: cache.trust, here };
  const local = new GitResults(objects, {
    origin: here,
    accepts: (origin) => acceptsOrigin(policy, origin),
  });
  if (cache.remotes.length === 0) return local;
  const { openRemotes } = await import('../store/remotes/open.js');
  const { TieredResults } = await import('../store/tiered-results.js');
  const readsAll = here.pullRequest || cache.trust !== 'no-pull-requests';
  const chain = await openRemotes(
    cache.remotes,
    {
      read: readsAll ? ['shared', 'pull-request'] : ['shared'],
      write: here.pullRequest ? 'pull-request' : 'shared',
    },
    remoteSurroundings(surroundings, project, objects),
    options.warn,
  );
  return new TieredResults(local, objects, {
    chain,
    policy,
    pins: options.rebuildMissing ? new Map() : await pinsOf(project),
    likely: likelyKeys(project, options.selected),
    believesGates: !cache.verify,
    claimMs: CLAIM_MS,
    waitMs: cache.waitSeconds * 1000,
    signal: options.signal,
    warn: options.warn,
  });
}

function remoteSurroundings(surroundings: Surroundings, project: Project, objects: GitObjects) {
  const { env, pid } = surroundings;
  const { repository, config } = project;
  return { objects, env, pid, dir: repository.project, maxBytes: 4 * config.maxOutputBytes };
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

/** What lock files say that recorded results hold: nothing else may come in their place from elsewhere. */
async function pinsOf(project: Project): Promise<Map<ActionKey, Digest>> {
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
