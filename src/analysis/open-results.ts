/** Opens the store of results of one project: conductor's own repository, and the remotes in the config. */

import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { readText } from '../io/files.js';
import type { ActionKey } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { recordsOf, resultKeyOf, type TaskRecord } from '../model/feature-lock.js';
import { findOrigin } from '../model/origin.js';
import type { Label } from '../model/task.js';
import type { Host } from '../project/host.js';
import { lockedTask, type Project } from '../project/project.js';
import { type AdmissionPolicy, acceptsOrigin } from '../store/admission.js';
import { type ArrivalRules, contentDigest, type Pins } from '../store/arrival.js';
import type { Claims } from '../store/claims/claims.js';
import { type EntryName, isResult, keyOf, type Scope } from '../store/encoded-entry.js';
import { EntrySigner } from '../store/entry-signer.js';
import { GitResults, type PinnedResult, type PinnedResults } from '../store/git-results.js';
import type { RemoteTiers } from '../store/remotes/tiers.js';
import type { ResultStore } from '../store/result-store.js';
import type { SignatureCheck, Signer } from '../store/signature.js';
import type { Sharing } from '../store/tiered-results.js';
import { UnsentEntries } from '../store/unsent.js';
import { isAsRecorded } from './locked-task.js';
import { openClaims } from './open-claims.js';
import { ownershipProblem, recordedDigest } from './pinned-results.js';

/** How long a new result waits to hear whether another build was first with it. */
const CLAIM_MS = 30_000;
/** How long an entry rests that a remote does not take: somebody may get the right to write, and need not tell conductor. */
const REST_MS = 24 * 60 * 60 * 1000;
/** Tasks that can start at the same time ask within this time. */
const GATHER_MS = 10;

export interface SharingOptions {
  /** Gets what goes wrong with remotes, once each. */
  warn(message: string): void;
  readonly signal: AbortSignal;
  /** Tasks whose results remotes are asked for first. */
  readonly first: ReadonlySet<Label>;
  /** Another result than the recorded one may take its place. */
  readonly rebuildMissing: boolean;
  /** Nothing is sent. */
  readonly readOnly: boolean;
}

interface LocalOptions {
  readonly pins?: PinnedResults;
  readonly likely?: readonly ActionKey[];
  /** Gets why results cannot be signed, once. */
  warn?(message: string): void;
}

export interface LocalResults {
  readonly local: GitResults;
  readonly policy: AdmissionPolicy;
}

/** Conductor's own store, by the rules of the config. Fails with `usage` for keys and signers that cannot be used. */
export async function openLocal(
  host: Host,
  project: Pick<Project, 'config' | 'repository' | 'objects'>,
  { warn = () => {}, ...wanted }: LocalOptions = {},
): Promise<Result<LocalResults, Failure>> {
  const { cache } = project.config;
  const here = findOrigin(host.env, cache.origin);
  const keys = await openKeys(host, project);
  if (!keys.ok) return keys;
  const { signer, signatures } = keys.value;
  const policy: AdmissionPolicy = { trust: cache.trust, here, ...(signatures ? { signatures } : {}) };
  const local = new GitResults(project.objects, {
    origin: here,
    now: host.now,
    accepts: (origin) => acceptsOrigin(policy, origin),
    ...(cache.sign ? { signer: new EntrySigner({ signer, home: project.repository.home, warn }) } : {}),
    ...wanted,
  });
  return ok({ local, policy });
}

async function openKeys(
  { env }: Host,
  project: Pick<Project, 'config' | 'repository'>,
): Promise<Result<{ signer?: Signer | undefined; signatures?: SignatureCheck }, Failure>> {
  const { sign, signers, trust } = project.config.cache;
  if (!sign && trust !== 'signed') return ok({});
  const { openSigner, signatureCheck } = await import('../store/signing.js');
  const signer = sign ? await openSigner(sign, env) : ok(undefined);
  if (!signer.ok) return signer;
  if (trust !== 'signed') return ok({ signer: signer.value });
  const file = signers === undefined ? undefined : join(project.repository.project, signers);
  const text = file === undefined ? undefined : await readText(file);
  if (text === undefined) {
    return err({
      kind: 'usage',
      message:
        signers === undefined
          ? 'only signed results are trusted, but no signers are configured'
          : `${signers} does not exist`,
      hint: 'name a file of public keys in `cache.signers`: each line has a name, `ssh-ed25519` and the key',
    });
  }
  return ok({ signer: signer.value, signatures: signatureCheck(text, env) });
}

export interface TiersOptions {
  warn(message: string): void;
  /** What lock files record: asked once, when it matters. */
  pins(): Pins;
  /** Nothing is sent. */
  readonly readOnly?: boolean;
}

/** The remotes of the config, for what is made here and for what may be used here. */
export async function openTiers(
  host: Host,
  project: Project,
  policy: AdmissionPolicy,
  { warn, pins, readOnly = false }: TiersOptions,
): Promise<RemoteTiers> {
  const { openRemotes } = await import('../store/remotes/open-remotes.js');
  const readsAll = policy.here.pullRequest || policy.trust !== 'no-pull-requests';
  const read: readonly Scope[] = readsAll ? ['shared', 'pull-request'] : ['shared'];
  const write: Scope | undefined = readOnly ? undefined : policy.here.pullRequest ? 'pull-request' : 'shared';
  // A reviewed lock file says what the result must hold: then it does not matter who made it.
  let recorded: Pins | undefined;
  const isRecorded = (name: EntryName) => {
    recorded ??= pins();
    return isResult(name) && recorded.has(keyOf(name));
  };
  const { env, pid } = host;
  const { repository, objects, config } = project;
  const maxBytes = 4 * config.maxOutputBytes;
  const all = { objects, env, pid, dir: repository.project, maxBytes };
  return openRemotes(
    config.cache.remotes,
    { read, write, recorded: { scope: 'pull-request', isRecorded } },
    all,
    warn,
  );
}

/** The store of a build, with what it claims there; absent claims: nothing is claimed. */
export interface OpenResults {
  readonly store: ResultStore;
  readonly claims: Claims | undefined;
}

export async function openResults(
  host: Host,
  project: Project,
  options: SharingOptions,
): Promise<Result<OpenResults, Failure>> {
  const { cache, execution } = project.config;
  const pins = options.rebuildMissing ? new Map() : pinnedResults(project);
  const likely = likelyKeys(project, options.first);
  const opened = await openLocal(host, project, { pins, likely, warn: options.warn });
  if (!opened.ok) return opened;
  const { local, policy } = opened.value;
  const { warn } = options;
  const claiming = (chain?: RemoteTiers) =>
    options.readOnly || cache.claims === 'off'
      ? undefined
      : openClaims(host, project, { here: policy.here, warn, ...(chain ? { chain } : {}) });
  const unsent = new UnsentEntries(project.repository.home);
  const isSent = cache.remotes.some(({ write }) => write !== false);
  // There is no remote any more that they could be sent to.
  if (!isSent && !options.readOnly) await unsent.remove(unsent.list());
  // What rests since another config was in force must be sent now.
  if (cache.required && !options.readOnly) await unsent.rest([], 0);
  if (cache.remotes.length === 0 && !execution) return ok({ store: local, claims: claiming() });
  const { TieredResults } = await import('../store/tiered-results.js');
  const recorded = pinsOf(project);
  const chain = await openTiers(host, project, policy, { ...options, pins: () => recorded });
  const claims = claiming(chain);
  const sharing: Sharing = {
    chain,
    ...(claims ? { claims } : {}),
    ...(isSent ? { unsent } : {}),
    ...(options.readOnly || cache.required ? {} : { restUntil: () => host.now() + REST_MS }),
    policy,
    ...arrivalRules(project, options.rebuildMissing ? new Map() : recorded),
    likely,
    believesGates: !cache.verify,
    claimMs: CLAIM_MS,
    gatherMs: GATHER_MS,
    waitMs: cache.waitSeconds * 1000,
    signal: options.signal,
    warn: options.warn,
  };
  return ok({ store: new TieredResults(local, project.objects, sharing), claims });
}

/** Keys of recorded results whose files are not on disk as they are recorded. */
function likelyKeys(project: Project, labels: ReadonlySet<Label>): ActionKey[] {
  const keys: ActionKey[] = [];
  for (const label of labels) {
    const locked = lockedTask(project, project.graph.task(label));
    const onDisk = project.owned.get(label) ?? new Map();
    if (locked && !isAsRecorded(project, locked, onDisk)) keys.push(resultKeyOf(locked));
  }
  return keys;
}

/** What of a project decides whether a result from elsewhere may come in. */
export function arrivalRules(project: Project, pins = pinsOf(project)): Pick<ArrivalRules, 'pins' | 'fits'> {
  return {
    pins,
    async fits(result) {
      // A task that was renamed since has its results under the old name: they are judged when they are used.
      const task = project.graph.tasks.get(result.provenance.label);
      return task && ownershipProblem(project, task, result);
    },
  };
}

/** The results that must be exactly the recorded ones, also where this store has another one for the key. */
function pinnedResults(project: Project): PinnedResults {
  // Collected when the first result is looked for: a build whose first task has no result can start that task before.
  let made: Map<ActionKey, PinnedResult> | undefined;
  const all = () => {
    made ??= allPinned(project);
    return made;
  };
  return { get: (key) => all().get(key), has: (key) => all().has(key), delete: (key) => all().delete(key) };
}

function allPinned(project: Project): Map<ActionKey, PinnedResult> {
  const records = new Map<ActionKey, TaskRecord[]>();
  for (const lock of project.locks.values()) {
    for (const record of Object.values(lock.tasks).flatMap(recordsOf)) {
      const key = resultKeyOf(record);
      const same = records.get(key);
      if (same) same.push(record);
      else records.set(key, [record]);
    }
  }
  const pinned = new Map<ActionKey, PinnedResult>();
  for (const [key, same] of records) {
    // Few results are looked for in a build, and only theirs are digested.
    const holds: PinnedResult['holds'] = (result) => {
      const digest = contentDigest(result);
      return same.some((record) => recordedDigest(record) === digest);
    };
    pinned.set(key, { commits: same.map(({ result }) => result), holds });
  }
  return pinned;
}

/** What lock files say that recorded results hold: nothing else may come in their place. */
export function pinsOf(project: Project): Map<ActionKey, Set<Digest>> {
  const pins = new Map<ActionKey, Set<Digest>>();
  for (const lock of project.locks.values()) {
    for (const record of Object.values(lock.tasks).flatMap(recordsOf)) {
      const key = resultKeyOf(record);
      pins.set(key, (pins.get(key) ?? new Set()).add(recordedDigest(record)));
    }
  }
  return pins;
}
