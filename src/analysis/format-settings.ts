/** Which formatters a task's files go through, and their part of its key. Runs none. */

import { FORMAT, FORMAT_INPUT, type ManifestItem } from '../model/action.js';
import { canonicalJson } from '../model/digest.js';
import { type FormatStep, formatsFilesOf } from '../model/formatting/format.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Task } from '../model/task.js';
import { type Entry, encodeEntry } from '../model/tree.js';
import type { Project } from '../project/project.js';

export interface TaskFormat {
  readonly steps: readonly FormatStep[];
  /** The settings that the formatters read, as people wrote them. */
  readonly inputs: ReadonlyMap<string, Entry>;
}

/** Those that are for a file of the task. The nearest list counts: its own, its file's, the config's. */
export function formatSteps(config: Project['config'], task: Task): readonly FormatStep[] {
  return (task.format ?? config.format).filter((step) => formatsFilesOf(step, task));
}

/** Undefined where no formatter is for a file of the task. */
export function formatOf(
  { config, handWritten }: Pick<Project, 'config' | 'handWritten'>,
  task: Task,
): TaskFormat | undefined {
  const steps = formatSteps(config, task);
  if (steps.length === 0) return undefined;
  const set = patternSet(steps.flatMap((step) => step.inputs));
  const inputs = new Map<string, Entry>();
  for (const pattern of set.includes) {
    const paths = pattern.isGlob ? set.selectBy(pattern, handWritten) : [pattern.prefix];
    for (const path of paths) {
      const entry = handWritten.get(path);
      if (entry) inputs.set(path, entry);
    }
  }
  return { steps, inputs: new Map([...inputs].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

/** As an executor gets it. */
export function formatWords({ steps, inputs }: TaskFormat) {
  return {
    steps,
    inputs: Object.fromEntries([...inputs].map(([path, entry]) => [path, encodeEntry(entry)])),
  };
}

/** None for a task whose files no formatter gets: it has the key that it had before there were any. */
export function formatItems(project: Pick<Project, 'config' | 'handWritten'>, task: Task): ManifestItem[] {
  const format = formatOf(project, task);
  if (!format) return [];
  const commands = format.steps.map(({ command, files }) =>
    canonicalJson(files ? { command, files } : command),
  );
  return [
    { name: FORMAT, value: commands.join('\n'), show: 'text' },
    ...[...format.inputs].map(
      ([path, entry]): ManifestItem => ({
        name: FORMAT_INPUT + path,
        value: encodeEntry(entry),
        show: 'id',
      }),
    ),
  ];
}
