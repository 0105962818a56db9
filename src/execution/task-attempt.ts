/** One attempt at a stale task in a workspace: recipe, capture, gates, review, and the result into the store. */

import { withEvidence } from '../agent/prompts/evidence.js';
import { observedInputs } from '../analysis/observed-inputs.js';
import { err, ok, type Result, unreachable } from '../base/result.js';
import { writeAtomic } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { EditPatch, GateRun, MadeBy, ObservedInputs } from '../model/action.js';
import { type Failure, withWords } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { TaskRun } from '../model/task-run.js';
import { decodeEntry, type Entry, type ObjectId, sameEntry } from '../model/tree.js';
import type { KeptResult, ResultStore } from '../store/result-store.js';
import { type Captured, captureResult } from '../workspace/capture.js';
import type { Workspace } from '../workspace/workspace-pool.js';
import { type AgentParts, type Asked, runAgent } from './agent-attempt.js';
import { type CommandParts, runCommand } from './command-recipe.js';
import type { ExecutionContext, Executor, WorkMeter } from './executor.js';
import { type GateParts, judgeTree } from './gates.js';
import { review } from './reviewer.js';

export interface TaskAttemptParts extends AgentParts, CommandParts, GateParts {
  /** Runs the review of an attempt, on the same machine. */
  readonly executor: Executor;
  readonly objects: GitObjects;
  readonly store: ResultStore;
  /** Of conductor. */
  readonly version: string;
}

/** The place of an attempt in its run. */
export interface AttemptState {
  /** From 1. */
  readonly number: number;
  /** When the first attempt of this run began. */
  readonly startedAt: number;
  /** The evidence of earlier attempts. */
  readonly tried: readonly string[];
}

/** What one attempt left in its workspace, with what its agent is known to have read and which model made it. */
interface AttemptWork extends Captured {
  readonly observed?: ObservedInputs;
  readonly made?: MadeBy;
}

export class TaskAttempt {
  /** The captured tree; undefined if the attempt failed before its gates. */
  tree: ObjectId | undefined;
  /** What the agent said last. */
  private said: string | undefined;
  private readonly parts: TaskAttemptParts;
  private readonly run: TaskRun;
  private readonly state: AttemptState;
  private readonly context: ExecutionContext & { readonly meter: WorkMeter };

  constructor(
    parts: TaskAttemptParts,
    run: TaskRun,
    state: AttemptState,
    context: ExecutionContext & { readonly meter: WorkMeter },
  ) {
    this.parts = parts;
    this.run = run;
    this.state = state;
    this.context = context;
  }

  async result(): Promise<Result<KeptResult, Failure>> {
    const result = await this.attempted();
    return result.ok ? result : err(withWords(result.error, this.said));
  }

  private async attempted(): Promise<Result<KeptResult, Failure>> {
    const { run, parts, context } = this;
    const { recipe } = run;
    if (recipe.kind === 'render' && run.gates.length === 0) {
      this.phase('store');
      return this.keep({ outputs: outputsOf(await parts.pool.cleaned(recipe.files)), edits: [] }, []);
    }
    this.phase('workspace');
    const start = recipe.kind === 'render' ? (await this.rendered(recipe.files)).tree : run.inputTree;
    const opened = await parts.pool.acquire(start, context.signal);
    if (!opened.ok) return opened;
    const workspace = opened.value;
    let failed = true;
    try {
      const made = await this.make(workspace);
      if (!made.ok) return made;
      const { tree } = made.value;
      this.tree = tree;
      this.phase('gates');
      const { label: task, gates, network } = run;
      const seen = await this.treeForGates(made.value, workspace);
      const judged = await judgeTree(
        parts,
        { task, tree: seen, gates, network, attempt: this.state.number },
        workspace,
        context,
      );
      const failure = judged.ok ? await this.review(tree, seen) : judged.failure;
      if (failure) {
        await this.keepDiff(tree);
        return err(failure);
      }
      this.phase('store');
      const kept = await this.keep(made.value, judged.runs);
      failed = !kept.ok;
      return kept;
    } finally {
      await parts.pool.release(workspace, failed);
    }
  }

  private phase(phase: 'workspace' | 'capture' | 'gates' | 'store'): void {
    this.context.emit({ type: 'task.phase', task: this.run.label, attempt: this.state.number, phase });
  }

  private async rendered(files: readonly { path: string; blob: ObjectId }[]): Promise<AttemptWork> {
    const outputs = outputsOf(await this.parts.pool.cleaned(files));
    return { tree: await this.parts.objects.editTree(this.run.inputTree, outputs), outputs, edits: [] };
  }

  private async make(workspace: Workspace): Promise<Result<AttemptWork, Failure>> {
    const { run, parts, context } = this;
    const { recipe } = run;
    const { number } = this.state;
    switch (recipe.kind) {
      case 'render':
        return ok(await this.rendered(recipe.files));
      case 'run': {
        const ran = await runCommand(parts, { run, command: recipe.command, number }, workspace, context);
        return ran.ok ? this.capture(workspace) : ran;
      }
      case 'agent': {
        const asked = await this.ask(recipe, workspace);
        if (!asked.ok) return asked;
        this.said = asked.value.said;
        return this.capture(workspace, asked.value);
      }
      default:
        return unreachable(recipe);
    }
  }

  private ask(
    recipe: Extract<TaskRun['recipe'], { kind: 'agent' }>,
    workspace: Workspace,
  ): Promise<Result<Asked, Failure>> {
    const { label, work, payer = label, budget, network, inputTree, outputs, edits } = this.run;
    const { number, tried } = this.state;
    const { definition, choices } = recipe;
    const later = [
      ...choices.flatMap(({ model, fallbacks, stronger }) => [model, ...fallbacks, stronger]),
      this.run.review?.model,
    ].filter((one) => one !== undefined);
    const choice = choices[Math.min(number, choices.length) - 1];
    const prompt = withEvidence(recipe.prompt, tried);
    const expected = { kind: 'files' as const, outputs, edits };
    const common = { label, work, payer, budget, network, inputTree, expected };
    return runAgent(
      this.parts,
      { ...common, definition, choice, later, prompt, number },
      workspace,
      this.context,
    );
  }

  /** Captures what the recipe left; fails if it changed nothing. `asked`: what the agent read, and its model. */
  private async capture(workspace: Workspace, asked?: Asked): Promise<Result<AttemptWork, Failure>> {
    const { run } = this;
    const { config, objects, agent } = this.parts;
    this.phase('capture');
    const captured = await captureResult(workspace, objects, {
      inputTree: run.inputTree,
      outputs: run.outputs,
      edits: run.edits,
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      secrets: agent?.secrets ?? [],
      isLast: run.gates.length === 0 && !run.review,
    });
    if (!captured.ok) return captured;
    const declared = patternSet(run.outputs);
    const missing = declared.unmatched(captured.value.outputs.keys());
    if (missing.length > 0 && missing.length < declared.includes.length)
      return err({ kind: 'missing-outputs', paths: missing });
    if (isUnchanged(run, captured.value) && !mayStand(run, this.state.number))
      return err({ kind: 'nothing-done' });
    if (missing.length > 0) return err({ kind: 'missing-outputs', paths: missing });
    if (!asked) return captured;
    const { read, made } = asked;
    const observed =
      read.length === 0 ? undefined : observedInputs(run, await objects.list(run.inputTree), read);
    return ok({ ...captured.value, made, ...(observed === undefined ? {} : { observed }) });
  }

  /** Puts the workspace to what gates see of the captured work, which may be more than its recipe saw. */
  private async treeForGates({ tree, outputs, edits }: AttemptWork, workspace: Workspace): Promise<ObjectId> {
    const { gateTree, gates } = this.run;
    if (gateTree === undefined || gates.length === 0) return tree;
    const files = new Map<string, Entry | undefined>(outputs);
    for (const { path, after } of edits) files.set(path, after);
    const seen = await this.parts.objects.editTree(gateTree, files);
    await this.parts.pool.show(workspace, seen);
    return seen;
  }

  /** Why the reviewer rejects the work. Work that changed nothing is not reviewed. */
  private async review(tree: ObjectId, seen: ObjectId): Promise<Failure | undefined> {
    const { run, parts, context } = this;
    const { agent, objects } = parts;
    if (!run.review || !agent || tree === run.inputTree) return undefined;
    const diff = await objects.diff(run.inputTree, tree);
    const work = { attempt: this.state.number, tree: seen, diff };
    const judged = await review({ ...parts, agent }, { ...run, review: run.review }, work, context);
    return judged.ok ? undefined : judged.error;
  }

  private async keep(
    captured: Omit<AttemptWork, 'tree'>,
    gates: readonly GateRun[],
  ): Promise<Result<KeptResult, Failure>> {
    const { run, state, context } = this;
    const edits: EditPatch[] = captured.edits
      .filter((edit) => !sameEntry(edit.before, edit.after))
      .map((edit) => ({
        ...edit,
        base: run.editBases[edit.path] ? decodeEntry(run.editBases[edit.path] as string) : undefined,
      }));
    const { agent, version, now } = this.parts;
    return this.parts.store.keep({
      key: run.key,
      outputs: captured.outputs,
      edits,
      provenance: {
        schema: 1,
        label: run.label,
        key: run.key,
        manifest: run.manifest,
        recipe: run.recipe.kind,
        ...(run.recipe.kind === 'agent' && agent ? { agent: agent.name } : {}),
        ...captured.made,
        attempts: state.number,
        usage: context.meter.usage,
        gates,
        ...(captured.observed === undefined ? {} : { observed: captured.observed }),
        startedAt: new Date(state.startedAt).toISOString(),
        ms: now() - state.startedAt,
        conductor: version,
      },
    });
  }

  /** Keeps the diff of a failed attempt for people, because its workspace is reused at once. */
  private async keepDiff(tree: ObjectId): Promise<void> {
    const { run, parts, state } = this;
    const diff = await parts.objects.diff(run.inputTree, tree);
    await writeAtomic(parts.logs.file(run.label, `attempt-${state.number}.diff`).absolute, diff);
  }
}

function outputsOf(files: readonly { path: string; blob: ObjectId }[]): Map<string, Entry> {
  return new Map(files.map(({ path, blob }) => [path, { mode: '100644', id: blob }]));
}

/** Whether everything is as in the input tree: then the attempt did nothing, whatever the agent says. */
function isUnchanged(run: TaskRun, captured: AttemptWork): boolean {
  if (captured.edits.some((edit) => !sameEntry(edit.before, edit.after))) return false;
  if (run.recipe.kind !== 'agent') return captured.outputs.size === 0;
  return captured.tree === run.inputTree;
}

/**
 * Whether unchanged outputs may be the result. The outputs of a task that evolves may still be right (its description was
 * reworded). If an agent changes nothing again after conductor told it so, gates decide.
 */
function mayStand(run: TaskRun, attempt: number): boolean {
  return run.evolves && run.recipe.kind === 'agent' && attempt > 1 && run.gates.length > 0;
}
