/** Runs the formatters of a task on the files that its recipe wrote, before its gates. Knows no key. */

import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Failure } from '../model/failure.js';
import { formatCommands, formatName } from '../model/formatting/format.js';
import { escapeGlob } from '../model/paths/glob-parser.js';
import type { TaskRun } from '../model/task-run.js';
import { decodeEntry, type Entry, sameEntry } from '../model/tree.js';
import { captureResult } from '../workspace/capture.js';
import type { Workspace } from '../workspace/workspace-pool.js';
import type { AttemptWork } from './attempt-capture.js';
import type { ExecutionContext } from './executor.js';
import { type GateParts, runGate } from './gates.js';

export interface FormatRequest {
  readonly run: TaskRun;
  /** Of the attempt, from 1. */
  readonly number: number;
  readonly workspace: Workspace;
}

/**
 * The work with its files as the formatters leave them; the workspace then shows its tree. A formatter that fails is a
 * gate that fails. What it writes beside the task's files is dropped, or refused as the task says.
 */
export async function formatWork(
  parts: GateParts & { readonly objects: GitObjects },
  { run, number, workspace }: FormatRequest,
  work: AttemptWork,
  context: ExecutionContext,
): Promise<Result<AttemptWork, Failure>> {
  const { format } = run;
  const edited = work.edits.flatMap(({ path, after }) => (after ? [[path, after] as const] : []));
  const files = new Map<string, Entry>(
    [...work.outputs, ...edited].filter(([, one]) => one.mode.startsWith('100')),
  );
  const jobs = (format?.steps ?? []).flatMap((step) =>
    formatCommands(step, [...files.keys()]).map((command) => ({ name: formatName(step), command })),
  );
  if (!format || jobs.length === 0) return ok(work);
  const { objects, pool, config } = parts;
  const there = await objects.list(work.tree);
  const settings = Object.entries(format.inputs).filter(([path]) => !there.get(path));
  const shown = await objects.editTree(
    work.tree,
    new Map(settings.map(([path, entry]) => [path, decodeEntry(entry)])),
  );
  await pool.show(workspace, shown);
  for (const [at, gate] of jobs.entries()) {
    const job = { run: { task: run.label, tree: shown, gates: [], network: false, attempt: number }, gate };
    const log = `format-${number}.${at + 1}.log`;
    const { failure } = await runGate(parts, { ...job, index: 0, round: 1, workspace, log }, context);
    if (failure) return err(failure);
  }
  const captured = await captureResult(workspace, objects, {
    inputTree: shown,
    outputs: [...files.keys()].map(escapeGlob),
    edits: [],
    maxBytes: config.maxOutputBytes,
    ignoreOthers: true,
  });
  if (!captured.ok) return captured;
  const { outputs: formatted, others } = captured.value;
  if (others.length > 0) {
    if (run.stray === 'refuse') return err({ kind: 'wrote-outside-outputs', paths: others });
    const message = `its formatter also changed ${others.slice(0, 5).join(', ')}, not files of the task: dropped`;
    context.emit({ type: 'warning', task: run.label, message });
  }
  const missing = [...files.keys()].filter((path) => !formatted.has(path));
  if (missing.length > 0) return err({ kind: 'missing-outputs', paths: missing });
  const tree = await objects.editTree(work.tree, formatted);
  await pool.show(workspace, tree);
  const outputs = new Map([...work.outputs].map(([path, entry]) => [path, formatted.get(path) ?? entry]));
  const edits = work.edits
    .map((edit) => ({ ...edit, after: edit.after && (formatted.get(edit.path) ?? edit.after) }))
    .filter(({ before, after }) => !sameEntry(before, after));
  return ok({ ...work, tree, outputs, edits });
}
