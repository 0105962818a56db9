/**
 * Builds outputs again from the specs without the old ones, and compares. Publishes only after the comparison, and
 * only on request.
 */

import { addUsage } from '../../agent/usage.js';
import { editedByHand } from '../../analysis/drift.js';
import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { runBuildGates } from '../../build/build-gates.js';
import { PLAIN_BUILD } from '../../build/options.js';
import { inPreparedSession, type PreparedSession } from '../../build/prepared-session.js';
import { planPublish, publish } from '../../build/publishing/publish-build.js';
import type { MergedTree } from '../../build/publishing/publish-plan.js';
import { openTaskRunner, type TaskRunner } from '../../build/task-runner.js';
import type { TaskStep } from '../../build/task-step.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { loadTypescript } from '../../io/typescript.js';
import type { BuildEvent } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Regeneration } from '../../model/regeneration.js';
import type { Label } from '../../model/task.js';
import type { Emit } from '../../project/host.js';
import type { Project } from '../../project/project.js';
import { crossTests, type Generations } from './cross-tests.js';
import { missingRecord, recordedTree, regeneratedTask } from './task-comparison.js';

export interface RegenerateOptions {
  /** As for build; none: everything. */
  readonly targets: readonly string[];
  /** Run the recipes even where the store has the result. More than one run implies it. */
  readonly fresh: boolean;
  readonly runs: number;
  readonly apply: boolean;
  readonly workers: number | undefined;
  readonly wait: boolean;
  readonly command: string;
}

/** What was found, and the first failure of a task where there was one. */
export interface Regenerated {
  readonly report: Regeneration;
  readonly failure: Failure | undefined;
}

/** Fails as a build fails to start, with `drifted-outputs` (applying would overwrite edits), or with a gate's failure. */
export async function regenerate(
  host: ExecutionHost,
  options: RegenerateOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<Result<Regenerated, Failure>> {
  const { command, wait, targets } = options;
  const force = options.fresh || options.runs > 1;
  const prepare = { targets, force, discardEdits: true, rebuildMissing: true };
  return inPreparedSession(host, { command, wait, signal, prepare, on }, (open) =>
    inTaskRunner(host, options, open),
  );
}

async function inTaskRunner(
  host: ExecutionHost,
  options: RegenerateOptions,
  { session, prepared, emit, signal, startedAt, openLog }: PreparedSession,
): Promise<Result<Regenerated, Failure>> {
  const { project, targets, selected } = prepared;
  if (options.apply) {
    const drifted = await editedOutputs(project, selected);
    if (drifted) return err(drifted);
  }
  openLog();
  const steps: TaskStep[] = [];
  let taskRunner: TaskRunner | undefined;
  try {
    for (let run = 0; run < options.runs; run++) {
      await taskRunner?.close();
      // What failed in one run may succeed in another.
      session.sessionState.failed.clear();
      // Each run has budgets of its own: the budget of a task is for one build of it.
      const opened = await openTaskRunner({
        host,
        session,
        prepared,
        startedAt: run === 0 ? startedAt : host.now(),
        emit,
        signal,
      });
      if (!opened.ok) return opened;
      taskRunner = opened.value;
      emit({ type: 'build.planned', tasks: project.graph.order.filter((label) => selected.has(label)) });
      const step = await taskRunner.run(
        { ...PLAIN_BUILD, discardEdits: true, workers: options.workers },
        { fromScratch: true },
      );
      await prepared.store.repack();
      if (signal.aborted) return err({ kind: 'cancelled' });
      steps.push(step);
    }
    const [first] = steps;
    if (!first || !taskRunner) throw new Error('BUG: regenerate without a run');
    const typescript = await loadTypescript(project.repository.project);
    const tasks = [];
    for (const label of project.graph.order) {
      if (!targets.has(label)) continue;
      tasks.push(await regeneratedTask(prepared, label, steps, typescript));
      const message = await missingRecord(prepared, label);
      if (message !== undefined) emit({ type: 'warning', task: label, message });
    }
    const { merged } = await planPublish(prepared, first);
    if (!merged.ok) return merged;
    const isComplete = steps.every((step) => step.firstFailure === undefined);
    const isKnown = tasks.every((task) => task.isRecorded);
    const generations: Generations = {
      before: await recordedTree(prepared),
      after: merged.value.tree,
      state: !isComplete ? 'not-complete' : isKnown ? 'both' : 'not-recorded',
    };
    const oldTestsOnNewCode = await crossTests(prepared, taskRunner, generations, 'old-tests');
    const newTestsOnOldCode = await crossTests(prepared, taskRunner, generations, 'new-tests');
    if (signal.aborted) return err({ kind: 'cancelled' });
    const published =
      options.apply && isComplete ? await apply(prepared, taskRunner, merged.value, emit) : undefined;
    if (published && !published.ok) return published;
    const report: Regeneration = {
      schema: 1,
      runs: options.runs,
      tasks,
      oldTestsOnNewCode,
      newTestsOnOldCode,
      typescript: typescript?.version,
      ms: host.now() - startedAt,
      usage: steps.reduce((sum, step) => addUsage(sum, step.usage), {}),
      ...(published === undefined ? {} : { published: published.value }),
    };
    return ok({ report, failure: steps.find((step) => step.firstFailure)?.firstFailure });
  } finally {
    await taskRunner?.close();
  }
}

async function apply(
  prepared: Prepared,
  taskRunner: TaskRunner,
  merged: MergedTree,
  emit: Emit,
): Promise<Result<readonly string[], Failure>> {
  const { tree, changesFiles } = merged;
  const judged = await runBuildGates(prepared, taskRunner, { tree, complete: true, changesFiles });
  if (!judged.ok) return judged;
  const paths: string[] = [];
  const published = await publish(prepared, merged, (event) => {
    if (event.type === 'build.published') paths.push(...event.written, ...event.removed);
    emit(event);
  });
  return published.ok ? ok(paths) : published;
}

/** Files of the targets and of what they depend on that people edited: applying would overwrite them. */
async function editedOutputs(
  project: Project,
  selected: ReadonlySet<Label>,
): Promise<Extract<Failure, { kind: 'drifted-outputs' }> | undefined> {
  const paths: string[] = [];
  const tasks: Label[] = [];
  for (const label of selected) {
    const edited = await editedByHand(project, project.graph.task(label));
    paths.push(...edited);
    if (edited.length > 0) tasks.push(label);
  }
  return paths.length === 0 ? undefined : { kind: 'drifted-outputs', paths, accept: tasks };
}
