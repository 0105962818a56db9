/** The tasks of a spec with their variables filled in, one for each entry of a `foreach`. Knows no other spec. */

import type { KeyPath } from '../../io/document/document.js';
import type { Config } from '../../model/config.js';
import { Ownership } from '../../model/paths/ownership.js';
import { patternProblem } from '../../model/paths/pattern.js';
import { excludedText } from '../../model/paths/pattern-set.js';
import type { Label } from '../../model/task.js';
import type { Listing } from '../../model/tree.js';
import type { WrittenTask } from '../normalise.js';
import type { ParsedSpec } from '../parse.js';
import type { SpecProblem } from '../problem.js';
import type { RawBacklog, RawDefaults, RawForeach, RawTask } from '../raw.js';
import { FILE_VARIABLES, foreachEntries, globsOf, matchingPaths } from './foreach-entries.js';
import { hasBraces, type Scope, type ValueProblem, ValueRendering } from './render-values.js';

/** One task as the spec means it. */
export interface Variant {
  /** Behind the id of the task; undefined for a task without `foreach`. */
  readonly entry: string | undefined;
  readonly raw: RawTask;
  readonly defaults: RawDefaults;
  /** The file of the project for which it stands. */
  readonly file?: string;
}

export interface Expansion {
  /** By the place of the task in its spec. A task that is as it is written is not in it. */
  readonly variants: ReadonlyMap<number, readonly Variant[]>;
  readonly globs: readonly string[];
  readonly problems: readonly SpecProblem[];
  readonly warnings: readonly SpecProblem[];
}

export interface ExpansionContext {
  readonly listing: Listing;
  readonly config: Pick<Config, 'specs' | 'vars'>;
}

/** Of the same spec with the same variables and the same files, the very same expansion. */
const known = new WeakMap<object, { readonly of: string; readonly expansion: Expansion }>();

/** Undefined for a spec in which everything is as it is written. */
export async function expandSpec(
  parsed: ParsedSpec,
  context: ExpansionContext,
): Promise<Expansion | undefined> {
  const { spec, value, prose } = parsed;
  if (value === null || typeof value !== 'object') return undefined;
  const isSingle = spec.kind !== 'backlog';
  const backlog = value as Partial<RawBacklog>;
  const tasks = isSingle ? [{ ...(value as RawTask), description: prose }] : backlog.tasks;
  if (!Array.isArray(tasks)) return undefined;
  const hasVars = backlog.vars !== undefined || Object.keys(context.config.vars).length > 0;
  if (!hasVars && !tasks.some((task) => task?.foreach !== undefined)) return undefined;

  const matches = tasks.map((task: RawTask | null) =>
    task?.foreach === undefined ? undefined : globMatches(task.foreach, context),
  );
  const of = JSON.stringify([spec.file, context.config.vars, context.config.specs, prose, matches]);
  const before = known.get(value);
  if (before?.of === of && parsed.diagnostics.length === 0) return before.expansion;

  const expanding = new Expanding(parsed, context);
  for (const [at, task] of tasks.entries()) {
    const path = isSingle ? [] : ['tasks', at];
    if (task !== null && typeof task === 'object' && !expanding.isBroken(path))
      await expanding.add(at, path, task);
  }
  if (parsed.diagnostics.length === 0) known.set(value, { of, expansion: expanding });
  return expanding;
}

/** Tasks without those for files that a task writes: an entry is a file that people wrote, before a build and after it. */
export function withoutBuiltEntries(tasks: readonly WrittenTask[]): readonly WrittenTask[] {
  if (tasks.every(({ forFile }) => forFile === undefined)) return tasks;
  const ownership = new Ownership(tasks.map(({ task }) => task));
  return tasks.filter(({ forFile }) => forFile === undefined || ownership.ownerOf(forFile) === undefined);
}

/** The tasks, with all tasks of a `foreach` in place of its own label in `depends_on`. */
export function expandNeeds(
  written: readonly WrittenTask[],
  features: readonly { readonly groups: ReadonlyMap<Label, readonly Label[]> }[],
): readonly WrittenTask[] {
  const groups = new Map(features.flatMap((feature) => [...feature.groups]));
  if (groups.size === 0) return written;
  const there = new Set(written.map(({ task }) => task.label));
  const meant = (need: Label) => groups.get(need)?.filter((label) => there.has(label)) ?? [need];
  return written.map((one) => {
    if (!one.task.dependsOn.some((need) => groups.has(need))) return one;
    const dependsOn = [...new Set(one.task.dependsOn.flatMap(meant))];
    return { ...one, task: { ...one.task, dependsOn } };
  });
}

function globMatches(foreach: RawForeach, { listing, config }: ExpansionContext): unknown {
  const globs = globsOf(foreach);
  const areSound = globs?.every((one) => patternProblem(excludedText(one)) === undefined);
  return globs && areSound ? matchingPaths(globs, listing, config.specs) : undefined;
}

class Expanding implements Expansion {
  readonly variants = new Map<number, readonly Variant[]>();
  readonly globs: string[] = [];
  readonly problems: SpecProblem[] = [];
  readonly warnings: SpecProblem[] = [];
  private readonly parsed: ParsedSpec;
  private readonly context: ExpansionContext;
  private readonly scope: Scope;
  private readonly defaults: RawDefaults;

  constructor(parsed: ParsedSpec, context: ExpansionContext) {
    this.parsed = parsed;
    this.context = context;
    const { vars = {}, defaults = {} } = parsed.value as Partial<RawBacklog>;
    this.scope = { ...context.config.vars, ...(this.isBroken(['vars']) ? {} : vars) };
    this.defaults = this.isBroken(['defaults']) ? {} : defaults;
  }

  /** Whether the schema refuses something in it. */
  isBroken(path: KeyPath): boolean {
    return this.parsed.broken.some((one) => path.every((part, i) => one[i] === part));
  }

  async add(at: number, path: KeyPath, raw: RawTask): Promise<void> {
    const { foreach, vars: _, ...own } = raw as RawTask & Partial<RawBacklog>;
    if (foreach === undefined) {
      if (!hasBraces(own) && !hasBraces(this.defaults)) return;
      this.variants.set(at, [await this.variant(own, path, this.scope)]);
      return;
    }
    const { listing, config } = this.context;
    const found = await foreachEntries(foreach, this.scope, { listing, specs: config.specs });
    this.globs.push(...found.globs);
    this.report(found.problems, path);
    if (found.entries.length === 0 && found.problems.length === 0) {
      const of = raw.id === undefined ? '' : ` of ${raw.id}`;
      const message = `\`foreach\`${of} has no entries, so it makes no task`;
      this.warnings.push({ file: this.parsed.spec.file, path: [...path, 'foreach'], message });
    }
    const variants: Variant[] = [];
    for (const { name, scope, file } of found.entries) {
      const untrusted = file === undefined ? [] : FILE_VARIABLES;
      const variant = await this.variant(own, path, scope, untrusted);
      variants.push({ ...variant, entry: name, ...(file === undefined ? {} : { file }) });
    }
    this.variants.set(at, variants);
  }

  private async variant(
    raw: RawTask,
    path: KeyPath,
    scope: Scope,
    untrusted: readonly string[] = [],
  ): Promise<Variant> {
    const task = new ValueRendering(scope, untrusted);
    const defaults = new ValueRendering(scope, untrusted);
    const variant = {
      entry: undefined,
      raw: await task.task(raw),
      defaults: await defaults.task(this.defaults),
    };
    this.report(task.problems, path);
    this.report(defaults.problems, ['defaults']);
    return variant;
  }

  private report(problems: readonly ValueProblem[], path: KeyPath): void {
    const { file } = this.parsed.spec;
    for (const problem of problems)
      this.problems.push({ ...problem, file, path: [...path, ...problem.path] });
  }
}
