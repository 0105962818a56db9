/**
 * The features of a project, from their specs and lock files on disk. Versions, times and sums come from git's history and
 * the store, and are left out where there is neither.
 */

import { mapBounded } from '../base/bounded.js';
import { ok, type Result } from '../base/result.js';
import { inSession, openReadingSession } from '../build/project-session.js';
import { readText } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { FeatureLock } from '../model/feature-lock.js';
import { globEscape } from '../model/git-rules/git-escape.js';
import type { ListedFeature } from '../model/listed-feature.js';
import type { Host } from '../project/host.js';
import { readSpecsOnDisk } from '../project/specs-on-disk.js';
import { parseLock } from '../specs/lock-file.js';
import { type ParsedSpec, parseSpecs } from '../specs/parse.js';
import { findSpecFiles } from '../specs/spec-files.js';
import { readyAt, recordedProvenance } from '../store/provenance-record.js';
import { lockHistory, versionAfter } from './versions/lock-history.js';

export interface FeatureList {
  /** In byte order of names. */
  readonly features: readonly ListedFeature[];
  /** What of specs and lock files could not be read. */
  readonly problems: readonly Diagnostic[];
}

/** All features. What is damaged is a problem beside the list, never a reason to give none. */
export async function listFeatures(host: Host): Promise<Result<FeatureList, Failure>> {
  const { directory } = host;
  const loaded = await host.loadConfig(directory);
  if (!loaded.ok) return loaded;
  const { specs } = loaded.value.config;
  const { listing, contents } = await readSpecsOnDisk(directory, specs);
  const found = findSpecFiles(listing, specs);
  const kept = new Map<string, unknown>();
  const cache = {
    get: (id: string) => kept.get(id),
    set: (id: string, value: unknown) => kept.set(id, value),
  };
  const parsed = await parseSpecs(found.files, async () => new Map(contents), cache);
  const problems: Diagnostic[] = [...found.diagnostics, ...parsed.flatMap(({ diagnostics }) => diagnostics)];
  const locks = new Map<string, Result<FeatureLock, Diagnostic>>();
  for (const { spec } of parsed) {
    const text = await readText(`${directory}/${spec.lockFile}`);
    if (text === undefined) continue;
    const lock = parseLock(text, spec.lockFile);
    if (!lock.ok) problems.push(lock.error);
    locks.set(spec.lockFile, lock);
  }
  const past = await pastOf(host, specs, locks);
  return ok({
    features: parsed.map((one) => listed(one, locks.get(one.spec.lockFile), past.get(one.spec.lockFile))),
    problems,
  });
}

/** What a lock file does not say itself. */
type Past = Pick<ListedFeature, 'version' | 'lastGenerated' | 'attempts' | 'costUsd'>;

/** By lock file; of none where there is no repository. */
async function pastOf(
  host: Host,
  specs: string,
  locks: ReadonlyMap<string, Result<FeatureLock, Diagnostic>>,
): Promise<ReadonlyMap<string, Past>> {
  const past = new Map<string, Past>();
  if (locks.size === 0) return past;
  const done = await inSession(openReadingSession(host), async ({ repository, objects }) => {
    const globs = [`${globEscape(specs)}/**/.metadata.json`, `${globEscape(specs)}/**/*.spec.metadata.json`];
    const renamed = new Map<string, string[]>();
    for (const [file, lock] of locks) {
      for (const former of lock.ok ? (lock.value.formerly ?? []) : [])
        renamed.set(former, [...(renamed.get(former) ?? (locks.has(former) ? [former] : [])), file]);
    }
    const { head } = await lockHistory({ repository, objects }, globs, renamed);
    for (const [file, lock] of locks) {
      if (!lock.ok) continue;
      const before = head.get(file);
      const { version } = versionAfter(lock.value, before ? [before] : []);
      past.set(file, { version, ...(await sums(objects, lock.value)) });
    }
    return ok(undefined);
  });
  return done.ok ? past : new Map();
}

async function sums(objects: GitObjects, { tasks }: FeatureLock): Promise<Omit<Past, 'version'>> {
  const results = [...new Set(Object.values(tasks).map((task) => task.result))];
  const found = await mapBounded(results, (result) => recordedProvenance(objects, result));
  const made = found.filter((one) => one !== undefined);
  if (made.length === 0) return {};
  const attempts = made.reduce((all, one) => all + one.attempts, 0);
  const costUsd = made.reduce((all, one) => all + (one.usage.costUsd ?? 0), 0);
  const [lastGenerated = ''] = made.map(readyAt).sort().reverse();
  return { attempts, costUsd: Math.round(costUsd * 1e6) / 1e6, lastGenerated };
}

function listed(
  parsed: ParsedSpec,
  lock: Result<FeatureLock, Diagnostic> | undefined,
  past: Past = {},
): ListedFeature {
  const { title } = (parsed.value ?? {}) as { readonly title?: unknown };
  const ids = taskIds(parsed);
  const common = {
    feature: parsed.spec.feature,
    title: typeof title === 'string' ? title : '',
    tasks: ids?.length,
  };
  if (!lock) return { ...common, status: 'new', recorded: 0 };
  if (!lock.ok) return { ...common, status: 'unknown', recorded: undefined };
  const recorded = Object.keys(lock.value.tasks).filter((id) => !ids || ids.includes(id)).length;
  const status = ids && recorded < ids.length ? 'incomplete' : 'complete';
  return { ...common, status, recorded, ...past };
}

/** Ids of the spec's tasks; undefined when it cannot be read. */
function taskIds({ spec, value }: ParsedSpec): string[] | undefined {
  if (value === null || typeof value !== 'object') return undefined;
  const { id, tasks } = value as { readonly id?: unknown; readonly tasks?: unknown };
  if (spec.kind === 'spec-front-matter') return [String(id ?? 'main')];
  return Array.isArray(tasks)
    ? tasks.map((task) => String((task as { id?: unknown } | null)?.id))
    : undefined;
}
