/** `conductor cache`: sends, fetches, checks and counts entries, without a build. Runs nothing. */

import { join, relative } from 'node:path';
import { arrivalRules, openLocal, openTiers, pinsOf } from '../analysis/open-results.js';
import { err, ok, type Result } from '../base/result.js';
import { inSession, openReadingSession } from '../build/project-session.js';
import { openRepository } from '../io/git/open-repository.js';
import type { CacheStats, PullReport, PushReport, VerifyReport } from '../model/cache-report.js';
import type { Failure } from '../model/failure.js';
import { resultKeyOf } from '../model/feature-lock.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import type { Host } from '../project/host.js';
import { loadProject, type Project } from '../project/project.js';
import { diskSource } from '../project/project-source.js';
import { type AdmissionPolicy, shapeProblem } from '../store/admission.js';
import { arrivedProblem, contentDigest, originOf, type Pins } from '../store/arrival.js';
import { type EntryName, gatesName, isResult, keyOf, resultName } from '../store/encoded-entry.js';
import { entryFiles } from '../store/entry-message.js';
import type { GitResults } from '../store/git-results.js';
import { parseRecord, RESULT_FILE } from '../store/provenance-record.js';
import type { RemoteTiers } from '../store/remotes/tiers.js';
import { UnsentEntries } from '../store/unsent.js';

export interface CacheOptions {
  /** Everything in the store, not only what lock files record. */
  readonly all: boolean;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

interface Opened {
  readonly project: Project;
  readonly local: GitResults;
  readonly policy: AdmissionPolicy;
  readonly host: Host;
}

export async function pushResults(host: Host, options: CacheOptions): Promise<Result<PushReport, Failure>> {
  return withRemotes(host, options, async (opened, chain) => {
    const { local, project, policy } = opened;
    const recorded = recordedEntries(project);
    const names = options.all ? [...(await local.entries()).keys()] : [...recorded.keys()];
    const entries = new Map<EntryName, ObjectId>();
    let unsigned = 0;
    const absent = new Set<Label>();
    for (const name of names) {
      const commit = await local.commitOf(name);
      if (commit === undefined) {
        // Gates may have passed elsewhere only: then there is nothing of them here to send.
        if (isResult(name)) absent.add(recorded.get(name) ?? keyOf(name));
        continue;
      }
      const origin = await originOf(project.objects, name, commit);
      if ((origin?.pullRequest === true) !== policy.here.pullRequest) continue;
      // One that could not be signed when it was made here is signed now.
      const toSend = await local.commitToSend(name);
      if (toSend !== undefined) entries.set(name, toSend);
      else unsigned++;
    }
    const offered = await chain.offer(entries, options.signal).all;
    const rules = { policy, ...arrivalRules(project) };
    const problem = (name: EntryName, commit: ObjectId) =>
      arrivedProblem(local, project.objects, rules, { name, commit });
    const outcomes =
      policy.trust === 'signed'
        ? await chain.replaceUnusable({ entries, outcomes: offered, problem }, options.signal)
        : offered;
    // What some remote does not have stays marked: the next build sends it.
    await new UnsentEntries(project.repository.home).remove(
      [...entries.keys()].filter((name) => !chain.isUnsent(name)),
    );
    const taken = [...outcomes].filter(([name, outcome]) => outcome === 'taken' && isResult(name));
    return ok({
      stored: [...outcomes.values()].filter((outcome) => outcome === 'stored').length,
      taken: taken.map(([name]) => recorded.get(name) ?? keyOf(name)),
      absent: [...absent],
      unsent: entries.size - outcomes.size + unsigned,
    });
  });
}

export async function pullResults(host: Host, options: CacheOptions): Promise<Result<PullReport, Failure>> {
  return withRemotes(host, options, async (opened, chain) => {
    const { local, project, policy } = opened;
    const recorded = recordedEntries(project);
    const wanted: EntryName[] = [];
    for (const name of recorded.keys()) {
      const held = isResult(name) ? await local.find(keyOf(name)) : ok(await local.commitOf(name));
      if (!held.ok || !held.value) wanted.push(name);
    }
    const rules = { policy, ...arrivalRules(project) };
    const found = await chain.fetch(
      wanted,
      async (name, commit) => {
        const problem = await arrivedProblem(local, project.objects, rules, { name, commit });
        if (problem === undefined) await local.point(name, commit);
        return problem;
      },
      options.signal,
    );
    await local.repack();
    const rest = wanted.filter((name) => isResult(name) && !found.has(name));
    const labels = (names: readonly EntryName[]) => names.map((name) => recorded.get(name) as Label);
    const isKnown = (name: EntryName) => chain.unreached(name).length === 0;
    return ok({
      present: recorded.size - wanted.length,
      brought: found.size,
      missing: labels(rest.filter(isKnown)),
      unreached: labels(rest.filter((name) => !isKnown(name))),
    });
  });
}

/**
 * Hashes every byte of every object and result again. With `remove`, what is damaged is forgotten, so that it can be
 * fetched or built again; what can still be read of a damaged pack stays.
 */
export async function verifyResults(
  host: Host,
  options: { readonly remove: boolean },
): Promise<Result<VerifyReport, Failure>> {
  const repository = await openRepository(host.directory);
  if (!repository.ok) return repository;
  const { store } = repository.value;
  const { inspectObjects } = await import('../io/git/upkeep/broken-objects.js');
  const objects = await inspectObjects(store);
  const broken = [...objects.loose, ...objects.packs, ...objects.unindexed].map((path) =>
    relative(join(store, 'objects'), path.startsWith('/') ? path : join(store, 'objects/pack', path)),
  );
  const isBroken = options.remove && broken.length > 0;
  const repair = isBroken ? await import('../io/git/upkeep/repair.js') : undefined;
  await repair?.removeBrokenObjects(store);
  return withProject(host, async ({ project, local }) => {
    const recorded = recordedEntries(project);
    const pins = pinsOf(project);
    const damaged: { key: string; label?: Label; detail: string }[] = [];
    let results = 0;
    for (const [name, commit] of await local.entries()) {
      if (isResult(name)) results++;
      const detail = await damage({ project, local }, pins, name, commit);
      if (detail === undefined) continue;
      const label = recorded.get(name);
      damaged.push({ key: keyOf(name), detail, ...(label === undefined ? {} : { label }) });
      if (options.remove) await local.drop(name);
    }
    // Only now: refs tell which results the removed objects belonged to.
    await repair?.forgetMissingObjects(repository.value);
    return ok({ results, damaged, objects: objects.checked, broken, removed: options.remove });
  });
}

async function damage(
  { project, local }: Pick<Opened, 'project' | 'local'>,
  pins: Pins,
  name: EntryName,
  commit: ObjectId,
): Promise<string | undefined> {
  if (!isResult(name)) {
    return (await entryFiles(project.objects, commit)) ? undefined : 'its record of gates cannot be read';
  }
  const key = keyOf(name);
  const loaded = await local.load(key, commit);
  if (!loaded.ok) return loaded.error.kind === 'result-damaged' ? loaded.error.detail : loaded.error.kind;
  const pin = pins.get(key);
  const isOther = pin !== undefined && !pin.has(contentDigest(loaded.value.result));
  return (
    shapeProblem(loaded.value.files) ??
    (isOther ? 'it differs from the one that the lock file records' : undefined)
  );
}

export async function cacheStats(host: Host): Promise<Result<CacheStats, Failure>> {
  return withProject(host, async ({ project, local }) => {
    const entries = await local.entries();
    const recipes: Record<string, number> = {};
    let results = 0;
    let pullRequests = 0;
    let costUsd = 0;
    for (const [name, commit] of entries) {
      if (!isResult(name)) continue;
      results++;
      const text = (await project.objects.read(`${commit}:${RESULT_FILE}`))?.toString('utf8') ?? '';
      const record = parseRecord(text);
      const recipe = record?.recipe ?? 'damaged';
      recipes[recipe] = (recipes[recipe] ?? 0) + 1;
      if (record?.origin?.pullRequest) pullRequests++;
      costUsd += Number(record?.usage?.costUsd) || 0;
    }
    const recorded = [...recordedEntries(project).keys()].filter(isResult);
    const { folderBytes } = await import('../io/folder-size.js');
    const { withoutCredentials } = await import('../model/address.js');
    return ok({
      results,
      gates: entries.size - results,
      recipes,
      pullRequests,
      costUsd,
      bytes: await folderBytes(`${project.objects.store}/objects`),
      recorded: recorded.length,
      absent: recorded.filter((name) => !entries.has(name)).length,
      remotes: project.config.cache.remotes.map(({ url, read, write }) => ({
        url: withoutCredentials(url),
        read: read !== false,
        write: write !== false,
      })),
    });
  });
}

/** What the lock files of this working tree name: results and passes of gates, with their tasks. */
function recordedEntries(project: Project): Map<EntryName, Label> {
  const names = new Map<EntryName, Label>();
  for (const lock of project.locks.values()) {
    for (const [id, locked] of Object.entries(lock.tasks)) {
      const label = `${lock.feature}/${id}`;
      names.set(resultName(resultKeyOf(locked)), label);
      if (locked.gates !== undefined) names.set(gatesName(locked.gates), label);
    }
  }
  return names;
}

async function withProject<T>(
  host: Host,
  use: (opened: Opened) => Promise<Result<T, Failure>>,
  warn: (message: string) => void = () => {},
): Promise<Result<T, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const loaded = await host.loadConfig(session.repository.project);
    if (!loaded.ok) return loaded;
    const project = await loadProject(diskSource(session, loaded.value.config));
    if (!project.ok) return project;
    const opened = await openLocal(host, project.value, { warn });
    if (!opened.ok) return opened;
    return use({ project: project.value, host, ...opened.value });
  });
}

async function withRemotes<T>(
  host: Host,
  options: CacheOptions,
  use: (opened: Opened, chain: RemoteTiers) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  return withProject(
    host,
    async (opened) => {
      const { project, policy } = opened;
      if (project.config.cache.remotes.length === 0) {
        return err({
          kind: 'usage',
          message: 'the config names no remote',
          hint: "name one in conductor.config.ts: `cache: { remotes: ['git:origin'] }`",
        });
      }
      const chain = await openTiers(host, project, policy, { ...options, pins: () => pinsOf(project) });
      try {
        return await use(opened, chain);
      } finally {
        await chain.close();
      }
    },
    options.warn,
  );
}
