/**
 * Formats the patches of a former result each by itself, where other tasks patch the same file: what formatters make of the
 * lines of others is in no patch but theirs, so that all of them stand. Runs formatters only as it is told to.
 */

import type { DependencyOutputs } from '../../analysis/dependency-outputs.js';
import { otherEditors, type SeenFile, seenFile, wholeFile } from '../../analysis/patches.js';
import { err, ok, type Result } from '../../base/result.js';
import type { EditPatch } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { Label, Task } from '../../model/task.js';
import { type Entry, type Files, sameEntry } from '../../model/tree.js';
import type { Project } from '../../project/project.js';
import { formattedPart } from '../../workspace/patches/formatted-part.js';
import { applyPatch, readTexts } from '../../workspace/patches/patch.js';

/** The files as the formatters of the task leave them. */
export type Format = (files: Files) => Promise<Result<Files, Failure>>;

/** A patch that is formatted without those of others. */
export interface OwnPatch {
  readonly edit: EditPatch;
  readonly seen: SeenFile;
  /** No other task that patches the file comes before its task. */
  readonly isFirst: boolean;
  /** The plain file with the patch. Absent: what it was made on was only formatted since, and it does not fit any more. */
  readonly file?: Entry | undefined;
}

/** Those of a result that are to be formatted by themselves; others stand in a file that nobody else patches. */
export async function ownPatches(
  project: Project,
  task: Task,
  edits: readonly EditPatch[],
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<Result<readonly OwnPatch[], Failure>> {
  const found: OwnPatch[] = [];
  for (const edit of edits) {
    const seen = await seenFile(project, task, edit.path, dependencyOutputs);
    if (!seen.ok) return seen;
    const { plain, beside } = seen.value;
    const editors = [task.label, ...otherEditors(project, task, edit.path)];
    const own = { edit, seen: seen.value, isFirst: project.graph.inOrder(editors)[0] === task.label };
    const applied = await applyPatch(project.objects, plain, edit);
    if (applied.ok) {
      if (applied.value && !sameEntry(plain, beside)) found.push({ ...own, file: applied.value });
      continue;
    }
    const whole = await wholeFile(project, task, edit, dependencyOutputs);
    if (!whole.ok) return whole;
    // A patch that fits on those of others holds lines of them.
    if (!whole.value.fits) found.push(own);
  }
  return ok(found);
}

/** The patch as formatters leave it. `formatted`: its file, if it has one. Fails with `patch-conflict`. */
export async function formatPatch(
  { objects }: Pick<Project, 'objects'>,
  { edit, seen: { plain, beside }, isFirst, file }: OwnPatch,
  formatted: Entry | undefined,
  format: Format,
): Promise<Result<EditPatch, Failure>> {
  const { path } = edit;
  if (!file) {
    const moved = await movedPatch(objects, edit, plain, format);
    return moved.ok ? ok({ ...edit, before: plain, after: moved.value }) : moved;
  }
  if (sameEntry(formatted, file)) return ok(edit);
  const texts = await readTexts(objects, [plain, file, formatted, beside]);
  if (!texts) return ok({ ...edit, before: plain, after: formatted });
  const [bare, own, all, others] = texts.map((text) => text.toString('latin1')) as [
    string,
    string,
    string,
    string,
  ];
  const part = formattedPart({ plain: bare, own, formatted: all, beside: others, isFirst });
  const after = { mode: file.mode, id: await objects.writeBlob(Buffer.from(part, 'latin1')) };
  return ok({ ...edit, path, before: plain, after });
}

/** What the patch changed, formatted on both sides, on the file of today, formatted likewise. */
async function movedPatch(
  objects: Project['objects'],
  { path, before, after }: EditPatch,
  plain: Entry | undefined,
  format: Format,
): Promise<Result<Entry | undefined, Failure>> {
  const conflict = err<Failure>({ kind: 'patch-conflict', path });
  const sides: (Entry | undefined)[] = [];
  for (const one of [plain, before, after]) {
    if (!one) return conflict;
    const done = await format(new Map([[path, one]]));
    if (!done.ok) return done;
    sides.push(done.value.get(path));
  }
  const [now, was, is] = sides;
  const applied = await applyPatch(objects, now, { path, before: was, after: is });
  return applied.ok ? applied : conflict;
}
