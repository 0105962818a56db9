/** Turns a task as written into a normalised one: defaults filled in, labels complete. */

import type { KeyPath } from '../io/document/document.js';
import { resolveFormat } from '../model/formatting/format.js';
import { type Label, type Recipe, resolveGate, type Task, type TaskNotes } from '../model/task.js';
import {
  interfaceFiles,
  type RawContext,
  type RawDefaults,
  type RawGate,
  type RawInterface,
  type RawTask,
} from './raw.js';
import type { SharedTexts } from './shared-texts.js';

/** A task with what is needed to say where each of its values was written. */
export interface WrittenTask {
  readonly task: Task;
  readonly raw: RawTask;
  /** Keys that could not be read and are left out: nothing is said of what they lack. */
  readonly unread: ReadonlySet<string>;
  /** The entries of `depends_on` as labels; that of a task with `foreach` stands for all its tasks. */
  readonly needs: readonly Label[];
  /** The file for which a `foreach` made it. */
  readonly forFile?: string;
  /** The list of `edits` as written, and of each edited file of the task the entry that names it. */
  readonly edits: { readonly patterns: readonly string[]; readonly from: readonly number[] };
  /** Path of entry `index` of a list: in the task, in the `defaults`, or in the steps that stand for it. */
  placeOf(
    key: 'inputs' | 'edits' | 'outputs' | 'interface' | 'depends_on' | 'spec_refs',
    index: number,
  ): KeyPath;
}

export interface TaskOrigin {
  readonly feature: string;
  readonly file: string;
  readonly path: KeyPath;
  readonly defaults: RawDefaults;
  /** Ids of tasks with `foreach` in this feature: `<id>/<entry>` is a task of it. */
  readonly groups?: ReadonlySet<string>;
  /** Its texts are not those of the file: variables were filled in. */
  readonly hasVariables?: boolean;
  readonly forFile?: string;
  /** Labels, paths and templates of one file: a project may have a hundred thousand tasks that name each other. */
  readonly texts: SharedTexts;
}

const NOTHING: ReadonlySet<string> = new Set();
/** One for all: most tasks leave most keys out, and a project may have a hundred thousand tasks. */
const NO_ENTRIES: readonly never[] = Object.freeze([]);
const NO_KEYS = Object.freeze({});
const NO_EDITS: WrittenTask['edits'] = { patterns: NO_ENTRIES, from: NO_ENTRIES };
const NO_CONTEXT: Task['context'] = {
  constraints: NO_ENTRIES,
  patterns: NO_ENTRIES,
  gotchas: NO_ENTRIES,
};

export function normaliseTask(
  raw: RawTask,
  id: string,
  origin: TaskOrigin,
  unread: ReadonlySet<string> = NOTHING,
): WrittenTask {
  const { feature, file, path, defaults, texts } = origin;
  const needs: readonly Label[] = raw.depends_on?.map((need) => needLabel(need, origin)) ?? NO_ENTRIES;
  const edits = joined(defaults.edits, raw.edits);
  const by = Array.isArray(raw.interface) ? undefined : (raw.interface as RawInterface | undefined)?.by;
  const format = raw.format ?? defaults.format;
  const recipe = recipeOf(raw, texts);
  const task: Task = {
    label: texts.one(`${feature}/${id}`),
    feature,
    id,
    title: raw.title ?? id,
    type: raw.type ?? defaults.type ?? 'implementation',
    complexity: raw.complexity ?? defaults.complexity ?? 'medium',
    description: raw.description ?? '',
    acceptance: raw.acceptance ?? NO_ENTRIES,
    dependsOn: distinct(needs),
    inputs: raw.inputs || defaults.inputs ? joined(defaults.inputs, raw.inputs) : undefined,
    outputs:
      raw.outputs ?? (recipe.kind === 'render' ? distinct(recipe.steps.map(({ to }) => to)) : NO_ENTRIES),
    edits,
    interface: interfaceFiles(raw).files,
    ...(by === undefined ? {} : { interfaceBy: by }),
    specRefs: raw.spec_refs ?? NO_ENTRIES,
    context: joinedContext(defaults.context, raw.context),
    verify: defaults.verify || raw.verify ? joined(defaults.verify, raw.verify).map(gate) : NO_ENTRIES,
    ...(format === undefined ? {} : { format: format.map(resolveFormat) }),
    budget: raw.budget ?? NO_KEYS,
    network: raw.network ?? false,
    ...(raw.runs_on === undefined ? {} : { runsOn: raw.runs_on }),
    review: raw.review,
    reverify: raw.reverify,
    stray: raw.stray,
    agent: raw.agent,
    model: raw.model,
    recipe,
    notes: notesOf(raw),
    source: { file, path, ...(origin.hasVariables ? { hasVariables: true as const } : {}) },
  };
  return {
    task,
    raw,
    unread,
    needs,
    ...(origin.forFile === undefined ? {} : { forFile: origin.forFile }),
    edits: edits.length === 0 ? NO_EDITS : { patterns: edits, from: [...edits.keys()] },
    placeOf(key, index) {
      if (key === 'outputs' && !raw.outputs) {
        const step = raw.render?.findIndex(({ to }) => to === task.outputs[index]) ?? 0;
        return [...path, 'render', step, 'to'];
      }
      if (key === 'interface') return [...path, ...interfaceFiles(raw).place, index];
      if (key !== 'inputs' && key !== 'edits') return [...path, key, index];
      // An entry that both lists have stands where the defaults have it.
      const own = joined(defaults[key], raw[key])[index] ?? '';
      const at = defaults[key]?.indexOf(own) ?? -1;
      return at >= 0 ? ['defaults', key, at] : [...path, key, raw[key]?.indexOf(own) ?? index];
    },
  };
}

function needLabel(need: string, { feature, groups, texts }: TaskOrigin): Label {
  const slash = need.indexOf('/');
  return texts.one(slash < 0 || groups?.has(need.slice(0, slash)) ? `${feature}/${need}` : need);
}

function recipeOf(raw: RawTask, texts: SharedTexts): Recipe {
  if (raw.render) {
    const steps = raw.render.map(({ template, to, with: variables }) => ({
      template: texts.one(template),
      to: texts.one(to),
      with: variables ?? NO_KEYS,
    }));
    return { kind: 'render', steps };
  }
  if (raw.run !== undefined) return { kind: 'run', command: raw.run };
  return { kind: 'agent', strategy: raw.strategy ?? 'evolve' };
}

function notesOf({ status, priority, owner }: RawTask): TaskNotes {
  if (status === undefined && priority === undefined && owner === undefined) return NO_KEYS;
  return {
    ...(status === undefined ? {} : { status }),
    ...(priority === undefined ? {} : { priority }),
    ...(owner === undefined ? {} : { owner }),
  };
}

function gate(raw: RawGate) {
  if (typeof raw === 'string') return resolveGate(raw);
  return resolveGate({
    run: raw.run,
    ...(raw.name === undefined ? {} : { name: raw.name }),
    ...(raw.timeout === undefined ? {} : { timeoutMinutes: raw.timeout }),
    ...(raw.inputs === undefined ? {} : { inputs: raw.inputs }),
  });
}

/** The defaults first; duplicates are removed. */
function joined<T>(defaults: readonly T[] = NO_ENTRIES, own: readonly T[] = NO_ENTRIES): readonly T[] {
  if (defaults.length === 0) return distinct(own);
  return own.length === 0 ? distinct(defaults) : [...new Set([...defaults, ...own])];
}

/** The very list where nothing is there twice: a project has many tasks, and most of their lists have one entry or none. */
function distinct<T>(list: readonly T[]): readonly T[] {
  if (list.length === 0) return NO_ENTRIES;
  return list.length < 2 ? list : [...new Set(list)];
}

function joinedContext(defaults: RawContext = NO_KEYS, own: RawContext = NO_KEYS): Task['context'] {
  if (defaults === NO_KEYS && own === NO_KEYS) return NO_CONTEXT;
  return {
    constraints: joined(defaults.constraints, own.constraints),
    patterns: joined(defaults.patterns, own.patterns),
    gotchas: joined(defaults.gotchas, own.gotchas),
  };
}
