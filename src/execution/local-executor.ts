/** Runs one stale task on this machine: workspace, recipe, capture, gates, store. Knows nothing of other tasks. */

import { evidence } from '../agent/prompts/evidence.js';
import { observedInputs } from '../analysis/observed-inputs.js';
import { err, ok, type Result, unreachable } from '../base/result.js';
import { writeAtomic } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { EditPatch, GateRun, Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { TaskOutcome, TaskRun } from '../model/run.js';
import { decodeEntry, type Entry, type ObjectId, sameEntry } from '../model/tree.js';
import type { KeptResult, ResultStore } from '../store/result-store.js';
import { captureResult } from '../workspace/capture.js';
import type { Workspace } from '../workspace/pool.js';
import { type AgentParts, type Asked, runAgent } from './agent-attempt.js';
import { guarded, isWorthRetry } from './attempt-failure.js';
import { unsandboxedWarning } from './build-context.js';
import { type Captured, isUnchanged, mayStand } from './captured-work.js';
import { type CommandParts, runCommand } from './command-recipe.js';
import type { ExecutionContext, Executor } from './executor.js';
import { type GateContext, runGates } from './gates.js';
import { review } from './review.js';

export interface LocalExecutorParts extends AgentParts, CommandParts {
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly gates: Omit<GateContext, 'signal' | 'emit'>;
  readonly version: string;
  /** Why nothing is sandboxed although it should be; undefined when it is, or when nobody wants it. */
  readonly unsandboxed: string | undefined;
}

interface Attempt {
  readonly number: number;
  readonly startedAt: number;
}

export class LocalExecutor implements Executor {
  private readonly parts: LocalExecutorParts;
  private warned = false;

  constructor(parts: LocalExecutorParts) {
    this.parts = parts;
  }

  async run(run: TaskRun, context: ExecutionContext): Promise<TaskOutcome> {
    this.warnUnsandboxed(run, context);
    const startedAt = this.parts.now();
    let usage: Usage = {};
    let waited = 0;
    const earlier = run.recipe.kind === 'agent' ? run.recipe.earlier : undefined;
    let attempts = (earlier?.attempts ?? 0) + 1;
    const last = attempts + (run.recipe.kind === 'agent' ? run.recipe.attempts : 1) - 1;
    let tree: ObjectId | undefined;
    const end = (result: Result<KeptResult, Failure>): TaskOutcome => {
      const common = { attempts, usage, ms: this.parts.now() - startedAt - waited };
      if (!result.ok) {
        const failed = [...tried, evidence(attempts, result.error)];
        return {
          ok: false,
          failure: result.error,
          evidence: failed,
          ...(tree === undefined ? {} : { tree }),
          ...common,
        };
      }
      const { commit, adopted } = result.value;
      return { ok: true, result: commit, ...(adopted ? { adopted } : {}), ...common };
    };
    const tried: string[] = [...(earlier?.evidence ?? [])];
    for (;;) {
      const attempt: Attempt = { number: attempts, startedAt };
      const result = await guarded(() =>
        this.attempt(run, attempt, tried, context, {
          usage: (spent) => (usage = spent),
          captured: (id) => (tree = id),
          waited: (ms) => (waited += ms),
        }),
      );
      // Only an agent's bad work is worth another try: the same command gives the same output.
      if (result.ok || attempts >= last || !isWorthRetry(result.error)) return end(result);
      context.emit({
        type: 'task.attempt-failed',
        task: run.label,
        attempt: attempts,
        failure: result.error,
      });
      tried.push(evidence(attempts, result.error));
      attempts++;
    }
  }

  /** Once in a build, and only when something is run that a sandbox would hold. */
  private warnUnsandboxed(run: TaskRun, context: ExecutionContext): void {
    const { unsandboxed } = this.parts;
    if (this.warned || unsandboxed === undefined) return;
    if (run.recipe.kind === 'render' && run.gates.length === 0) return;
    this.warned = true;
    context.emit(unsandboxedWarning(unsandboxed));
  }

  async close(): Promise<void> {
    await this.parts.pool.close();
  }

  private async attempt(
    run: TaskRun,
    attempt: Attempt,
    tried: readonly string[],
    context: ExecutionContext,
    tell: { usage(sum: Usage): void; captured(tree: ObjectId): void; waited(ms: number): void },
  ): Promise<Result<KeptResult, Failure>> {
    const phase = (name: 'workspace' | 'capture' | 'gates' | 'store') =>
      context.emit({ type: 'task.phase', task: run.label, attempt: attempt.number, phase: name });
    if (run.recipe.kind === 'render' && run.gates.length === 0) {
      const captured = await this.rendered(run, run.recipe.files);
      phase('store');
      return this.keep(run, attempt, captured, [], {});
    }
    phase('workspace');
    const start =
      run.recipe.kind === 'render' ? (await this.rendered(run, run.recipe.files)).tree : run.inputTree;
    const opened = await this.parts.pool.acquire(start, context.signal);
    if (!opened.ok) return opened;
    const workspace = opened.value;
    let failed = true;
    try {
      let usage: Usage = {};
      const made = await this.make(run, attempt, tried, workspace, context, (spent) => {
        usage = spent;
        tell.usage(spent);
      });
      if (!made.ok) return made;
      tell.captured(made.value.tree);
      phase('gates');
      const { gates } = this.parts;
      const judged = await runGates(
        { ...gates, signal: context.signal, emit: context.emit, onWait: tell.waited },
        {
          gates: run.gates,
          workspace,
          tree: made.value.tree,
          network: run.network,
          task: run.label,
          attempt: attempt.number,
        },
      );
      if (!judged.ok) {
        await this.keepDiff(run, attempt, made.value.tree);
        return err(judged.failure);
      }
      const reviewed = await this.review(run, attempt, made.value.tree, context, (spent) => {
        usage = spent;
        tell.usage(spent);
      });
      if (!reviewed.ok) return reviewed;
      phase('store');
      const kept = await this.keep(run, attempt, made.value, judged.runs, usage);
      failed = !kept.ok;
      return kept;
    } finally {
      await this.parts.pool.release(workspace, failed);
    }
  }

  private async rendered(
    run: TaskRun,
    files: readonly { path: string; blob: ObjectId }[],
  ): Promise<Captured> {
    const outputs = new Map<string, Entry>(
      files.map(({ path, blob }) => [path, { mode: '100644', id: blob }]),
    );
    return { tree: await this.parts.objects.editTree(run.inputTree, outputs), outputs, edits: [] };
  }

  private async make(
    run: TaskRun,
    attempt: Attempt,
    tried: readonly string[],
    workspace: Workspace,
    context: ExecutionContext,
    onUsage: (usage: Usage) => void,
  ): Promise<Result<Captured, Failure>> {
    let asked: Asked | undefined;
    switch (run.recipe.kind) {
      case 'render':
        return ok(await this.rendered(run, run.recipe.files));
      case 'run': {
        const ran = await runCommand(this.parts, run, run.recipe.command, attempt.number, workspace, context);
        if (!ran.ok) return ran;
        break;
      }
      case 'agent': {
        const { recipe } = run;
        const done = await runAgent(
          this.parts,
          run,
          recipe,
          { ...attempt, tried },
          workspace,
          context,
          onUsage,
        );
        if (!done.ok) return done;
        asked = done.value;
        break;
      }
      default:
        return unreachable(run.recipe);
    }
    context.emit({ type: 'task.phase', task: run.label, attempt: attempt.number, phase: 'capture' });
    const { config, objects } = this.parts;
    const captured = await captureResult(workspace, objects, {
      inputTree: run.inputTree,
      outputs: run.outputs,
      edits: run.edits,
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      secrets: this.parts.agent?.secrets ?? [],
    });
    if (!captured.ok) return captured;
    const declared = patternSet(run.outputs);
    const missing = declared.unmatched(captured.value.outputs.keys());
    if (missing.length > 0 && missing.length < declared.includes.length)
      return err({ kind: 'missing-outputs', paths: missing });
    if (isUnchanged(run, captured.value) && !mayStand(run, attempt.number))
      return err({ kind: 'nothing-done' });
    if (missing.length > 0) return err({ kind: 'missing-outputs', paths: missing });
    if (!asked) return captured;
    const { read, made } = asked;
    const observed =
      read.length === 0 ? undefined : observedInputs(run, await objects.list(run.inputTree), read);
    return ok({ ...captured.value, made, ...(observed === undefined ? {} : { observed }) });
  }

  private async keep(
    run: TaskRun,
    attempt: Attempt,
    captured: Captured,
    gates: readonly GateRun[],
    usage: Usage,
  ): Promise<Result<KeptResult, Failure>> {
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
        attempts: attempt.number,
        usage,
        gates,
        ...(captured.observed === undefined ? {} : { observed: captured.observed }),
        startedAt: new Date(attempt.startedAt).toISOString(),
        ms: now() - attempt.startedAt,
        conductor: version,
      },
    });
  }

  /** Nothing is asked about work that changed nothing. */
  private async review(
    run: TaskRun,
    attempt: Attempt,
    tree: ObjectId,
    context: ExecutionContext,
    onUsage: (usage: Usage) => void,
  ): Promise<Result<undefined, Failure>> {
    const { agent, objects } = this.parts;
    if (!run.review || !agent || tree === run.inputTree) return ok(undefined);
    const work = { attempt: attempt.number, tree, diff: await objects.diff(run.inputTree, tree) };
    const asked = { ...run, review: run.review };
    const judged = await review({ ...this.parts, agent }, asked, work, context, onUsage);
    if (!judged.ok) await this.keepDiff(run, attempt, tree);
    return judged;
  }

  /** What a failed attempt wrote, for a person to look at: its workspace is used again at once. */
  private async keepDiff(run: TaskRun, attempt: Attempt, tree: ObjectId): Promise<void> {
    const diff = await this.parts.objects.diff(run.inputTree, tree);
    await writeAtomic(this.parts.logs.file(run.label, `attempt-${attempt.number}.diff`).absolute, diff);
  }
}
