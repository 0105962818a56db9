/**
 * What planners are shown of a project: its tree, and a map of that from blobs; outlines are kept by blob id, the map by
 * tree. Knows no planner and no request.
 */

import { ownValue } from '../../base/records/own-value.js';
import { readText, writeAtomic } from '../../io/files.js';
import { inThreads } from '../../io/pool/thread-pool.js';
import { digestFields } from '../../model/digest.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Entry, Listing, ObjectId } from '../../model/tree.js';
import { hasOutline, type Outline, type SourceFile } from '../../plan/outline.js';
import outlineMany from '../../plan/outline-worker.js';
import { renderMap } from '../../plan/repository-map.js';
import { type Project, textIn } from '../../project/project.js';

/** Changes when outlines or maps are made otherwise. */
const FORM = '1';
/** Files above this size are generated, or data. */
const MAX_SOURCE_BYTES = 262_144;
/**
 * Files that are outlined at a time; only so many are worth threads. A file takes some fifty microseconds, threads and
 * the copies of the texts that they get about a second.
 */
const CHUNK = 20_000;
/** The share of a planner's context that the map may take, and its size when that is more than it needs. */
const SHARE = 0.4;
const MAX_MAP_BYTES = 4096;

interface KeptMap {
  readonly form: string;
  readonly key: string;
  readonly text: string;
  /** By blob id and ending. */
  readonly outlines: Readonly<Record<string, Outline>>;
}

/** The map of a tree for the feature's planners. The same tree gives the same text without reading a file. */
export async function repositoryMap(project: Project, feature: string, tree: ObjectId): Promise<string> {
  const file = `${project.repository.state}/map.json`;
  const kept = parseKept(await readText(file));
  const maxBytes = Math.min(MAX_MAP_BYTES, Math.floor(project.config.planningBytes * SHARE));
  const owned = [...project.graph.tasks.values()]
    .filter((task) => task.feature !== feature && task.outputs.length > 0)
    .map(({ label, outputs }) => ({ label, outputs }));
  const patched = patchedBy(project, feature);
  const others = JSON.stringify(patched.length === 0 ? owned : { owned, patched });
  const key = digestFields('conductor.map', [FORM, tree, String(maxBytes), others]);
  if (kept?.key === key) return kept.text;

  const listing = await project.objects.list(tree);
  const outlines = await outlinesOf(project, listing, kept?.outlines ?? {});
  const files = listing.paths
    .filter((path) => listing.get(path)?.mode !== '160000')
    .map((path) => ({ path, outline: outlines[outlineName(path, listing.get(path)?.id ?? '')] ?? [] }));
  const text = renderMap(
    {
      files,
      manifest: await textIn({ listing, objects: project.objects }, 'package.json'),
      owned,
      patched,
    },
    maxBytes,
  );
  const record: KeptMap = { form: FORM, key, text, outlines };
  await writeAtomic(file, JSON.stringify(record));
  return text;
}

/** Files that tasks of other features patch. */
function patchedBy({ graph }: Project, feature: string): { path: string; by: string[] }[] {
  const found = new Map<string, string[]>();
  for (const { label, feature: of, edits } of graph.tasks.values()) {
    for (const path of of === feature ? [] : edits) found.set(path, [...(found.get(path) ?? []), label]);
  }
  return [...found].map(([path, by]) => ({ path, by }));
}

/** Only what is not known yet is read. */
async function outlinesOf(
  project: Project,
  listing: Listing,
  known: Readonly<Record<string, Outline>>,
): Promise<Record<string, Outline>> {
  const outlines: Record<string, Outline> = {};
  const wanted: { readonly name: string; readonly path: string; readonly id: ObjectId }[] = [];
  for (const [path, { id, mode }] of listing.files) {
    if (!mode.startsWith('100') || !hasOutline(path)) continue;
    const name = outlineName(path, id);
    const outline = known[name];
    if (outline) outlines[name] = outline;
    else wanted.push({ name, path, id });
  }
  for (let from = 0; from < wanted.length; from += CHUNK) {
    const chunk = wanted.slice(from, from + CHUNK);
    const blobs = await project.objects.readMany(chunk.map(({ id }) => id));
    const sources = chunk.map(({ path, id }): SourceFile => {
      const blob = blobs.get(id);
      const isText = blob !== undefined && blob.length <= MAX_SOURCE_BYTES && !blob.includes(0);
      return { path, text: isText ? blob.toString('utf8') : '' };
    });
    const made = await inThreads('outline-worker', outlineMany, sources, { threshold: CHUNK });
    for (const [i, { name }] of chunk.entries()) outlines[name] = made[i] ?? [];
  }
  return outlines;
}

/** The same bytes offer different names in different languages. */
function outlineName(path: string, id: ObjectId): string {
  return id + path.slice(path.lastIndexOf('.')).toLowerCase();
}

function parseKept(text: string | undefined): KeptMap | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<KeptMap>;
    return value.form === FORM && typeof value.text === 'string' && typeof value.outlines === 'object'
      ? (value as KeptMap)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The tree that planners see: hand-written files and the outputs of other features. Without the feature's own outputs
 * and patches, so that building a plan does not make the plan itself out of date; without files that look secret.
 */
export async function plannerTree(project: Project, feature: string): Promise<ObjectId> {
  const files = new Map<string, Entry | undefined>();
  for (const [label, owned] of project.owned) {
    if (project.graph.task(label).feature === feature) continue;
    for (const [path, entry] of owned) files.set(path, entry);
  }
  for (const [path, edited] of project.edited) {
    files.set(path, isPatchedBy(project, feature, path) ? edited.base : edited.onDisk);
  }
  const secrets = patternSet(project.config.secrets);
  for (const path of project.listing.paths) {
    if (secrets.matches(path)) files.set(path, undefined);
  }
  return project.objects.editTree(project.handWrittenTree, files);
}

/** Whether a present or former task of the feature has its patch in the present file. */
function isPatchedBy(project: Project, feature: string, path: string): boolean {
  const locked = Object.values(project.locks.get(feature)?.tasks ?? {});
  const recorded = project.patched.get(path)?.by ?? [];
  return (
    locked.some((task) => ownValue(task.edits, path) !== undefined) ||
    recorded.some((label) => label.startsWith(`${feature}/`))
  );
}
