/** Compares the new outputs of a task with the recorded ones: files, lines, bytes, exports. Runs nothing. */

import { type FinishedResult, finishedMaking } from '../../build/publishing/publish-plan.js';
import type { GitObjects } from '../../io/git/objects.js';
import { diffTrees } from '../../io/git/tree-diff.js';
import { exportedInterface, isScript, type Typescript } from '../../io/typescript.js';
import type { ComparedFile, ExportChange, Making, OpenFile } from '../../model/regeneration.js';
import { type Entry, encodeEntry, type Files, type ObjectId, sameEntry } from '../../model/tree.js';

export interface FilesComparison {
  readonly files: readonly ComparedFile[];
  readonly unchanged: number;
  readonly bytes: { readonly before: number; readonly after: number };
}

export async function compareFiles(
  objects: GitObjects,
  typescript: Typescript | undefined,
  before: Files,
  after: Files,
): Promise<FilesComparison> {
  const trees = await Promise.all([before, after].map((files) => objects.editTree(undefined, files)));
  const differing = await diffTrees(objects.store, trees[0] as ObjectId, trees[1] as ObjectId);
  const files: ComparedFile[] = [];
  for (const file of differing) {
    const exports = typescript && isScript(file.path) && !file.binary;
    const sides = [before.get(file.path), after.get(file.path)] as const;
    files.push(
      exports
        ? {
            ...file,
            exports: await compareExports(objects, typescript, {
              path: file.path,
              before: sides[0],
              after: sides[1],
            }),
          }
        : file,
    );
  }
  const unchanged = [...before].filter(([path, entry]) => sameEntry(entry, after.get(path))).length;
  return {
    files,
    unchanged,
    bytes: { before: await bytesOf(objects, before), after: await bytesOf(objects, after) },
  };
}

/** What it took to make a result, as its record has it. */
export function makingOf({ provenance }: FinishedResult): Making {
  const { agent, model, attempts, ms, usage } = finishedMaking(provenance);
  return {
    recipe: provenance.recipe,
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    attempts,
    ms,
    usage,
  };
}

/** The files that several runs did not make alike, the most open one first. */
export async function compareRuns(
  objects: GitObjects,
  typescript: Typescript | undefined,
  runs: readonly Files[],
): Promise<OpenFile[]> {
  const paths = new Set(runs.flatMap((files) => [...files.keys()]));
  const open: OpenFile[] = [];
  for (const path of [...paths].sort()) {
    const entries = runs.map((files) => files.get(path));
    const words = [...new Set(entries.map((entry) => (entry ? encodeEntry(entry) : '')))];
    if (words.length < 2) continue;
    const known = words.filter((word) => word !== '');
    const versions = entries.map((entry) => (entry ? known.indexOf(encodeEntry(entry)) + 1 : 0));
    open.push({ path, versions, ...(await spreadOf(objects, typescript, path, entries)) });
  }
  return open.sort((a, b) => b.lines - a.lines);
}

async function spreadOf(
  objects: GitObjects,
  typescript: Typescript | undefined,
  path: string,
  entries: readonly (Entry | undefined)[],
): Promise<Pick<OpenFile, 'lines' | 'exportsDiffer'>> {
  const [first, ...others] = entries;
  let lines = 0;
  let exportsDiffer = typescript && isScript(path) ? false : undefined;
  const tree = (entry: Entry | undefined) =>
    objects.editTree(undefined, new Map(entry ? [[path, entry]] : []));
  for (const other of others) {
    if (sameEntry(first, other)) continue;
    const [file] = await diffTrees(objects.store, await tree(first), await tree(other));
    lines = Math.max(lines, (file?.insertions ?? 0) + (file?.deletions ?? 0));
    if (typescript && exportsDiffer === false)
      exportsDiffer =
        (await compareExports(objects, typescript, { path, before: first, after: other })).length > 0;
  }
  return { lines, exportsDiffer };
}

interface FileChange {
  readonly path: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

async function compareExports(
  objects: GitObjects,
  typescript: Typescript,
  { path, before, after }: FileChange,
): Promise<ExportChange[]> {
  const read = async (entry: Entry | undefined) => {
    const text = entry?.mode.startsWith('100') ? await objects.read(entry.id) : undefined;
    return text ? exportedInterface(typescript, path, text.toString('utf8')) : new Map<string, string>();
  };
  const [old, now] = [await read(before), await read(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((name) => old.get(name) !== now.get(name))
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }));
}

async function bytesOf(objects: GitObjects, files: Files): Promise<number> {
  let sum = 0;
  for (const { id } of files.values()) sum += (await objects.read(id))?.length ?? 0;
  return sum;
}
