/** Runs work on this machine: the attempts at a stale task, gates on a tree, an agent's document. */

import { evidence } from '../agent/prompts/evidence.js';
import { err, ok, type Result } from '../base/result.js';
import { expectRun } from '../io/process/runner-process.js';
import type { Failure } from '../model/failure.js';
import type { Recipe } from '../model/task.js';
import type {
  DocumentOutcome,
  DocumentRun,
  FormatOutcome,
  FormatRun,
  GatesOutcome,
  GatesRun,
  TaskOutcome,
  TaskRun,
} from '../model/task-run.js';
import { decodeEntry, encodeEntry, type ObjectId } from '../model/tree.js';
import { captureResult } from '../workspace/capture.js';
import { runAgent } from './agent-attempt.js';
import { guarded, isWorthRetry } from './attempt-failure.js';
import { type ExecutionContext, type Executor, WorkMeter } from './executor.js';
import { formatFiles } from './format-work.js';
import { judgeTree } from './gates.js';
import { type LeftWork, startsClean } from './left-work.js';
import { TaskAttempt, type TaskAttemptParts } from './task-attempt.js';

export interface LocalExecutorParts extends Omit<TaskAttemptParts, 'executor'> {
  /** Why there is no sandbox although the config asks for one if possible; undefined: there is one, or none is wanted. */
  unsandboxed(): Promise<string | undefined>;
}

export class LocalExecutor implements Executor {
  private readonly parts: LocalExecutorParts;
  private warned = false;

  constructor(parts: LocalExecutorParts) {
    this.parts = parts;
  }

  expect(recipe: Recipe['kind']): void {
    if (recipe === 'run') expectRun('computes');
    else if (recipe === 'agent') this.parts.agent?.expectRun?.();
  }

  async run(run: TaskRun, given: ExecutionContext): Promise<TaskOutcome> {
    const { emit } = given;
    if (run.recipe.kind !== 'render' || run.gates.length > 0) await this.warnUnsandboxed(emit);
    const meter = new WorkMeter();
    const startedAt = this.parts.now();
    const earlier = run.recipe.kind === 'agent' ? run.recipe.earlier : undefined;
    const tried: string[] = [...(earlier?.evidence ?? [])];
    let attempts = (earlier?.attempts ?? 0) + 1;
    const last = attempts + (run.recipe.kind === 'agent' ? run.recipe.attempts : 1) - 1;
    let left: LeftWork | undefined = run.left === undefined ? undefined : { tree: run.left };
    for (;;) {
      const attempt = new TaskAttempt(
        { ...this.parts, executor: this },
        run,
        {
          ...{ number: attempts, startedAt, tried },
          left: startsClean(run, attempts, last) ? undefined : left,
        },
        { ...given, meter },
      );
      const result = await guarded(() => attempt.result());
      left = attempt.left ?? left;
      const common = () => ({ attempts, usage: meter.usage, ms: this.ownMs(startedAt, meter) });
      if (result.ok) {
        const { commit, adopted } = result.value;
        return { ok: true, result: commit, ...(adopted ? { adopted } : {}), ...common() };
      }
      const failure = result.error;
      tried.push([evidence(attempts, failure), ...attempt.notes].join('\n\n'));
      // Only agents get another attempt: the same command would give the same output.
      if (attempts >= last || !isWorthRetry(failure)) {
        const kept = left === undefined ? {} : { tree: left.tree, inputTree: run.inputTree };
        return { ok: false, failure, evidence: tried, ...kept, ...common() };
      }
      emit({ type: 'task.attempt-failed', task: run.label, attempt: attempts, failure });
      attempts++;
    }
  }

  async runGates(run: GatesRun, given: ExecutionContext): Promise<GatesOutcome> {
    const { pool, now } = this.parts;
    const { signal, emit } = given;
    const meter = new WorkMeter();
    const context = { ...given, meter };
    const startedAt = now();
    const opened = await pool.acquire(run.tree, signal);
    if (!opened.ok) return { ok: false, failure: opened.error, runs: [], ms: now() - startedAt };
    const { task, attempt } = run;
    try {
      if (task !== undefined && run.isPreflight !== true) {
        emit({ type: 'task.started', task, attempt, recipe: 'gates' });
        emit({ type: 'task.phase', task, attempt, phase: 'gates' });
      }
      const judged = await judgeTree(this.parts, run, opened.value, context);
      return { ...judged, ms: this.ownMs(startedAt, meter) };
    } finally {
      await pool.release(opened.value);
    }
  }

  async format(run: FormatRun, context: ExecutionContext): Promise<FormatOutcome> {
    const { pool } = this.parts;
    const { signal, emit } = context;
    const opened = await pool.acquire(run.tree, signal);
    if (!opened.ok) return { ok: false, failure: opened.error };
    const attempt = 1;
    try {
      emit({ type: 'task.started', task: run.task, attempt, recipe: 'gates' });
      emit({ type: 'task.phase', task: run.task, attempt, phase: 'gates' });
      const files = new Map(Object.entries(run.files).map(([path, word]) => [path, decodeEntry(word)]));
      const job = { ...run, files, attempt, log: 'format-former' };
      const done = await formatFiles(this.parts, job, opened.value, context);
      if (!done.ok) return { ok: false, failure: done.error };
      const words = [...files, ...done.value].map(([path, entry]) => [path, encodeEntry(entry)]);
      return { ok: true, files: Object.fromEntries(words) };
    } finally {
      await pool.release(opened.value);
    }
  }

  async askAgent(run: DocumentRun, { signal, emit }: ExecutionContext): Promise<DocumentOutcome> {
    await this.warnUnsandboxed(emit);
    const meter = new WorkMeter();
    const asked = await guarded(() => this.document(run, { signal, emit, meter }));
    const { usage } = meter;
    return asked.ok ? { ok: true, document: asked.value, usage } : { ok: false, failure: asked.error, usage };
  }

  async close(): Promise<void> {
    this.parts.spending.close();
    await this.parts.pool.close();
  }

  private async document(run: DocumentRun, context: ExecutionContext): Promise<Result<ObjectId, Failure>> {
    const { pool, objects, config, agent } = this.parts;
    const { label, attempt, inputTree, output, model } = run;
    const phase = (name: 'workspace' | 'capture') =>
      context.emit({ type: 'task.phase', task: label, attempt, phase: name });
    phase('workspace');
    const opened = await pool.acquire(inputTree, context.signal);
    if (!opened.ok) return opened;
    const workspace = opened.value;
    try {
      const choice = model === undefined ? undefined : { model, fallbacks: [] };
      const expected = { kind: 'document' as const, path: output };
      const work = { ...run, choice, expected, network: false, number: attempt };
      const asked = await runAgent(this.parts, work, workspace, context);
      if (!asked.ok) return asked;
      phase('capture');
      const captured = await captureResult(workspace, objects, {
        inputTree,
        outputs: [output],
        edits: [],
        maxBytes: config.maxOutputBytes,
        secrets: agent?.secrets ?? [],
        ignoreOthers: true,
      });
      if (!captured.ok) return captured;
      const entry = captured.value.outputs.get(output);
      if (!entry) return err({ kind: 'missing-outputs', paths: [output] });
      if (!entry.mode.startsWith('100'))
        return err({ kind: 'unsafe-path', path: output, reason: 'it is a link' });
      return ok(entry.id);
    } finally {
      await pool.release(workspace);
    }
  }

  private ownMs(startedAt: number, meter: WorkMeter): number {
    return this.parts.now() - startedAt - meter.waitedMs;
  }

  /** Warns once per build, and only if something runs that a sandbox would restrict. */
  private async warnUnsandboxed(emit: ExecutionContext['emit']): Promise<void> {
    if (this.warned) return;
    const unsandboxed = await this.parts.unsandboxed();
    // Another task may have warned meanwhile.
    if (this.warned || unsandboxed === undefined) return;
    this.warned = true;
    const message = `no sandbox (${unsandboxed}): agents, commands and gates can write everywhere that you can; run \`conductor doctor\``;
    emit({ type: 'warning', message });
  }
}
