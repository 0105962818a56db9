/** The list of everything that decides a task's content. Hashed, it is the key; compared, it is the explanation. */

import { compareBytes } from '../base/order.js';
import type { Manifest, ManifestItem } from '../model/action.js';
import { canonicalJson, type Digest, digestFields } from '../model/digest.js';
import type { Task } from '../model/task.js';
import { digestFiles, type Entry, encodeEntry, type ObjectId } from '../model/tree.js';

/** Above this many files an input is shown as one digest, not file by file. */
const LISTED_FILES = 200;

/** What of a recipe decides content, already gathered: rendered, resolved, digested. */
export type RecipeFacts =
  | {
      readonly kind: 'agent';
      readonly identity: string;
      readonly model: string | undefined;
      readonly variant: string | undefined;
      readonly prompt: string;
    }
  | { readonly kind: 'render'; readonly templates: readonly RenderFacts[] }
  | { readonly kind: 'run' };

export interface RenderFacts {
  readonly to: string;
  readonly template: string;
  /** Ids of the template and of the partials that it uses, by path. */
  readonly sources: readonly (readonly [path: string, id: ObjectId])[];
  readonly variables: string;
  /** Backslashes stand before its variables, which once meant that these are no variables. */
  readonly hasPlainBackslashes?: boolean;
}

export interface ManifestFacts {
  readonly task: Task;
  readonly salt: string;
  readonly recipe: RecipeFacts;
  /** Files that each declared input matches, as they are in the input tree. */
  readonly inputs: readonly {
    readonly pattern: string;
    readonly files: readonly (readonly [string, Entry])[];
  }[];
  /** Files whose bytes on disk are others than git's, each with what makes them so. Absent: none. */
  readonly conversions?: readonly string[];
  /** The whole hand-written tree, for a `run` recipe that declares no inputs and may read all of it. */
  readonly wholeTree: ObjectId | undefined;
  /** Direct dependencies, in the order of their labels. */
  readonly dependencies: readonly {
    readonly label: string;
    /** Of the bytes of its interface, which gates can read. */
    readonly interface: Digest;
    /** What the recipe is keyed on where that is less. */
    readonly signature?: Digest;
  }[];
  /** What the recipe gets beside files: variables, tools, packages. */
  readonly settings: readonly ManifestItem[];
  /** What the recipe can read beyond that. */
  readonly beyond: BeyondInterfaces;
  /** What the task's gates can read beyond that, as one digest; undefined: nothing, or there are none. */
  readonly gateReads: Digest | undefined;
}

/** Files of dependencies that the interfaces of direct dependencies do not tell. */
export interface BeyondInterfaces {
  /** By the label of the dependency: everything that it made. */
  readonly outputs: readonly (readonly [label: string, files: Digest])[];
  /** By path: the patches of dependencies that are no direct ones. */
  readonly patches: readonly (readonly [path: string, patches: Digest])[];
}

export function describeTask(facts: ManifestFacts): Manifest {
  const { task } = facts;
  const items: ManifestItem[] = [];
  const word = (name: string, value: string) => items.push({ name, value, show: 'word' });
  const text = (name: string, value: string) => items.push({ name, value, show: 'text' });
  const id = (name: string, value: string) => items.push({ name, value, show: 'id' });

  // Changed by hand to disown every earlier result.
  if (facts.salt !== '') word('salt', facts.salt);
  word('recipe', facts.recipe.kind);
  switch (facts.recipe.kind) {
    case 'agent':
      word('agent', facts.recipe.identity);
      if (facts.recipe.model !== undefined) word('model', facts.recipe.model);
      if (facts.recipe.variant !== undefined) word('variant', facts.recipe.variant);
      text('prompt', facts.recipe.prompt);
      break;
    case 'render':
      for (const step of facts.recipe.templates) {
        word(`render ${step.to}`, step.template);
        for (const [path, blob] of step.sources) id(`template ${path}`, blob);
        text(`variables of ${step.to}`, step.variables);
        if (step.hasPlainBackslashes) word(`backslashes in ${step.to}`, 'printed');
      }
      break;
    case 'run':
      if (task.recipe.kind === 'run') text('command', runText(task.recipe.command));
      break;
  }
  // What the task may write shapes what it writes.
  text('outputs', task.outputs.join('\n'));
  if (task.edits.length > 0) text('edits', task.edits.join('\n'));
  for (const input of facts.inputs) {
    const name = `input ${input.pattern}`;
    if (input.files.length > LISTED_FILES) id(name, digestFiles(input.files));
    else text(name, input.files.map(([path, entry]) => `${path} ${encodeEntry(entry)}`).join('\n'));
  }
  if (facts.conversions) text('written to disk with', facts.conversions.join('\n'));
  if (facts.wholeTree !== undefined) id('input (the whole tree)', facts.wholeTree);
  // Direct dependencies by what they produced, never by what they were made from: the rule that makes early cutoff
  // possible and a mix of results of different runs impossible.
  for (const dependency of facts.dependencies)
    id(`dependency ${dependency.label}`, dependency.signature ?? dependency.interface);
  // But a recipe is keyed on everything that it can read: without declared inputs that is more.
  for (const [label, files] of facts.beyond.outputs) id(`all files of dependency ${label}`, files);
  for (const [path, patches] of facts.beyond.patches) id(`patches of ${path}`, patches);
  items.push(...facts.settings);
  return items;
}

/** An argument vector and a shell line of the same text are different commands. */
function runText(command: string | readonly string[]): string {
  return typeof command === 'string' ? command : canonicalJson(command);
}

export interface GatedTask {
  readonly task: Pick<Task, 'label'>;
  readonly gates: readonly { readonly command: string | readonly string[] }[];
  readonly facts: Pick<ManifestFacts, 'inputs' | 'dependencies' | 'gateReads' | 'conversions'>;
}

/**
 * The key of a task's gates on one exact result: their commands and everything that they can read. A changed gate, or a
 * changed file that it can read, gives another key and so a re-verification, not a regeneration.
 */
export function gatesKey(
  { task, gates, facts }: GatedTask,
  outputs: Iterable<readonly [string, Entry]>,
  patches: Iterable<readonly [string, Entry | undefined]>,
): Digest | undefined {
  if (gates.length === 0) return undefined;
  return digestFields('conductor.gates.1', [
    task.label,
    String(gates.length),
    ...gates.map((gate) => runText(gate.command)),
    digestFiles(outputs),
    ...byPath(patches).flatMap(([path, entry]) => [path, entry ? encodeEntry(entry) : 'deleted']),
    ...facts.inputs.flatMap((input) => [input.pattern, digestFiles(input.files)]),
    ...facts.dependencies.flatMap((dependency) => [dependency.label, dependency.interface]),
    ...(facts.conversions ?? []),
    // Where the above is all, the key is that of versions which knew nothing else: what they verified stays verified.
    ...(facts.gateReads === undefined ? [] : ['reads', facts.gateReads]),
  ]);
}

/** What dependents see of a result: the files of its interface (default: all) and what it patched. */
export function interfaceDigest(
  outputs: Iterable<readonly [string, Entry]>,
  patches: Iterable<readonly [string, string]>,
): Digest {
  return digestFields('conductor.interface.1', [digestFiles(outputs), ...byPath(patches).flat()]);
}

/** A file of an interface that counts by signature; with `entry` in place of what it declares: by its bytes. */
export type SignedFile =
  | { readonly path: string; readonly mode: string; readonly declares: readonly string[] }
  | { readonly path: string; readonly entry: string };

/** What dependents by signature see of a result: what its files declare, and what it patched. */
export function signatureDigest(
  files: readonly SignedFile[],
  patches: Iterable<readonly [string, string]>,
): Digest {
  const sorted = [...files].sort((a, b) => compareBytes(a.path, b.path));
  return digestFields('conductor.interface.signatures.1', [
    ...sorted.flatMap((file) =>
      'entry' in file
        ? [file.path, 'bytes', file.entry]
        : [file.path, file.mode, String(file.declares.length), ...file.declares],
    ),
    ...byPath(patches).flat(),
  ]);
}

/** Patches have no order of their own: a result has them as its spec lists the files, a lock file by name. */
function byPath<T>(patches: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...patches].sort(([a], [b]) => compareBytes(a, b));
}
