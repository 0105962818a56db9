/** What a request to an agent for one document is: the prompt, the budget, the check of the answer. */

import type { Agent } from '../../agent/agent.js';
import type { Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { ActionKey, Manifest, Usage } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import type { CallPhase } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Budget, Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Executor } from '../executor.js';

export interface RequestParts {
  readonly executor: Executor;
  readonly objects: GitObjects;
  readonly agent: Agent;
  readonly config: Config;
  /** Of conductor. */
  readonly version: string;
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

export interface AgentRequest<T> {
  /** The name of its sessions. */
  readonly label: Label;
  readonly phase: CallPhase;
  /** The task whose budget pays. */
  readonly payer: Label;
  readonly budget: Budget;
  /** The agent definition, by name. */
  readonly definition: string;
  /** Undefined: the agent's own default. */
  readonly model: string | undefined;
  /** Of the first attempt. */
  readonly prompt: string;
  /** The file that holds the answer. */
  readonly output: string;
  /** What the agent sees. */
  readonly inputTree: ObjectId;
  /** Sessions at most. */
  readonly attempts: number;
  /** What decides the answer, and so its key; undefined: the answer is not stored, and every request asks the agent. */
  readonly manifest: Manifest | undefined;
  /** The present document; the agent sees it at the path of the answer. */
  readonly former?: FormerDocument | undefined;
  /** What an earlier request left, and why it was refused: it is sent back like an answer of this one. */
  readonly draft?: { readonly text: string; readonly refusal: Refusal } | undefined;
  /** The task and attempt that the request's events belong to; undefined: it has events of its own. */
  readonly beside?: BesideTask | undefined;
  /** The accepted answer, or everything that is wrong with it. */
  check(text: string): Promise<Result<Accepted<T>, Refusal>>;
  /**
   * The prompt that asks for a correction; the agent then sees the refused answer at its path. Absent: a refused answer
   * is evidence of a failed attempt, like any other failure.
   */
  correct?(refusal: Refusal, times: number): Promise<Result<string, Failure>>;
}

export interface BesideTask {
  readonly task: Label;
  readonly attempt: number;
  readonly phase: 'rebase' | 'review';
}

export interface FormerDocument {
  readonly text: string;
  /** Whether its sources have changed: an agent that leaves the document unchanged is asked once again. */
  readonly isOutdated: boolean;
}

export interface Accepted<T> {
  readonly value: T;
  /** The document as the store keeps it. */
  readonly text: string;
}

export interface Refusal {
  readonly failure: Failure;
  /** One sentence each; they decide the key under which the next answer is stored. */
  readonly problems: readonly string[];
}

export interface AgentResponse<T> extends Accepted<T> {
  /** Its key in the store; undefined if it is not stored. */
  readonly key: ActionKey | undefined;
  /** What it cost when it was made; absent for a new one. */
  readonly cost?: Usage;
}
