/** Specs as written, after the schema has accepted them. Knows no defaults. */

import type { FormatConfig } from '../model/formatting/format.js';
import type { Command, Json, TaskStatus } from '../model/task.js';

export interface RawContext {
  readonly constraints?: readonly string[];
  readonly patterns?: readonly string[];
  readonly gotchas?: readonly string[];
}

export type RawGate =
  | string
  | {
      readonly run: Command;
      readonly name?: string;
      readonly timeout?: number;
      readonly inputs?: readonly string[];
    };

export interface RawRenderStep {
  readonly template: string;
  readonly to: string;
  readonly with?: { readonly [name: string]: Json };
}

export interface RawInterface {
  readonly files?: readonly string[];
  readonly by?: 'signature' | 'bytes';
}

/** A glob or a variable, a list, or either with names for the tasks. */
export type RawForeach =
  | string
  | readonly Json[]
  | {
      readonly glob?: string | readonly string[];
      readonly items?: string | readonly Json[];
      readonly label?: string;
    };

/** What may stand in `defaults` and in a task. */
export interface RawDefaults {
  readonly type?: string;
  readonly complexity?: 'low' | 'medium' | 'high';
  readonly inputs?: readonly string[];
  readonly edits?: readonly string[];
  readonly verify?: readonly RawGate[];
  readonly format?: readonly FormatConfig[];
  readonly context?: RawContext;
}

export interface RawTask extends RawDefaults {
  readonly id?: string;
  readonly foreach?: RawForeach;
  readonly title?: string;
  readonly description?: string;
  readonly acceptance?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly outputs?: readonly string[];
  readonly interface?: readonly string[] | RawInterface;
  readonly spec_refs?: readonly string[];
  readonly budget?: { readonly usd?: number; readonly tokens?: number; readonly minutes?: number };
  readonly network?: boolean;
  readonly runs_on?: readonly string[];
  readonly review?: boolean;
  readonly reverify?: boolean;
  readonly stray?: 'drop' | 'refuse';
  readonly strategy?: 'evolve' | 'fresh';
  readonly agent?: string;
  readonly model?: string;
  readonly render?: readonly RawRenderStep[];
  readonly run?: Command;
  readonly status?: TaskStatus;
  readonly priority?: string | number;
  readonly owner?: string;
}

/** The list of files of an interface, which has two forms, and where it stands in the task. */
export function interfaceFiles({ interface: shown }: RawTask): {
  readonly files: readonly string[] | undefined;
  readonly place: readonly string[];
} {
  const isList = Array.isArray(shown);
  const files = isList ? (shown as readonly string[]) : (shown as RawInterface | undefined)?.files;
  return { files, place: isList ? ['interface'] : ['interface', 'files'] };
}

/** What a feature proposes to change in a task of another one: lists are added, a description takes the place of its own. */
export interface RawChange
  extends Pick<RawTask, 'description' | 'acceptance' | 'inputs' | 'outputs' | 'edits'> {
  readonly task: string;
  readonly because: string;
}

export interface RawBacklog {
  readonly feature?: string;
  readonly title?: string;
  readonly vars?: { readonly [name: string]: Json };
  readonly defaults?: RawDefaults;
  readonly changes?: readonly RawChange[];
  readonly tasks: readonly RawTask[];
}
