/** One attempt at a stale task in a workspace: recipe, capture, gates, review, and the result into the store. */

import { shown, withEvidence } from '../agent/prompts/evidence.js';
import { err, ok, type Result, unreachable } from '../base/result.js';
import { writeAtomic } from '../io/files.js';
import type { GitObjects } from '../io/git/objects.js';
import { type Need, needText } from '../model/agents/agent-report.js';
import type { Failure } from '../model/failure.js';
import type { TaskRun } from '../model/task-run.js';
import type { Entry, ObjectId } from '../model/tree.js';
import type { KeptResult, NewResult, ResultStore } from '../store/result-store.js';
import { writeObjects } from '../workspace/reading/reading.js';
import type { Workspace } from '../workspace/workspace-pool.js';
import { type AgentParts, type Asked, runAgent } from './agent-attempt.js';
import { type AttemptWork, captureUnfinished, captureWork } from './attempt-capture.js';
import { guarded, isRepairable, isWorthRetry, withWords } from './attempt-failure.js';
import { type CommandParts, runCommand } from './command-recipe.js';
import type { ExecutionContext, Executor, WorkMeter } from './executor.js';
import { formatWork } from './format-work.js';
import { type GateParts, judgeTree } from './gates.js';
import { type LeftWork, leavesWork } from './left-work.js';
import { isLight, newResult } from './new-result.js';
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
  /** What earlier attempts left, if this one goes on from it. */
  readonly left?: LeftWork | undefined;
}

/** Work that everything has accepted. */
interface Judged {
  readonly result: NewResult;
  readonly unwritten: AttemptWork['unwritten'];
}

export class TaskAttempt {
  /** What it leaves for the next attempt; undefined if it wrote nothing that may be kept. */
  left: LeftWork | undefined;
  /** Sentences for the next attempt beside its failure. */
  readonly notes: string[] = [];
  /** What the agent said last, and what it asked for. */
  private said: string | undefined;
  private needs: readonly Need[] = [];
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
    if (result.ok) {
      for (const need of this.needs)
        this.warn(`its agent asked ${needText(need)} (${need.because}); its gates pass without it`);
      return result;
    }
    return err(withWords(this.missing(result.error), this.said));
  }

  /** What an agent asked for explains its failure, unless nobody is to decide it. */
  private missing(failure: Failure): Failure {
    const { needs } = this;
    // Only rejected work is explained by what was missing: a leaked secret or a spent budget is not.
    const isRejected = isRepairable(failure) || failure.kind === 'gate-missing-program';
    if (needs.length === 0 || !isRejected) return failure;
    if (this.parts.config.grow !== 'never') return { kind: 'needs', needs };
    this.notes.push(`It asked ${needs.map(needText).join(', ')}. That is not granted: do without it.`);
    return failure;
  }

  private warn(message: string): void {
    this.context.emit({ type: 'warning', task: this.run.label, message });
  }

  private async attempted(): Promise<Result<KeptResult, Failure>> {
    const { run, parts, context } = this;
    const { recipe } = run;
    if (recipe.kind === 'render' && run.gates.length === 0 && !run.format) {
      this.phase('store');
      const work = { outputs: outputsOf(await parts.pool.cleaned(recipe.files)), edits: [] };
      const rendered = await newResult(parts, this.made, { ...work, gateRuns: [] });
      return rendered.ok ? parts.store.keep(rendered.value) : rendered;
    }
    this.phase('workspace');
    const start = recipe.kind === 'render' ? (await this.rendered(recipe.files)).tree : this.startTree;
    const opened = await parts.pool.acquire(start, context.signal);
    if (!opened.ok) return opened;
    const workspace = opened.value;
    let judged: Judged | undefined;
    try {
      const found = await this.judged(workspace);
      if (!found.ok) return found;
      judged = found.value;
    } finally {
      await parts.pool.release(workspace, judged === undefined);
    }
    // Nothing of what follows needs a worker or the workspace: the next task may have both.
    const { result, unwritten } = judged;
    const light = isLight(run, unwritten);
    const leftAt = parts.now();
    await context.worker?.leave(light);
    const mayWait = light ? context.worker?.othersWork : undefined;
    const kept = await guarded(() => parts.store.keep({ ...result, mayWait }));
    if (!kept.ok) {
      // What was written there may have filled the disk.
      await parts.pool.discard(workspace);
      if (isWorthRetry(kept.error)) await context.worker?.take();
      await writeObjects(parts.objects, unwritten);
    }
    context.meter.waited(parts.now() - leftAt);
    return kept;
  }

  /** What the recipe makes in the workspace, when everything that judges it accepts it. */
  private async judged(workspace: Workspace): Promise<Result<Judged, Failure>> {
    const { run, parts, context } = this;
    const made = await this.formatted(await this.make(workspace), workspace);
    if (!made.ok) return made;
    const { tree, unwritten } = made.value;
    const { label: task, gates, network } = run;
    // Without anything that judges, an agent that asks for more has said that this is not all.
    if (this.needs.length > 0 && gates.length === 0 && !run.review && parts.config.grow !== 'never')
      return err({ kind: 'needs', needs: this.needs });
    this.phase('gates');
    const seen = await this.treeForGates(made.value, workspace);
    const judged = await judgeTree(
      parts,
      { task, tree: seen, gates, network, attempt: this.state.number },
      workspace,
      context,
    );
    const failure = judged.ok ? await this.review(tree, seen) : judged.failure;
    if (failure) {
      if (tree !== run.inputTree) this.left = { tree, rejection: failure };
      await this.keepDiff(tree);
      return err(failure);
    }
    this.phase('store');
    const result = await newResult(parts, this.made, { ...made.value, gateRuns: judged.runs });
    if (!result.ok) await writeObjects(parts.objects, unwritten);
    return result.ok ? ok({ result: result.value, unwritten }) : result;
  }

  private get made() {
    return { run: this.run, state: this.state, meter: this.context.meter };
  }

  private phase(phase: 'workspace' | 'capture' | 'gates' | 'store'): void {
    this.context.emit({ type: 'task.phase', task: this.run.label, attempt: this.state.number, phase });
  }

  private async rendered(files: readonly { path: string; blob: ObjectId }[]): Promise<AttemptWork> {
    const outputs = outputsOf(await this.parts.pool.cleaned(files));
    const tree = await this.parts.objects.editTree(this.run.inputTree, outputs);
    return { tree, outputs, edits: [], others: [] };
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
        if (!asked.ok) {
          if (leavesWork(asked.error)) this.left = await captureUnfinished(parts, run, workspace);
          return asked;
        }
        this.said = asked.value.said;
        this.needs = asked.value.report?.needs ?? [];
        return this.capture(workspace, asked.value);
      }
      default:
        return unreachable(recipe);
    }
  }

  private async formatted(made: Result<AttemptWork, Failure>, workspace: Workspace): Promise<typeof made> {
    if (!made.ok) return made;
    const { run, state, context } = this;
    const done = await formatWork(this.parts, { run, number: state.number, workspace }, made.value, context);
    if (!done.ok) this.left = { tree: made.value.tree, rejection: done.error };
    return done;
  }

  /** The tree that the workspace shows at first. */
  private get startTree(): ObjectId {
    return this.state.left?.tree ?? this.run.inputTree;
  }

  private async ask(
    recipe: Extract<TaskRun['recipe'], { kind: 'agent' }>,
    workspace: Workspace,
  ): Promise<Result<Asked, Failure>> {
    const { label, work, payer = label, budget, network, inputTree, outputs, edits } = this.run;
    const { number, tried, left } = this.state;
    const { definition, choices } = recipe;
    const later = [
      ...choices.flatMap(({ model, fallbacks, stronger }) => [model, ...fallbacks, stronger]),
      this.run.review?.model,
    ].filter((one) => one !== undefined);
    const choice = choices[Math.min(number, choices.length) - 1];
    const diff = left && (await this.parts.objects.diff(inputTree, left.tree));
    const prompt = withEvidence(recipe.prompt, tried, diff);
    const expected = { kind: 'files' as const, outputs, edits };
    return runAgent(
      this.parts,
      {
        ...{ label, work, payer, budget, network, definition, choice, later, prompt, number },
        ...{ expected, inputTree: this.startTree },
      },
      workspace,
      this.context,
    );
  }

  /** Takes what the recipe left; fails if it changed nothing. `asked`: what the agent read, said and reported. */
  private async capture(workspace: Workspace, asked?: Asked): Promise<Result<AttemptWork, Failure>> {
    this.phase('capture');
    const { run, state } = this;
    const request = { run, workspace, left: state.left, ...(asked === undefined ? {} : { asked }) };
    const captured = await captureWork(this.parts, request);
    const { dropped, work, isSame, tree } = captured;
    if (isSame) this.notes.push('It left the files as they were.');
    else if (tree !== undefined) this.left = { tree };
    if (dropped.length > 0 && work.ok) {
      this.warn(`it also changed ${dropped.slice(0, 5).join(', ')}, not its own: dropped`);
      this.notes.push(
        `It also changed ${dropped.slice(0, 10).map(shown).join(', ')}: not files of this task, so that was undone before the gates.`,
      );
    }
    return work;
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
