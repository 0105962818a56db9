/** Runs the formatters of a task on its files: those that its recipe wrote, or those of a result. Knows no key. */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { TreeLook } from '../io/git/reading/tree-look.js';
import type { Failure } from '../model/failure.js';
import { formatCommands, formatName } from '../model/formatting/format.js';
import { escapeGlob } from '../model/paths/glob-parser.js';
import type { Label } from '../model/task.js';
import type { Formatters, TaskRun } from '../model/task-run.js';
import { decodeEntry, type Entry, type Files, type ObjectId, sameEntry } from '../model/tree.js';
import { captureResult } from '../workspace/capture.js';
import type { Workspace } from '../workspace/workspace-pool.js';
import type { AttemptWork } from './attempt-capture.js';
import type { ExecutionContext } from './executor.js';
import { type GateParts, runGate } from './gates.js';

type FormatParts = GateParts & { readonly objects: GitObjects };

export interface FormatRequest {
  readonly run: TaskRun;
  /** Of the attempt, from 1. */
  readonly number: number;
  readonly workspace: Workspace;
}

/** The work with its files as the formatters leave them; the workspace then shows its tree. Fails as `formatFiles` does. */
export async function formatWork(
  parts: FormatParts,
  { run, number, workspace }: FormatRequest,
  work: AttemptWork,
  context: ExecutionContext,
): Promise<Result<AttemptWork, Failure>> {
  const { format, label, stray } = run;
  if (!format) return ok(work);
  const edited = work.edits.flatMap(({ path, after }) => (after ? [[path, after] as const] : []));
  const files = new Map([...work.outputs, ...edited]);
  const job = {
    task: label,
    tree: work.tree,
    files,
    format,
    stray,
    attempt: number,
    log: `format-${number}`,
  };
  const done = await formatFiles(parts, job, workspace, context);
  if (!done.ok) return done;
  const formatted = done.value;
  if (formatted.size === 0) return ok(work);
  const tree = await parts.objects.editTree(work.tree, formatted);
  await parts.pool.show(workspace, tree);
  const outputs = new Map([...work.outputs].map(([path, entry]) => [path, formatted.get(path) ?? entry]));
  const edits = work.edits
    .map((edit) => ({ ...edit, after: edit.after && (formatted.get(edit.path) ?? edit.after) }))
    .filter(({ before, after }) => !sameEntry(before, after));
  return ok({ ...work, tree, outputs, edits });
}

export interface FormatJob {
  readonly task: Label;
  /** What the formatters see beside their settings. */
  readonly tree: ObjectId;
  /** The task's files in it. */
  readonly files: Files;
  readonly format: Formatters;
  readonly stray: TaskRun['stray'];
  readonly attempt: number;
  /** What the names of its logs begin with. */
  readonly log: string;
}

/**
 * The files as the formatters leave them; empty where no formatter is for one of them. A formatter that fails is a gate that
 * fails. What it writes beside the task's files is dropped, or refused as the task says.
 */
export async function formatFiles(
  parts: FormatParts,
  { task, tree, files: all, format, stray, attempt, log: logs }: FormatJob,
  workspace: Workspace,
  context: ExecutionContext,
): Promise<Result<Files, Failure>> {
  const files = new Map([...all].filter(([, one]) => one.mode.startsWith('100')));
  const jobs = format.steps.flatMap((step) =>
    formatCommands(step, [...files.keys()]).map((command) => ({ name: formatName(step), command })),
  );
  if (jobs.length === 0) return ok(new Map());
  const { objects, pool, config } = parts;
  const there = new TreeLook(objects, tree);
  const settings = new Map<string, Entry>();
  for (const [path, entry] of Object.entries(format.inputs))
    if (!(await there.get(path))) settings.set(path, decodeEntry(entry));
  const shown = await objects.editTree(tree, settings);
  const run = { task, tree: shown, gates: [], network: false, attempt };
  const formatted = async (count: number): Promise<Failure | undefined> => {
    await pool.show(workspace, shown);
    for (const [at, gate] of jobs.slice(0, count).entries()) {
      const log = `${logs}.${at + 1}.log`;
      // Each formats what the ones before it have left.
      const reset = async () => void (await formatted(at));
      const job = { run, gate, index: 0, round: 1, workspace, log, reset };
      const { failure } = await runGate(parts, job, context);
      if (failure) return failure;
    }
    return undefined;
  };
  const failure = await formatted(jobs.length);
  if (failure) return err(failure);
  const captured = await captureResult(workspace, objects, {
    inputTree: shown,
    outputs: [...files.keys()].map(escapeGlob),
    edits: [],
    maxBytes: config.maxOutputBytes,
    ignoreOthers: true,
  });
  if (!captured.ok) return captured;
  const { outputs: written, others } = captured.value;
  if (others.length > 0) {
    if (stray === 'refuse') return err({ kind: 'wrote-outside-outputs', paths: others });
    const message = `its formatter also changed ${others.slice(0, 5).join(', ')}, not files of the task: dropped`;
    context.emit({ type: 'warning', task, message });
  }
  const missing = [...files.keys()].filter((path) => !written.has(path));
  return missing.length > 0 ? err({ kind: 'missing-outputs', paths: missing }) : ok(written);
}
