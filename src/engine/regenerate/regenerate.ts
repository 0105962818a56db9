/**
 * Makes outputs anew from the specs without a look at the old ones, and compares. Nothing is published before the
 * comparison, and after it only when that is asked for.
 */

import { addUsage } from '../../agent/usage.js';
import { err, ok, type Result } from '../../base/result.js';
import { loadTypescript } from '../../io/typescript.js';
import type { BuildEvent } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Regeneration } from '../../model/regeneration.js';
import { runBuildGates } from '../build-gates.js';
import { editedByHand } from '../drift.js';
import { emitWithHistory } from '../history.js';
import type { Landing } from '../landing-plan.js';
import { PLAIN_BUILD } from '../options.js';
import type { Prepared } from '../prepare.js';
import { inPreparedSession } from '../prepared-session.js';
import { land, publish } from '../publishing.js';
import type { Session } from '../session.js';
import type { Emit, Surroundings } from '../surroundings.js';
import type { TaskStep } from '../task-step.js';
import { openWorkshop, type Workshop } from '../workshop.js';
import { crossTests, type Generations } from './cross-tests.js';
import { recordedTree, regeneratedTask } from './task-comparison.js';

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
  surroundings: Surroundings,
  options: RegenerateOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<Result<Regenerated, Failure>> {
  const { emit, remembering } = emitWithHistory(surroundings, on);
  const { command, wait } = options;
  return inPreparedSession(
    surroundings,
    { command, wait, signal },
    {
      targets: options.targets,
      force: options.fresh || options.runs > 1,
      discardEdits: true,
      rebuildMissing: true,
    },
    emit,
    (session, prepared) =>
      remembering(session.repository, () =>
        inWorkshop(surroundings, options, session, prepared, emit, signal),
      ),
  );
}

async function inWorkshop(
  surroundings: Surroundings,
  options: RegenerateOptions,
  session: Session,
  prepared: Prepared,
  emit: Emit,
  signal: AbortSignal,
): Promise<Result<Regenerated, Failure>> {
  const { project, targets, selected } = prepared;
  const startedAt = surroundings.now();
  if (options.apply) {
    const edited = await editedFiles(prepared);
    if (edited.length > 0) return err({ kind: 'drifted-outputs', paths: edited });
  }
  const steps: TaskStep[] = [];
  let workshop: Workshop | undefined;
  try {
    for (let run = 0; run < options.runs; run++) {
      await workshop?.close();
      // What failed in one run may succeed in another.
      session.resident.failed.clear();
      // Each run has a purse of its own: the budget of a task is for one making of it.
      const opened = await openWorkshop(surroundings, session, prepared, surroundings.now(), emit, signal);
      if (!opened.ok) return opened;
      workshop = opened.value;
      emit({ type: 'build.planned', tasks: project.graph.order.filter((label) => selected.has(label)) });
      const step = await workshop.run(
        { ...PLAIN_BUILD, discardEdits: true, workers: options.workers },
        { anew: true },
      );
      await prepared.store.settle();
      if (signal.aborted) return err({ kind: 'cancelled' });
      steps.push(step);
    }
    const [first] = steps;
    if (!first || !workshop) throw new Error('BUG: regenerate without a run');
    const typescript = await loadTypescript(project.repository.project);
    const tasks = [];
    for (const label of project.graph.order) {
      if (targets.has(label)) tasks.push(await regeneratedTask(prepared, label, steps, typescript));
    }
    const { landing } = await land(prepared, first, new Date(startedAt).toISOString());
    if (!landing.ok) return landing;
    const isComplete = steps.every((step) => step.firstFailure === undefined);
    const isKnown = tasks.every((task) => task.isRecorded);
    const generations: Generations = {
      before: await recordedTree(prepared),
      after: landing.value.tree,
      state: !isComplete ? 'not-complete' : isKnown ? 'both' : 'not-recorded',
    };
    const oldTestsOnNewCode = await crossTests(prepared, workshop.gates, generations, 'old-tests');
    const newTestsOnOldCode = await crossTests(prepared, workshop.gates, generations, 'new-tests');
    if (signal.aborted) return err({ kind: 'cancelled' });
    const published =
      options.apply && isComplete ? await apply(prepared, workshop, landing.value, emit) : undefined;
    if (published && !published.ok) return published;
    const report: Regeneration = {
      schema: 1,
      runs: options.runs,
      tasks,
      oldTestsOnNewCode,
      newTestsOnOldCode,
      typescript: typescript?.version,
      ms: surroundings.now() - startedAt,
      usage: steps.reduce((sum, step) => addUsage(sum, step.usage), {}),
      ...(published === undefined ? {} : { published: published.value }),
    };
    return ok({ report, failure: steps.find((step) => step.firstFailure)?.firstFailure });
  } finally {
    await workshop?.close();
  }
}

async function apply(
  prepared: Prepared,
  workshop: Workshop,
  landing: Landing,
  emit: Emit,
): Promise<Result<readonly string[], Failure>> {
  const judged = await runBuildGates(prepared, workshop.gates, landing.tree, true);
  if (!judged.ok) return judged;
  const paths: string[] = [];
  const published = await publish(prepared, landing, (event) => {
    if (event.type === 'build.published') paths.push(...event.written, ...event.removed);
    emit(event);
  });
  return published.ok ? ok(paths) : published;
}

/** Files of the targets that people edited: applying would overwrite them. */
async function editedFiles({ project, targets }: Prepared): Promise<string[]> {
  const edited: string[] = [];
  for (const label of targets) {
    edited.push(...(await editedByHand(project, project.graph.task(label))));
  }
  return edited;
}
