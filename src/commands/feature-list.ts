/** The features of a project, from their specs and lock files on disk. Needs no git and no store. */

import { ok, type Result } from '../base/result.js';
import { readText } from '../io/files.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { FeatureLock } from '../model/feature-lock.js';
import type { ListedFeature } from '../model/listed-feature.js';
import type { Host } from '../project/host.js';
import { readSpecsOnDisk } from '../project/specs-on-disk.js';
import { parseLock } from '../specs/lock-file.js';
import { type ParsedSpec, parseSpecs } from '../specs/parse.js';
import { findSpecFiles } from '../specs/spec-files.js';

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
  const specs = loaded.value.config.specs.replace(/\/+$/, '');
  const { listing, contents } = await readSpecsOnDisk(directory, specs);
  const found = findSpecFiles(listing, specs);
  const kept = new Map<string, unknown>();
  const cache = {
    get: (id: string) => kept.get(id),
    set: (id: string, value: unknown) => kept.set(id, value),
  };
  const parsed = await parseSpecs(found.files, async () => new Map(contents), cache);
  const features: ListedFeature[] = [];
  const problems: Diagnostic[] = [...found.diagnostics, ...parsed.flatMap(({ diagnostics }) => diagnostics)];
  for (const one of parsed) {
    const text = await readText(`${directory}/${one.spec.lockFile}`);
    const lock = text === undefined ? undefined : parseLock(text, one.spec.lockFile);
    if (lock && !lock.ok) problems.push(lock.error);
    features.push(listed(one, lock));
  }
  return ok({ features, problems });
}

function listed(parsed: ParsedSpec, lock: Result<FeatureLock, Diagnostic> | undefined): ListedFeature {
  const { title } = (parsed.value ?? {}) as { readonly title?: unknown };
  const ids = taskIds(parsed);
  const common = {
    feature: parsed.spec.feature,
    title: typeof title === 'string' ? title : '',
    tasks: ids?.length,
  };
  if (!lock) return { ...common, status: 'new', recorded: 0 };
  if (!lock.ok) return { ...common, status: 'unknown', recorded: undefined };
  const { status, version, lastGenerated, attempts, costUsd, tasks } = lock.value;
  const recorded = Object.keys(tasks).filter((id) => !ids || ids.includes(id)).length;
  return { ...common, status, recorded, version, lastGenerated, attempts, costUsd };
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
