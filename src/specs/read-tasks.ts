/** The features and tasks of parsed specs, one file at a time. Knows no other files. */

import type { Diagnostic } from '../model/failure.js';
import type { Label } from '../model/task.js';
import { normaliseTask, type WrittenTask } from './normalise.js';
import type { ParsedSpec } from './parse.js';
import type { SpecProblem } from './problem.js';
import type { RawBacklog, RawDefaults, RawTask } from './raw.js';
import type { SpecFile } from './spec-files.js';

export interface WrittenFeature {
  readonly spec: SpecFile;
  readonly title: string;
  readonly tasks: readonly WrittenTask[];
  /** Labels that exist, those of tasks that could not be read included. */
  readonly labels: readonly Label[];
  /** Nothing of it could be read: what its tasks are is not known. */
  readonly isUnknown: boolean;
  readonly diagnostics: readonly Diagnostic[];
  readonly problems: readonly SpecProblem[];
}

/** What was read from parsed values: a process that loads specs again and again has most of them in memory. */
const known = new WeakMap<object, Map<string, WrittenFeature>>();

/** Of the same values in the same file it gives the very same feature. */
export function readFeature(parsed: ParsedSpec): WrittenFeature {
  const { spec, value } = parsed;
  const read = () => (spec.kind === 'backlog' ? readBacklog(parsed) : readSingle(parsed));
  if (value === null || typeof value !== 'object' || parsed.diagnostics.length > 0) return read();
  const files = known.get(value) ?? new Map<string, WrittenFeature>();
  known.set(value, files);
  const feature = files.get(spec.file) ?? read();
  files.set(spec.file, feature);
  return feature;
}

function readSingle(parsed: ParsedSpec): WrittenFeature {
  const { spec, prose, diagnostics, broken } = parsed;
  // Front matter may be empty: the prose is the task.
  const raw = (parsed.value ?? {}) as RawTask;
  const isUnknown = diagnostics.length > 0 && parsed.value === undefined;
  const isSound = !isUnknown && broken.length === 0;
  const id = typeof raw.id === 'string' ? raw.id : 'main';
  const origin = { feature: spec.feature, file: spec.file, path: [], defaults: {} };
  return {
    spec,
    title: typeof raw.title === 'string' ? raw.title : spec.feature,
    tasks: isSound ? [normaliseTask({ ...raw, description: prose }, id, origin)] : [],
    labels: [`${spec.feature}/${id}`],
    isUnknown,
    diagnostics,
    problems: [],
  };
}

function readBacklog(parsed: ParsedSpec): WrittenFeature {
  const { spec, diagnostics, broken } = parsed;
  const raw = (parsed.value ?? {}) as Partial<RawBacklog>;
  const list: readonly RawTask[] = Array.isArray(raw.tasks) ? raw.tasks : [];
  const isBroken = (...path: readonly (string | number)[]) =>
    broken.some((one) => path.every((part, i) => one[i] === part));
  const brokenTasks = new Set(broken.filter(([key]) => key === 'tasks').map(([, at]) => at));
  const defaults: RawDefaults = isBroken('defaults') ? {} : (raw.defaults ?? {});
  const problems: SpecProblem[] = [];
  const tasks: WrittenTask[] = [];
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
    if (brokenTasks.has(at)) continue;
    tasks.push(normaliseTask(one, id, { feature: spec.feature, file: spec.file, path, defaults }));
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
    tasks,
    labels: [...first.keys()].map((id) => `${spec.feature}/${id}`),
    isUnknown: !Array.isArray(raw.tasks),
    diagnostics,
    problems,
  };
}
