/**
 * One stale task on its way to an executor and back: plain JSON plus ids of git objects, so that the same two can go
 * over a queue to another machine. Knows nothing of either end.
 */

import type { ActionKey, Manifest, Usage } from './action.js';
import type { CallPhase } from './event.js';
import type { Failure } from './failure.js';
import type { ModelChoice } from './routes.js';
import type { Budget, Command, GateSpec, Label } from './task.js';
import type { ObjectId } from './tree.js';

export type RunRecipe =
  | {
      readonly kind: 'agent';
      /** The prompt of a first attempt; the executor adds negative evidence to later ones. */
      readonly prompt: string;
      readonly agent: string;
      /** The agent definition, by name. */
      readonly definition: string;
      /** By attempt; the last stands for later ones, and none at all for the agent's own default. */
      readonly choices: readonly ModelChoice[];
      readonly attempts: number;
      /** What was tried before this run, by other words or another model. */
      readonly earlier?: Tried;
    }
  /** Files already rendered: path and blob. */
  | { readonly kind: 'render'; readonly files: readonly { readonly path: string; readonly blob: ObjectId }[] }
  | { readonly kind: 'run'; readonly command: Command };

/** What kind of work it is, for the record only. */
export interface WorkKind {
  readonly phase: CallPhase;
  readonly taskType?: string;
  readonly complexity?: string;
}

export interface TaskRun {
  readonly label: Label;
  readonly work: WorkKind;
  /** Under which the result is stored. */
  readonly key: ActionKey;
  /** The task whose budget pays, where it is not this one's own. */
  readonly payer?: Label;
  readonly manifest: Manifest;
  readonly recipe: RunRecipe;
  /** The tree that the workspace shows. */
  readonly inputTree: ObjectId;
  /** Lists of patterns of what the key covers: declared inputs, and what each direct dependency shows. */
  readonly keyed: readonly (readonly string[])[];
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  /** The edited files as people wrote them: path to entry word. */
  readonly editBases: Readonly<Record<string, string>>;
  readonly gates: readonly GateSpec[];
  readonly budget: Budget;
  readonly network: boolean;
  /** Whether the view holds the task's own former outputs. */
  readonly evolves: boolean;
  /** Who judges the work when its gates have passed; absent: nobody. */
  readonly review?: ReviewRequest;
}

/** Attempts that have failed, and what each has shown. */
export interface Tried {
  readonly attempts: number;
  readonly evidence: readonly string[];
}

export interface ReviewRequest {
  /** The diff is put behind it. */
  readonly prompt: string;
  /** The task's criteria: an approval has to judge each of them. */
  readonly acceptance: readonly string[];
  readonly definition: string;
  /** What of the definition decides content; absent: the agent works without one. */
  readonly identity?: string;
  readonly model?: string;
}

export type TaskOutcome =
  | {
      readonly ok: true;
      readonly result: ObjectId;
      /** It is another build's, which was first with this key: the gates that passed here say nothing of it. */
      readonly adopted?: true;
      readonly attempts: number;
      readonly usage: Usage;
      readonly ms: number;
    }
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** Of every attempt, earlier ones included. */
      readonly evidence: readonly string[];
      /** What the last attempt left, where it came as far as its gates. */
      readonly tree?: ObjectId;
      readonly attempts: number;
      readonly usage: Usage;
      readonly ms: number;
    };
