/** What has become of the tasks of one build so far, with the events that tell it. Runs and decides nothing. */

import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import type { Check } from '../analysis/verdict.js';
import { ok, type Result } from '../base/result.js';
import type { BuildEventBody, TaskOutcomeKind } from '../model/event.js';
import type { Labels, RestoredTask } from '../model/events/event-parts.js';
import { freshEvents, restoredEvents } from '../model/events/events-together.js';
import type { Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import { lockedTask, type Project } from '../project/project.js';
import { type FinishedTask, savedUsage, tasksInConflict } from './publishing/publish-plan.js';

interface FoundTogether {
  readonly checked: readonly Label[];
  readonly others: Labels;
  readonly restored: readonly RestoredTask[];
}

const NO_RESTORED = { tasks: [] };
const NOTHING: FoundTogether = { checked: [], others: [], restored: [] };

export class TaskOutcomes {
  readonly dependencyOutputs = new Map<Label, DependencyOutputs>();
  readonly finished = new Map<Label, FinishedTask>();
  readonly outcomes = new Map<Label, TaskOutcomeKind>();
  /** Remotes that did not answer and may have results that lock files record. */
  readonly unreached = new Set<string>();
  /** Tasks for which only CI may ask an agent. */
  readonly forCi: Label[] = [];
  firstFailure: Failure | undefined;
  readonly failures = new Map<Label, Failure>();
  /** Tasks that are fresh by induction, with their records and all that these follow from as they were. */
  readonly unchanged = new Set<Label>();
  /** Fresh tasks of features that were not read. */
  others = 0;
  /** Tasks of such features whose gone outputs are written again. */
  restored = 0;
  /** Tasks of which a warning was said when they were analysed. */
  readonly noted = new Set<Label>();
  /** Verdicts of tasks whose recipes may not run. */
  protected readonly stale = new Map<Label, string>();
  /** What is told of accepted tasks once it is decided that their results stay, and not before. */
  private untold: BuildEventBody[] = [];
  /** Fresh tasks that were found together, before any task began: in the order in which they are told. */
  private together: FoundTogether = NOTHING;
  /** Finished, and taken out of the publish plan again. */
  private readonly retracted = new Set<Label>();
  private readonly project: Project;
  protected readonly emit: (event: BuildEventBody) => void;

  constructor(project: Project, emit: (event: BuildEventBody) => void) {
    this.project = project;
    this.emit = emit;
  }

  /** For `--frozen`: everything that needs a recipe, a person or another task first. */
  notUpToDate(): { label: Label; verdict: string }[] {
    const rows = [...this.stale].map(([label, verdict]) => ({ label, verdict }));
    for (const [label, verdict] of this.outcomes) {
      const isCurrent = verdict !== 'failed' && verdict !== 'skipped' && verdict !== 'drifted';
      if (!isCurrent && !this.stale.has(label)) rows.push({ label, verdict });
    }
    return rows;
  }

  /** Fresh by induction, which is what an analysis would find. */
  protected foundUnchanged(label: Label, outputs: DependencyOutputs): true {
    this.unchanged.add(label);
    this.outcomes.set(label, 'fresh');
    this.dependencyOutputs.set(label, outputs);
    return true;
  }

  /** That it is checked; the caller reports that it is finished. */
  protected tellUnchanged(task: Label): Result<'fresh', never> {
    this.emit({ type: 'task.checked', task, verdict: { kind: 'fresh' } });
    return ok('fresh');
  }

  /** What has been found so far is reported later, with the tasks of features that were not read. These are returned. */
  protected foundTogether(): Labels {
    const { tasks = [] as Labels, restored: { tasks: restored } = NO_RESTORED } = this.project.rest ?? {};
    const gone = new Set(restored.map(({ task }) => task));
    const there = (labels: Iterable<Label>) => [...labels].filter((label) => !gone.has(label));
    const others = gone.size === 0 ? tasks : there(tasks);
    for (const label of gone) if (this.unchanged.has(label)) this.outcomes.set(label, 'cached');
    this.together = { checked: there(this.unchanged), others, restored };
    this.others = this.together.others.length;
    this.restored = tasks.length - this.others;
    return tasks;
  }

  /** Reports what was found together: an event for each of thousands of tasks would take longer than finding them. */
  tellTogether(): void {
    const { checked, others, restored } = this.together;
    for (const event of freshEvents(checked, true)) this.emit(event);
    for (const event of freshEvents(others, false)) this.emit(event);
    for (const event of restoredEvents(restored)) this.emit(event);
  }

  protected accept(check: Check, outcome: TaskOutcomeKind): Result<TaskOutcomeKind, never> {
    if (check.dependencyOutputs) this.dependencyOutputs.set(check.task.label, check.dependencyOutputs);
    return ok(outcome);
  }

  protected warn(label: Label, messages: readonly string[]): void {
    for (const message of messages) {
      this.noted.add(label);
      this.emit({ type: 'warning', task: label, message });
    }
  }

  protected done(label: Label, outcome: TaskOutcomeKind, ms: number): void {
    this.outcomes.set(label, outcome);
    const saved = savedUsage(this.finished.get(label), outcome);
    const more = {
      ...(saved === undefined ? {} : { saved }),
      ...this.publishedBy(this.project.graph.task(label)),
    };
    const event = { type: 'task.finished', task: label, outcome, ms, ...more } as const;
    if (outcome === 'accepted') this.untold.push(event);
    else this.emit(event);
  }

  /** The records of accepted tasks are written, or their results wait to be published. */
  protected tellAccepted(): void {
    for (const event of this.untold.splice(0)) this.emit(event);
  }

  /** They are not recorded, and will not be. */
  protected dropAccepted(): void {
    this.untold = [];
    for (const [label, outcome] of this.outcomes) if (outcome === 'accepted') this.skip(label, undefined);
  }

  protected fail(label: Label, failure: Failure, ms: number): void {
    this.firstFailure ??= failure;
    this.failures.set(label, failure);
    this.outcomes.set(label, 'failed');
    this.emit({ type: 'task.finished', task: label, outcome: 'failed', ms, failure });
  }

  /** The result that is to be published, and the one that it takes the place of. */
  private publishedBy(task: Task): { result?: string; former?: string } {
    const result = this.finished.get(task.label)?.result?.commit;
    if (result === undefined) return {};
    const former = lockedTask(this.project, task)?.result;
    return { result, ...(former === undefined ? {} : { former }) };
  }

  skip(label: Label, because: Label | undefined): void {
    this.outcomes.set(label, 'skipped');
    const why = because ? { because } : {};
    this.emit({ type: 'task.finished', task: label, outcome: 'skipped', ms: 0, ...why });
  }

  /** Withdraws those of the tasks whose patch of a file cannot be published; false when there is none. */
  withdraw(failure: Failure, published: Iterable<Label>): boolean {
    const { graph } = this.project;
    const labels = tasksInConflict(graph, [...published], failure);
    this.withdrawTasks(labels, failure);
    return labels.length > 0;
  }

  /** Takes tasks and all that was built on them out of the build again. */
  withdrawTasks(labels: readonly Label[], failure: Failure): void {
    const { graph } = this.project;
    for (const task of labels) this.retract(task, { outcome: 'failed', failure });
    for (const label of graph.order) {
      const because = graph.task(label).dependsOn.find((need) => this.retracted.has(need));
      // What was built on a withdrawn result would be published on files that do not exist.
      if (because && this.finished.has(label)) this.retract(label, { outcome: 'skipped', because });
    }
    if (labels.length > 0) this.firstFailure ??= failure;
  }

  /** The last event of a task counts: it was finished, and is not published. */
  private retract(task: Label, why: Pick<TaskFinished, 'outcome' | 'failure' | 'because'>): void {
    this.retracted.add(task);
    this.finished.delete(task);
    this.dependencyOutputs.delete(task);
    this.outcomes.set(task, why.outcome);
    this.untold = this.untold.filter((event) => !('task' in event && event.task === task));
    this.emit({ type: 'task.finished', task, ms: 0, ...why });
  }
}

type TaskFinished = Extract<BuildEventBody, { type: 'task.finished' }>;
