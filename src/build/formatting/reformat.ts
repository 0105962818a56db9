/** Formats a stored result again in a workspace, with the formatters of today. Runs no gate. */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { formatOf, formatWords } from '../../analysis/format-settings.js';
import { buildInputTree, keptTree } from '../../analysis/input-tree.js';
import { seenFile } from '../../analysis/patches.js';
import type { Check } from '../../analysis/verdict.js';
import { filesForRecipe } from '../../analysis/visible-files.js';
import { err, ok, type Result } from '../../base/result.js';
import type { ExecutionContext } from '../../execution/executor.js';
import {
  type ActionKey,
  type EditPatch,
  type FileChange,
  isFormatItem,
  nextKey,
  type StoredResult,
} from '../../model/action.js';
import { digestFields } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { decodeEntry, type Entry, encodeEntry, type Files, sameEntry } from '../../model/tree.js';
import { patchesOf } from '../../workspace/patches/own-patch.js';
import { isSameWork } from '../hand-edits/files-on-disk.js';
import type { VerifyParts } from '../verify.js';
import { type Format, formatPatch, ownPatches } from './format-patches.js';

export interface ReformatParts extends Pick<VerifyParts, 'prepared' | 'executor' | 'now' | 'worked'> {
  /** Of its transitive dependencies at least. */
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
}

/** The result with its files as the formatters leave them. These see what a recipe of the task would leave. */
export async function reformat(
  parts: ReformatParts,
  check: Check,
  result: StoredResult,
  context: ExecutionContext,
): Promise<Result<StoredResult, Failure>> {
  const { prepared, executor, dependencyOutputs } = parts;
  const { project } = prepared;
  const { task } = check;
  const formatters = formatOf(project, task);
  if (!formatters) return ok(result);
  const own = await ownPatches(project, task, result.edits, dependencyOutputs);
  if (!own.ok) return own;
  const byPath = new Map(own.value.map((one) => [one.edit.path, one]));
  const edits = result.edits.filter(({ path }) => !byPath.has(path));
  const candidate = { ...result, edits };
  const tree = await keptTree(project, { ...check, candidate }, dependencyOutputs, filesForRecipe);
  if (!tree.ok) return tree;
  const listing = await project.objects.list(tree.value);
  const files = new Map<string, Entry>();
  for (const path of [...edits.map((edit) => edit.path), ...result.outputs.keys()]) {
    const entry = listing.get(path);
    if (entry) files.set(path, entry);
  }
  for (const { edit, file } of own.value) if (file) files.set(edit.path, file);
  const waited = () => context.meter?.waitedMs ?? 0;
  const format: Format = async (shown) => {
    const startedAt = parts.now() - waited();
    const done = await executor.format(
      {
        task: task.label,
        tree: await project.objects.editTree(tree.value, shown),
        files: Object.fromEntries([...shown].map(([path, entry]) => [path, encodeEntry(entry)])),
        format: formatWords(formatters),
        stray: task.stray ?? project.config.stray,
      },
      context,
    );
    parts.worked?.(parts.now() - waited() - startedAt);
    if (!done.ok) return err(done.failure);
    return ok(new Map(Object.entries(done.files).map(([path, word]) => [path, decodeEntry(word)])));
  };
  const done = await format(files);
  if (!done.ok) return done;
  const formatted = new Map([...done.value].filter(([path, entry]) => !sameEntry(entry, files.get(path))));
  const others = await formattedEdits(parts, check, edits, formatted);
  if (!others.ok) return others;
  const patches = new Map(others.value.map((edit) => [edit.path, edit]));
  for (const one of own.value) {
    const { path } = one.edit;
    const patch = await formatPatch(project, one, done.value.get(path), format);
    if (!patch.ok) return patch;
    patches.set(path, patch.value);
  }
  const outputs = new Map([...result.outputs].map(([path, entry]) => [path, formatted.get(path) ?? entry]));
  return ok({ ...result, outputs, edits: result.edits.flatMap(({ path }) => patches.get(path) ?? []) });
}

/**
 * What conductor had built below an accepted edit, formatted like the edit: a later result is merged with the edit by the
 * difference of the two. Where it cannot be formatted, it stays as it is.
 */
export async function reformatBelow(
  parts: ReformatParts,
  check: Check,
  over: ActionKey,
  context: ExecutionContext,
): Promise<ActionKey> {
  const { store } = parts.prepared;
  const found = await store.find(over);
  const below = found.ok ? found.value : undefined;
  if (!below) return over;
  const formatted = await reformat(parts, check, below, context);
  if (!formatted.ok || isSameWork(formatted.value, below)) return over;
  const { outputs, edits, provenance } = formatted.value;
  const format = check.facts.manifest.filter(({ name }) => isFormatItem(name));
  const words = format.flatMap(({ name, value }) => [name, value]);
  const key = nextKey(over, 'formatted', digestFields('conductor.formatters.1', words));
  const kept = await store.keep({ key, outputs, edits, provenance: { ...provenance, key } });
  return kept.ok ? key : over;
}

/** The patches, where a formatter changed the patched file with its new content. */
async function formattedEdits(
  { prepared: { project }, dependencyOutputs }: ReformatParts,
  check: Check,
  edits: readonly EditPatch[],
  formatted: Files,
): Promise<Result<EditPatch[], Failure>> {
  const captured: FileChange[] = [];
  for (const { path } of edits) {
    const after = formatted.get(path);
    if (!after) continue;
    const seen = await seenFile(project, check.task, path, dependencyOutputs);
    if (!seen.ok) return seen;
    captured.push({ path, before: seen.value.beside, after });
  }
  if (captured.length === 0) return ok([...edits]);
  const input = await buildInputTree(project, check, dependencyOutputs, { files: new Map() });
  if (!input.ok) return input;
  const paths = captured.map(({ path }) => path);
  const own = await patchesOf(project.objects, { ...input.value, edits: paths }, captured);
  return ok(
    edits.flatMap((edit) => {
      const patch = own.find(({ path }) => path === edit.path);
      return patch ?? (paths.includes(edit.path) ? [] : edit);
    }),
  );
}
