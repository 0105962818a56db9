/** Tasks: normalised entries of a backlog. Knows no files, keys or recipes in action. */

import { type Command, commandText } from './formatting/command.js';
import type { FormatStep } from './formatting/format.js';

export { type Command, commandText } from './formatting/command.js';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** `<feature>/<id>`, the name of a task everywhere; `<feature>/<id>/<entry>` where a `foreach` made it. */
export type Label = string;

export interface RenderStep {
  /** Path of a Handlebars file below `templates/`. */
  readonly template: string;
  /** The output that it makes, relative to the project. */
  readonly to: string;
  readonly with: { readonly [name: string]: Json };
}

/** `evolve`: the input tree holds the former outputs; `fresh`: it does not. */
export type Strategy = 'evolve' | 'fresh';

export type Recipe =
  | { readonly kind: 'agent'; readonly strategy: Strategy }
  | { readonly kind: 'render'; readonly steps: readonly RenderStep[] }
  | { readonly kind: 'run'; readonly command: Command };

/** How a result came to be: by a recipe, or by a person whose edit was accepted. */
export type ResultRecipe = Recipe['kind'] | 'accepted';

/** Every `ResultRecipe`, for what is read from files; a new recipe does not compile without its line here. */
export const RESULT_RECIPES = Object.keys({
  agent: true,
  render: true,
  run: true,
  accepted: true,
} satisfies Readonly<Record<ResultRecipe, true>>);

export interface GateSpec {
  /** Shown to people; the command itself unless the spec names it. */
  readonly name: string;
  readonly command: Command;
  readonly timeoutMinutes?: number;
  /** A build gate runs only when one of these changed; a task gate sees them beside what the task sees. */
  readonly inputs?: readonly string[];
}

/** Gate in the config: a command, or a command with a name and limits. */
export type GateConfig =
  | Command
  | {
      readonly name?: string;
      readonly run: Command;
      readonly timeoutMinutes?: number;
      readonly inputs?: readonly string[];
    };

export interface Budget {
  readonly usd?: number;
  readonly tokens?: number;
  readonly minutes?: number;
}

export interface TaskContext {
  readonly constraints: readonly string[];
  readonly patterns: readonly string[];
  readonly gotchas: readonly string[];
}

export interface Task {
  readonly label: Label;
  readonly feature: string;
  readonly id: string;
  readonly title: string;
  readonly type: string;
  readonly complexity: 'low' | 'medium' | 'high';
  readonly description: string;
  readonly acceptance: readonly string[];
  /** Direct dependencies, as labels. */
  readonly dependsOn: readonly Label[];
  /** `undefined`: not declared (the input tree is the whole hand-written tree); `[]`: reads nothing of it. */
  readonly inputs: readonly string[] | undefined;
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  /** What the spec says where that is not the files themselves: globs and excludes, whose files `edits` has. */
  readonly editPatterns?: readonly string[];
  /** The part of the outputs that dependents are keyed on; `undefined`: all of them without tests. */
  readonly interface: readonly string[] | undefined;
  /** How: `signature` (agents' tasks are keyed on what files declare) unless it says otherwise. */
  readonly interfaceBy?: 'signature' | 'bytes';
  readonly specRefs: readonly string[];
  readonly context: TaskContext;
  readonly verify: readonly GateSpec[];
  /** Commands that format what it writes; undefined: those of the config. */
  readonly format?: readonly FormatStep[];
  readonly budget: Budget;
  readonly network: boolean;
  /** Platforms and labels that a worker must have; `undefined`: a command needs the builder's platform. */
  readonly runsOn?: readonly string[];
  /** Whether a reviewer judges it; `undefined`: as the config says. */
  readonly review: boolean | undefined;
  /** Whether gates are run first on its former result when only what it builds on changed; `undefined`: as the config says. */
  readonly reverify: boolean | undefined;
  /** What becomes of files that it writes and does not own; `undefined`: as the config says. */
  readonly stray: 'drop' | 'refuse' | undefined;
  /** Name of the agent definition; `undefined`: chosen by type. */
  readonly agent: string | undefined;
  readonly model: string | undefined;
  readonly recipe: Recipe;
  /** People's words about the work; in no key. */
  readonly notes: TaskNotes;
  readonly source: TaskSource;
}

export const TASK_STATUSES = ['todo', 'in-progress', 'blocked', 'done'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

export interface TaskNotes {
  readonly status?: TaskStatus;
  readonly priority?: string | number;
  readonly owner?: string;
}

/** Where a task was written: the file and the path of keys inside it. Used for messages only. */
export interface TaskSource {
  readonly file: string;
  readonly path: readonly (string | number)[];
  /** The file has variables there, or one entry for several tasks: what the task says is not what the file says. */
  readonly hasVariables?: true;
}

/** One folder or single file below `specs/`. */
export interface Feature {
  readonly name: string;
  /** `specs/<feature>/BACKLOG.yaml` or `specs/<name>.spec.md`. */
  readonly file: string;
  /** Where its lock is: `specs/<feature>/.metadata.json` or `specs/<name>.spec.metadata.json`. */
  readonly lockFile: string;
  readonly title: string;
  readonly tasks: readonly Task[];
  /** Globs whose matches decide which tasks there are. */
  readonly foreach?: readonly string[];
  /** Text of the feature's `context.md`, empty when there is none. */
  readonly context: string;
  /** The referenced sections of the feature's documents by `spec_refs` text. */
  readonly sections: ReadonlyMap<string, string>;
}

/** Whether a pattern given on the command line (a feature, a label or a glob of either) names this task. */
export function targetNames(
  target: string,
  matches: (glob: string, name: string) => boolean,
  task: Task,
): boolean {
  // `<feature>/<id>` also means every task that the `foreach` of this id has made.
  const group = task.label.split('/', 2).join('/');
  return [task.feature, task.label, group].some((name) => target === name || matches(target, name));
}

/** A gate as written in a config or a spec, with its name filled in. */
export function resolveGate(gate: GateConfig): GateSpec {
  if (typeof gate === 'string') return { name: gate, command: gate };
  if ('run' in gate) {
    return {
      name: gate.name ?? commandText(gate.run),
      command: gate.run,
      ...(gate.timeoutMinutes === undefined ? {} : { timeoutMinutes: gate.timeoutMinutes }),
      ...(gate.inputs === undefined ? {} : { inputs: gate.inputs }),
    };
  }
  return { name: commandText(gate), command: gate };
}
