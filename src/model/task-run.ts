/**
 * Work for an executor and its outcome: a stale task, gates on a tree, a document from an agent. All of it is plain
 * JSON and ids of git objects, without functions and secrets, so that it can go to another machine.
 */

import type { ActionKey, GateRun, KeyStep, Manifest, SeenInterface, TaskWords, Usage } from './action.js';
import type { CallPhase } from './event.js';
import type { Failure } from './failure.js';
import type { FormatStep } from './formatting/format.js';
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
      /** By attempt; the last one also counts for later attempts. Empty: the agent's own default. */
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
  /** From the key of the manifest to `key`. Absent: they are the same, or the way is not known. */
  readonly via?: readonly KeyStep[];
  /** For the record of the result. */
  readonly interfaces?: Readonly<Record<Label, SeenInterface>>;
  /** What the task says, for the record of the result. */
  readonly words?: TaskWords;
  readonly recipe: RunRecipe;
  /** The tree that the workspace shows. */
  readonly inputTree: ObjectId;
  /** What gates see below the files of the result; absent: what the recipe saw. */
  readonly gateTree?: ObjectId;
  /** The input tree with what earlier attempts left; absent: the first attempt starts from the input tree. */
  readonly left?: ObjectId;
  /** What becomes of files that are not the task's: dropped if its gates pass without them, or refused. */
  readonly stray: 'drop' | 'refuse';
  /** Lists of patterns of what the key covers: declared inputs, and what each direct dependency shows. */
  readonly keyed: readonly (readonly string[])[];
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  /** The edited files as people wrote them: path to entry word. */
  readonly editBases: Readonly<Record<string, string>>;
  /** Edited files that may have the patch already: no record of it was ever made here. */
  readonly mayStand?: readonly string[];
  /** Edited files that the workspace shows with more than the patch is to be made on. */
  readonly editSides: Readonly<Record<string, EditSides>>;
  readonly gates: readonly GateSpec[];
  /** What formats the files before gates. Absent: nothing. */
  readonly format?: Formatters;
  readonly budget: Budget;
  readonly network: boolean;
  /** Platforms and labels that a worker must have. Absent: a command needs the builder's platform. */
  readonly runsOn?: readonly string[];
  /** Whether the input tree holds the task's own former outputs. */
  readonly evolves: boolean;
  /** The reviewer of the work after its gates have passed; absent: no review. */
  readonly review?: ReviewRequest;
}

/** `inputs`: settings that the formatters read, path to entry word. */
export interface Formatters {
  readonly steps: readonly FormatStep[];
  readonly inputs: Readonly<Record<string, string>>;
}

/** States of one edited file, as entry words; empty for no file. */
export interface EditSides {
  /** With the patches of dependencies: what the patch is made on. */
  readonly plain: string;
  /** And with those of other tasks. */
  readonly beside: string;
  /** As the workspace shows it: also with the task's own former patch. */
  readonly shown: string;
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
      /** Its gates have passed on a machine whose word does not count here: they run here before anything records them. */
      readonly unseen?: true;
      readonly attempts: number;
      readonly usage: Usage;
      readonly ms: number;
    }
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** Of every attempt, earlier ones included. */
      readonly evidence: readonly string[];
      /** What the attempts left, and the input tree below it; absent: nothing that may be kept. */
      readonly tree?: ObjectId;
      readonly inputTree?: ObjectId;
      readonly attempts: number;
      readonly usage: Usage;
      readonly ms: number;
    };

/** Gates to run on a tree that exists already; nothing is made. */
export interface GatesRun {
  /** Whose gates they are; absent for the gates of the whole project. */
  readonly task?: Label;
  /** The tree that each gate sees. */
  readonly tree: ObjectId;
  readonly gates: readonly GateSpec[];
  readonly network: boolean;
  /** Each gate is tried once, before any work, and nothing is told of it. */
  readonly isPreflight?: boolean;
  /** In the names of the gates' logs: no two runs of one build share a log. */
  readonly attempt: number;
}

/** `runs`: of all gates that were run, in their order. `ms`: without the time that gates waited for their turn. */
export type GatesOutcome = { readonly runs: readonly GateRun[]; readonly ms: number } & (
  | { readonly ok: true }
  | { readonly ok: false; readonly failure: Failure }
);

/** Files of a result that exists already, to be formatted; no recipe runs. Files here are path to entry word. */
export interface FormatRun {
  readonly task: Label;
  /** What the formatters see. */
  readonly tree: ObjectId;
  /** What of it is formatted. */
  readonly files: Readonly<Record<string, string>>;
  readonly format: Formatters;
  /** What becomes of other files that a formatter writes. */
  readonly stray: 'drop' | 'refuse';
}

/** `files`: all of the run, as they are now. */
export type FormatOutcome =
  | { readonly ok: true; readonly files: Readonly<Record<string, string>> }
  | { readonly ok: false; readonly failure: Failure };

/** One session of an agent that is asked for one file. The file is handed back; the store keeps nothing of it. */
export interface DocumentRun {
  /** Its own name; no task has it where a task pays for it. */
  readonly label: Label;
  readonly work: WorkKind;
  /** The task whose budget pays. */
  readonly payer: Label;
  readonly budget: Budget;
  /** From 1. */
  readonly attempt: number;
  /** What earlier attempts have shown is a part of it. */
  readonly prompt: string;
  readonly agent: string;
  /** The agent definition, by name. */
  readonly definition: string;
  /** Absent: the agent's own default. */
  readonly model?: string;
  readonly inputTree: ObjectId;
  /** The one file that is taken from the workspace. */
  readonly output: string;
}

/** `usage`: everything that the payer has used in this build. */
export type DocumentOutcome =
  | { readonly ok: true; readonly document: ObjectId; readonly usage: Usage }
  | { readonly ok: false; readonly failure: Failure; readonly usage: Usage };
