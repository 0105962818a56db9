/** Takes what a recipe left in its workspace, and decides whether it is work that gates can judge. */

import { failureOfProblem } from '../agent/provider-problem.js';
import { sameUsage } from '../agent/usage.js';
import { observedInputs } from '../analysis/observed-inputs.js';
import { err, ok, type Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { TreeLook } from '../io/git/reading/tree-look.js';
import type { MadeBy, ObservedInputs } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import { providerOf } from '../model/routes.js';
import type { TaskRun } from '../model/task-run.js';
import { type Entry, type Files, type ObjectId, sameEntry } from '../model/tree.js';
import { type Captured, type CaptureOptions, captureResult } from '../workspace/capture.js';
import { writeObjects } from '../workspace/reading/reading.js';
import type { Workspace } from '../workspace/workspace-pool.js';
import type { AgentParts, Asked } from './agent-attempt.js';
import type { LeftWork } from './left-work.js';

/** What one attempt left in its workspace, with what its agent is known to have read and which model made it. */
export interface AttemptWork extends Captured {
  readonly observed?: ObservedInputs;
  readonly made?: MadeBy;
}

export interface CapturedWork {
  readonly work: Result<AttemptWork, Failure>;
  /** What it changed, also where that is not enough; absent: nothing that may be kept. */
  readonly tree?: ObjectId;
  /** The files are those that were rejected before. */
  readonly isSame?: boolean;
  /** Files that it wrote although they are not its own: they are gone. */
  readonly dropped: readonly string[];
}

export interface CaptureRequest {
  readonly run: TaskRun;
  readonly workspace: Workspace;
  /** What earlier attempts left, if the workspace began with it. */
  readonly left: LeftWork | undefined;
  /** Absent where no agent worked. */
  readonly asked?: Asked;
}

export async function captureWork(
  parts: AgentParts & { readonly objects: GitObjects },
  request: CaptureRequest,
): Promise<CapturedWork> {
  const { run, workspace } = request;
  const captured = await captureResult(workspace, parts.objects, {
    ...captureOptions(parts, run),
    isLast: run.gates.length === 0 && !run.review && !run.format,
  });
  if (!captured.ok) return { work: captured, dropped: [] };
  const judged = await judgeCapture(parts, request, captured.value);
  // What failed is shown to people and to the next attempt.
  if (!judged.work.ok) await writeObjects(parts.objects, captured.value.unwritten);
  return judged;
}

async function judgeCapture(
  parts: AgentParts & { readonly objects: GitObjects },
  { run, left, asked }: CaptureRequest,
  captured: Captured,
): Promise<CapturedWork> {
  const { objects } = parts;
  const { tree, others: dropped } = captured;
  const kept = tree === run.inputTree ? {} : { tree };
  const failed = (failure: Failure): CapturedWork => {
    // Files in the wrong place explain why those of the task are missing.
    const outside: Failure = { kind: 'wrote-outside-outputs', paths: dropped };
    return { work: err(dropped.length > 0 ? outside : failure), ...kept, dropped };
  };
  // Where nothing judges the rest, a dropped file may be what makes it work.
  const isJudged = run.gates.length > 0 || run.review !== undefined;
  if (dropped.length > 0 && (run.stray === 'refuse' || !isJudged)) return failed({ kind: 'nothing-done' });
  const declared = patternSet(run.outputs);
  const missing = declared.unmatched(captured.outputs.keys());
  if (missing.length > 0 && missing.length < declared.includes.length)
    return failed({ kind: 'missing-outputs', paths: missing });
  if (isUnchanged(run, captured) && !mayStand(parts, run, asked))
    return failed(providerFailure(parts, asked) ?? { kind: 'nothing-done' });
  // The same files were rejected already: they would be again.
  if (left?.rejection && tree === left.tree) return { ...failed(left.rejection), isSame: true };
  if (missing.length > 0) return failed({ kind: 'missing-outputs', paths: missing });
  if (!asked) return { work: ok(captured), ...kept, dropped };
  const { read, made } = asked;
  const observed = observedInputs(run, await entriesAt(new TreeLook(objects, run.inputTree), read));
  const work = { ...captured, made, ...(observed === undefined ? {} : { observed }) };
  return { work: ok(work), ...kept, dropped };
}

async function entriesAt(tree: TreeLook, paths: readonly string[]): Promise<Files> {
  const found = new Map<string, Entry>();
  for (const path of paths) {
    const entry = await tree.get(path);
    if (entry) found.set(path, entry);
  }
  return found;
}

/** What a session wrote before it broke off: the next attempt goes on from there. */
export async function captureUnfinished(
  parts: AgentParts & { readonly objects: GitObjects },
  run: TaskRun,
  workspace: Workspace,
): Promise<LeftWork | undefined> {
  const captured = await captureResult(workspace, parts.objects, captureOptions(parts, run));
  return captured.ok && captured.value.tree !== run.inputTree ? { tree: captured.value.tree } : undefined;
}

function captureOptions({ config, agent }: AgentParts, run: TaskRun): CaptureOptions {
  return {
    inputTree: run.inputTree,
    outputs: run.outputs,
    edits: run.edits,
    maxBytes: config.maxOutputBytes,
    secrets: agent?.secrets ?? [],
    ignoreOthers: true,
  };
}

/** Whether everything is as in the input tree: then the attempt did nothing, whatever the agent says. */
function isUnchanged(run: TaskRun, captured: AttemptWork): boolean {
  if (captured.edits.some((edit) => !sameEntry(edit.before, edit.after))) return false;
  if (run.recipe.kind !== 'agent') return captured.outputs.size === 0;
  return captured.tree === run.inputTree;
}

/**
 * Whether unchanged outputs may be the result. The outputs of a task that evolves may still be right (its description
 * was reworded): then its agent has stated so, and gates decide. An agent that used no model has stated nothing.
 */
function mayStand({ agent }: AgentParts, run: TaskRun, asked: Asked | undefined): boolean {
  if (!asked || asked.report?.unchanged === undefined) return false;
  const usedNone = agent?.reportsCost === true && sameUsage(asked.usage, {});
  return run.evolves && run.gates.length > 0 && !usedNone;
}

/** A program that prints its provider's error and ends well has done nothing, and its words say why. */
function providerFailure({ agent }: AgentParts, asked: Asked | undefined): Failure | undefined {
  if (!asked?.said || !sameUsage(asked.usage, {})) return undefined;
  const { model } = asked.made;
  const provider = (model === undefined ? undefined : providerOf(model)) ?? agent?.name ?? 'the provider';
  const failure = failureOfProblem({ text: asked.said }, provider, { tail: asked.said });
  return failure.kind === 'agent-error' ? undefined : failure;
}
