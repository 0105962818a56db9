/**
 * The interface between scheduling and running: everything that runs in a workspace goes to an `Executor` as plain
 * data, and its outcome comes back as plain data.
 */

import type { Agent } from '../agent/agent.js';
import type { AgentDefinition } from '../agent/prompts/definitions.js';
import type { CommandSettings } from '../analysis/command-settings.js';
import type { HeldTurn } from '../base/limiter.js';
import type { Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import type { Repository } from '../io/git/repository.js';
import type { Usage } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { RulesText } from '../model/git-rules/git-rules.js';
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
import type { ObjectId } from '../model/tree.js';
import type { Host } from '../project/host.js';
import type { ResultStore } from '../store/result-store.js';
import type { SharedResources } from './shared-resources.js';

/** What a build gives to everything that it runs. */
export interface ExecutionContext {
  readonly signal: AbortSignal;
  emit(event: BuildEventBody): void;
  /** Measures the work while it runs; absent if only the outcome counts. */
  readonly meter?: WorkMeter;
  /** Milliseconds of work that waits for it: what has the longest way behind it goes first. Absent: nothing waits. */
  readonly priority?: number;
  /** Milliseconds that it took the last time. Absent: nobody knows. */
  readonly expectedMs?: number;
  /** The worker that the work has, for the parts of it that need none. Absent: it keeps the one that it has. */
  readonly worker?: HeldTurn;
}

/** Measures what one piece of work has used so far, and how long it has waited for its turn. */
export class WorkMeter {
  private sum: Usage = {};
  private waiting = 0;

  /** `sum`: over everything that the budget of the work has paid for. */
  used(sum: Usage): void {
    this.sum = sum;
  }

  waited(ms: number): void {
    this.waiting += ms;
  }

  get usage(): Usage {
    return this.sum;
  }

  get waitedMs(): number {
    return this.waiting;
  }
}

/** Keeps no state that the store does not have. Expected failures are in the outcomes; it rejects only for a bug. */
export interface Executor {
  /** Its tasks run on other machines, so that this one need not limit them. Absent: they run here. */
  readonly isRemote?: boolean;
  /** Hears that a stale task with such a recipe waits for a worker. Absent: nothing is made ready for it. */
  expect?(recipe: Recipe['kind']): void;
  /** Runs one stale task to a stored result or a failure. */
  run(run: TaskRun, context: ExecutionContext): Promise<TaskOutcome>;
  /** Runs gates on a tree until one fails. */
  runGates(run: GatesRun, context: ExecutionContext): Promise<GatesOutcome>;
  /** Formats the files of a result. */
  format(run: FormatRun, context: ExecutionContext): Promise<FormatOutcome>;
  /** Asks the agent once for a document. */
  askAgent(run: DocumentRun, context: ExecutionContext): Promise<DocumentOutcome>;
  close(): Promise<void>;
}

/** What an executor works with. */
export interface ExecutorParts {
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly agent: Agent | undefined;
  readonly config: Config;
  /** The files that people wrote: all that set-up of workspaces sees. */
  readonly handWritten: ObjectId;
  /** The repository's rules for files, which hold in workspaces. */
  readonly rules: RulesText;
  /** When its build began, in milliseconds since 1970, UTC. */
  readonly startedAt: number;
  readonly shared: SharedResources;
  /** Whether a superseded build has left work that still runs with the same resources. */
  readonly isFollowing: boolean;
  /** What tasks are worked on with, for machines that have to have the same. Absent: everything runs here. */
  readonly instructions?: RunInstructions | undefined;
}

/** The agent definitions of a build, and what its commands get beside files. */
export interface RunInstructions {
  readonly definitions: readonly AgentDefinition[];
  readonly settings: CommandSettings;
}

/** The host of everything that runs recipes, gates or agents. */
export interface ExecutionHost extends Host {
  /** Fails with `sandbox-required`. */
  createExecutor(parts: ExecutorParts): Promise<Result<Executor, Failure>>;
}
