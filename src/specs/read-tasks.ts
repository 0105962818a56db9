/** The features and tasks of parsed specs, one file at a time. Knows no other files. */

import type { KeyPath } from '../io/document/document.js';
import type { Diagnostic } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { normaliseTask, type WrittenTask } from './normalise.js';
import type { ParsedSpec } from './parse.js';
import type { SpecProblem } from './problem.js';
import type { RawBacklog, RawDefaults, RawTask } from './raw.js';
import { SharedTexts } from './shared-texts.js';
import type { SpecFile } from './spec-files.js';
import type { Expansion } from './variables/expand-specs.js';

export interface WrittenFeature {
  readonly spec: SpecFile;
  readonly title: string;
  readonly tasks: readonly WrittenTask[];
  /** Labels that exist, those of tasks that could not be read included. */
  readonly labels: readonly Label[];
  /** Labels of entries with `foreach`, and those of the tasks that stand for them. */
  readonly groups: ReadonlyMap<Label, readonly Label[]>;
  readonly globs: readonly string[];
  /** Nothing of it could be read: what its tasks are is not known. */
  readonly isUnknown: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly problems: readonly SpecProblem[];
  readonly warnings: readonly SpecProblem[];
}

/** What was read from parsed values: a process that loads specs again and again has most of them in memory. */
const known = new WeakMap<object, Map<string, WrittenFeature>>();

/** Of the same values in the same file it gives the very same feature. `expansion`: its variables, filled in. */
export function readFeature(parsed: ParsedSpec, expansion?: Expansion): WrittenFeature {
  const { spec, value } = parsed;
  const read = () =>
    spec.kind === 'backlog' ? readBacklog(parsed, expansion) : readSingle(parsed, expansion);
  if (value === null || typeof value !== 'object' || parsed.diagnostics.length > 0) return read();
  const files = known.get(expansion ?? value) ?? new Map<string, WrittenFeature>();
  known.set(expansion ?? value, files);
  const feature = files.get(spec.file) ?? read();
  files.set(spec.file, feature);
  return feature;
}

function readSingle(parsed: ParsedSpec, expansion: Expansion | undefined): WrittenFeature {
  const { spec, prose, diagnostics, broken } = parsed;
  // Front matter may be empty: the prose is the task.
  const raw = (parsed.value ?? {}) as RawTask;
  const isUnknown = diagnostics.length > 0 && parsed.value === undefined;
  const id = typeof raw.id === 'string' ? raw.id : 'main';
  const readable = isUnknown ? undefined : readableKeys({ ...raw, description: prose }, broken);
  const reading = new TaskReading(spec, expansion);
  if (readable) reading.add(0, id, { ...readable, path: [], defaults: {} });
  return {
    spec,
    title: typeof raw.title === 'string' ? raw.title : spec.feature,
    ...reading.read(),
    labels: [`${spec.feature}/${id}`, ...reading.labels()],
    isUnknown,
    diagnostics,
    problems: expansion?.problems ?? [],
  };
}

/**
 * A task without its keys that cannot be read (`broken`: paths within the task): the others have mistakes of their own.
 * Undefined when nothing can be said of it.
 */
function readableKeys(
  raw: RawTask | null,
  broken: readonly (readonly (string | number)[])[],
): { readonly raw: RawTask; readonly unread: ReadonlySet<string> } | undefined {
  const unread = new Set(broken.map(([key]) => String(key)));
  if (
    raw === null ||
    typeof raw !== 'object' ||
    unread.has('id') ||
    broken.some((path) => path.length === 0)
  ) {
    return undefined;
  }
  if (unread.size === 0) return { raw, unread };
  const kept = Object.entries(raw).filter(([key]) => !unread.has(key));
  return { raw: Object.fromEntries(kept) as RawTask, unread };
}

interface ReadableTask {
  readonly raw: RawTask;
  readonly unread: ReadonlySet<string>;
  readonly path: KeyPath;
  readonly defaults: RawDefaults;
}

/** Collects the tasks of one spec: of an entry with `foreach` all those that it means. */
class TaskReading {
  private readonly tasks: WrittenTask[] = [];
  private readonly groups = new Map<Label, Label[]>();
  private readonly spec: SpecFile;
  private readonly expansion: Expansion | undefined;
  private readonly grouped: ReadonlySet<string>;
  private readonly texts = new SharedTexts();

  constructor(spec: SpecFile, expansion: Expansion | undefined, grouped: ReadonlySet<string> = new Set()) {
    this.spec = spec;
    this.expansion = expansion;
    this.grouped = grouped;
  }

  add(at: number, id: string, { raw, unread, path, defaults }: ReadableTask): void {
    const { feature, file } = this.spec;
    const origin = { feature, file, path, groups: this.grouped, texts: this.texts };
    const variants = this.expansion?.variants.get(at);
    if (raw.foreach !== undefined) this.groups.set(`${feature}/${id}`, []);
    if (!variants) {
      // Without its expansion, what a `foreach` means is not known.
      if (raw.foreach === undefined) this.tasks.push(normaliseTask(raw, id, { ...origin, defaults }, unread));
      return;
    }
    for (const variant of variants) {
      const whole = variant.entry === undefined ? id : `${id}/${variant.entry}`;
      const readable = Object.entries(variant.raw).filter(([key]) => !unread.has(key));
      this.groups.get(`${feature}/${id}`)?.push(`${feature}/${whole}`);
      const own = {
        ...origin,
        defaults: variant.defaults,
        hasVariables: true,
        ...(variant.file === undefined ? {} : { forFile: variant.file }),
      };
      this.tasks.push(normaliseTask(Object.fromEntries(readable) as RawTask, whole, own, unread));
    }
  }

  read(): Pick<WrittenFeature, 'tasks' | 'groups' | 'globs' | 'warnings'> {
    const { tasks, groups, expansion } = this;
    return { tasks, groups, globs: expansion?.globs ?? [], warnings: expansion?.warnings ?? [] };
  }

  labels(): Label[] {
    return [...this.groups.values()].flat();
  }
}

function readBacklog(parsed: ParsedSpec, expansion: Expansion | undefined): WrittenFeature {
  const { spec, diagnostics, broken } = parsed;
  const raw = (parsed.value ?? {}) as Partial<RawBacklog>;
  const list: readonly RawTask[] = Array.isArray(raw.tasks) ? raw.tasks : [];
  const isBroken = (...path: readonly (string | number)[]) =>
    broken.some((one) => path.every((part, i) => one[i] === part));
  const defaults: RawDefaults = isBroken('defaults') ? {} : (raw.defaults ?? {});
  const problems: SpecProblem[] = [...(expansion?.problems ?? [])];
  const grouped = list.flatMap((one) =>
    one?.foreach !== undefined && typeof one.id === 'string' ? [one.id] : [],
  );
  const reading = new TaskReading(spec, expansion, new Set(grouped));
  const first = new Map<string, number>();
  for (const [at, one] of list.entries()) {
    const id = (one as RawTask | null)?.id;
    if (typeof id !== 'string') continue;
    const path = ['tasks', at];
    const before = first.get(id);
    if (before !== undefined) {
      problems.push({
        file: spec.file,
        path: [...path, 'id'],
        message: `the id \`${id}\` is used twice in this feature`,
        hint: `task ${before + 1} of the list already has it`,
      });
      continue;
    }
    first.set(id, at);
    const inTask = broken.filter(([key, i]) => key === 'tasks' && i === at).map((place) => place.slice(2));
    const readable = readableKeys(one, inTask);
    if (!readable) continue;
    reading.add(at, id, { ...readable, path, defaults });
  }
  if (typeof raw.feature === 'string' && raw.feature !== spec.feature) {
    problems.push({
      file: spec.file,
      path: ['feature'],
      message: `the feature of this folder is \`${spec.feature}\`, not \`${raw.feature}\``,
      hint: `write \`feature: ${spec.feature}\`, or remove the key`,
    });
  }
  return {
    spec,
    title: typeof raw.title === 'string' ? raw.title : spec.feature,
    ...reading.read(),
    labels: [
      ...[...new Set([...first.keys(), ...(parsed.ids ?? [])])].map((id) => `${spec.feature}/${id}`),
      ...reading.labels(),
    ],
    // An error between the tasks may hide some of them.
    isUnknown:
      !Array.isArray(raw.tasks) || broken.some((place) => place.join() === 'tasks' || place.length === 0),
    diagnostics,
    problems,
  };
}
