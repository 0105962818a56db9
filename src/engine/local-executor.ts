/** Runs one stale task on this machine: workspace, recipe, capture, gates, store. Knows nothing of other tasks. */

import { evidence } from '../agent/evidence.js';
import { err, ok, type Result, unreachable } from '../base/result.js';
import { writeAtomic } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import type { EditPatch, GateRun, ObservedInputs, Usage } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { unmatched } from '../model/pattern.js';
import type { TaskOutcome, TaskRun } from '../model/run.js';
import { type Entry, type Files, type ObjectId, parseEntryWord, sameEntry } from '../model/tree.js';
import type { KeptResult, ResultStore } from '../store/result-store.js';
import { captureResult } from '../workspace/capture.js';
import type { Workspace } from '../workspace/pool.js';
import { guarded, isWorthRetry } from './attempt-failure.js';
import type { ExecutionContext, Executor } from './executor.js';
import { type GateContext, runGates } from './gates.js';
import { observedInputs } from './observed.js';
import { type RecipeParts, runAgent, runCommand } from './recipes.js';
import { unsandboxedWarning } from './workbench.js';

export interface LocalExecutorParts extends RecipeParts {
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly gates: Omit<GateContext, 'signal' | 'emit'>;
  readonly version: string;
  /** Why nothing is sandboxed although it should be; undefined when it is, or when nobody wants it. */
  readonly unsandboxed: string | undefined;
}

/** What one attempt left behind, judged by nobody but the capture. */
interface Captured {
  readonly tree: ObjectId;
  readonly outputs: Files;
  readonly edits: readonly {
    readonly path: string;
    readonly before: Entry | undefined;
    readonly after: Entry | undefined;
  }[];
  readonly observed?: ObservedInputs;
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
    let attempts = 1;
    const end = (result: Result<KeptResult, Failure>): TaskOutcome => {
      const common = { attempts, usage, ms: this.parts.now() - startedAt };
      if (!result.ok) return { ok: false, failure: result.error, ...common };
      const { commit, adopted } = result.value;
      return { ok: true, result: commit, ...(adopted ? { adopted } : {}), ...common };
    };
    const tried: string[] = [];
    for (;;) {
      const attempt: Attempt = { number: attempts, startedAt };
      const result = await guarded(() =>
        this.attempt(run, attempt, tried, context, (spent) => {
          usage = spent;
        }),
      );
      if (result.ok || !mayTryAgain(run, attempts, result.error)) return end(result);
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
    onUsage: (usage: Usage) => void,
  ): Promise<Result<KeptResult, Failure>> {
    const phase = (name: 'workspace' | 'capture' | 'gates' | 'store') =>
      context.emit({ type: 'task.phase', task: run.label, attempt: attempt.number, phase: name });
    if (run.recipe.kind === 'render' && run.gates.length === 0) {
      const captured = await this.rendered(run, run.recipe.files);
      phase('store');
      return this.keep(run, attempt, captured, [], {});
    }
    phase('workspace');
    const start = run.recipe.kind === 'render' ? (await this.rendered(run, run.recipe.files)).tree : run.view;
    const opened = await this.parts.pool.acquire(start, context.signal);
    if (!opened.ok) return opened;
    const workspace = opened.value;
    try {
      let usage: Usage = {};
      const made = await this.make(run, attempt, tried, workspace, context, (spent) => {
        usage = spent;
        onUsage(spent);
      });
      if (!made.ok) return made;
      phase('gates');
      const { gates } = this.parts;
      const judged = await runGates(
        { ...gates, signal: context.signal, emit: context.emit },
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
      phase('store');
      return this.keep(run, attempt, made.value, judged.runs, usage);
    } finally {
      await this.parts.pool.release(workspace);
    }
  }

  private async rendered(
    run: TaskRun,
    files: readonly { path: string; blob: ObjectId }[],
  ): Promise<Captured> {
    const outputs = new Map<string, Entry>(
      files.map(({ path, blob }) => [path, { mode: '100644', id: blob }]),
    );
    return { tree: await this.parts.objects.editTree(run.view, outputs), outputs, edits: [] };
  }

  private async make(
    run: TaskRun,
    attempt: Attempt,
    tried: readonly string[],
    workspace: Workspace,
    context: ExecutionContext,
    onUsage: (usage: Usage) => void,
  ): Promise<Result<Captured, Failure>> {
    let read: readonly string[] = [];
    switch (run.recipe.kind) {
      case 'render':
        return ok(await this.rendered(run, run.recipe.files));
      case 'run': {
        const ran = await runCommand(this.parts, run, run.recipe.command, attempt.number, workspace, context);
        if (!ran.ok) return ran;
        break;
      }
      case 'agent': {
        const asked = await runAgent(
          this.parts,
          run,
          run.recipe,
          attempt.number,
          tried,
          attempt.startedAt,
          workspace,
          context,
          onUsage,
        );
        if (!asked.ok) return asked;
        read = asked.value;
        break;
      }
      default:
        return unreachable(run.recipe);
    }
    context.emit({ type: 'task.phase', task: run.label, attempt: attempt.number, phase: 'capture' });
    const { config, objects } = this.parts;
    const captured = await captureResult(workspace, objects, {
      view: run.view,
      outputs: run.outputs,
      edits: run.edits,
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      secrets: this.parts.agent?.secrets ?? [],
    });
    if (!captured.ok) return captured;
    const missing = unmatched(run.outputs, captured.value.outputs.keys());
    if (missing.length > 0 && missing.length < run.outputs.length)
      return err({ kind: 'missing-outputs', paths: missing });
    if (this.isUnchanged(run, captured.value) && !mayStand(run, attempt))
      return err({ kind: 'nothing-done' });
    if (missing.length > 0) return err({ kind: 'missing-outputs', paths: missing });
    if (read.length === 0) return captured;
    const observed = observedInputs(run, await objects.list(run.view), read);
    return ok({ ...captured.value, ...(observed === undefined ? {} : { observed }) });
  }

  /** Work that leaves everything as the view showed it is no work, whatever the agent says. */
  private isUnchanged(run: TaskRun, captured: Captured): boolean {
    if (captured.edits.some((edit) => !sameEntry(edit.before, edit.after))) return false;
    if (run.recipe.kind !== 'agent') return captured.outputs.size === 0;
    return captured.tree === run.view;
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
        base: run.editBases[edit.path] ? parseEntryWord(run.editBases[edit.path] as string) : undefined,
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
        ...(run.recipe.kind === 'agent' && run.recipe.model !== undefined ? { model: run.recipe.model } : {}),
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

  /** What a failed attempt wrote, for a person to look at: its workspace is used again at once. */
  private async keepDiff(run: TaskRun, attempt: Attempt, tree: ObjectId): Promise<void> {
    const diff = await this.parts.objects.diff(run.view, tree);
    await writeAtomic(this.parts.logs.file(run.label, `attempt-${attempt.number}.diff`).absolute, diff);
  }
}

/**
 * A task that evolves may be right as it is (its description was reworded, a dependency changed harmlessly). An agent
 * that was told that it changed nothing, and again finds nothing to change, is believed if gates bear it out.
 */
function mayStand(run: TaskRun, attempt: Attempt): boolean {
  return run.evolves && run.recipe.kind === 'agent' && attempt.number > 1 && run.gates.length > 0;
}

/** Only an agent's bad work is worth another try: the same command gives the same output. */
function mayTryAgain({ recipe }: TaskRun, attempts: number, failure: Failure): boolean {
  return recipe.kind === 'agent' && attempts < recipe.attempts && isWorthRetry(failure);
}
