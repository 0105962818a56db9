/** `conductor disown`: takes adopted code out of the specs again. No byte of the code changes. */

import { selectTargets } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import type { ExecutionHost } from '../../execution/executor.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { readPatched, writePatched } from '../../project/clone-records.js';
import { readOutputs } from '../../project/outputs/clone-outputs.js';
import { lockedTask, type Project } from '../../project/project.js';
import { withoutTasks } from '../move/renaming.js';
import {
  type BeforeRewriting,
  type PlannedRewriting,
  type RewritingOptions,
  runRewriting,
} from '../move/rewriting-run.js';
import { rewrittenSpecs, withEntries } from '../move/rewritten-specs.js';

export interface DisownTarget {
  /** A feature, a label or a glob of either. */
  readonly name: string;
  /** The same as a path relative to the project. */
  readonly path: string;
}

export interface Disowned {
  readonly tasks: readonly Label[];
  /** Files that are hand-written from now on, in byte order. */
  readonly files: readonly string[];
}

export function disown(host: ExecutionHost, targets: readonly DisownTarget[], options: RewritingOptions) {
  return runRewriting<Disowned>(host, options, (before) => planDisowning(before, targets));
}

async function planDisowning(
  { project }: BeforeRewriting,
  targets: readonly DisownTarget[],
): Promise<Result<PlannedRewriting<Disowned>, Failure>> {
  const selected = tasksOf(project, targets);
  if (!selected.ok) return selected;
  const gone = selected.value;
  const built = [...gone].filter((label) => lockedTask(project, project.graph.task(label))?.adopted !== true);
  if (built.length > 0) {
    const hint = '`conductor rm` removes tasks with the files that conductor built';
    return err({
      kind: 'usage',
      message: `${built.join(', ')} ${built.length === 1 ? 'was' : 'were'} not adopted`,
      hint,
    });
  }
  const entries = withEntries(project, gone);
  if (!entries.ok) return entries;
  const renaming = withoutTasks(entries.value);
  const changes = await rewrittenSpecs(project, renaming);
  if (!changes.ok) return changes;
  const files = [...gone].flatMap((label) => [...(project.owned.get(label)?.keys() ?? [])]).sort();
  const { state } = project.repository;
  return ok({
    renaming,
    changes: changes.value,
    told: { tasks: project.graph.inOrder(gone), files },
    // Without a record the files and patches are people's, as before they were adopted.
    forget: async () => {
      await (await readOutputs(state)).change(new Map(files.map((path) => [path, null])));
      const patched = Object.entries((await readPatched(state)) ?? {}).flatMap(([path, file]) => {
        const by = file.by.filter((label) => !gone.has(label));
        return by.length === 0 ? [] : [[path, { ...file, by }] as const];
      });
      await writePatched(state, Object.fromEntries(patched));
    },
  });
}

/** By name, else by path: then every file of a task has to be named. */
function tasksOf(project: Project, targets: readonly DisownTarget[]): Result<Set<Label>, Failure> {
  const labels = new Set<Label>();
  const named = new Set<string>();
  for (const { name, path } of targets) {
    const found = selectTargets(project, [name]);
    if (found.ok) {
      for (const label of found.value) labels.add(label);
      continue;
    }
    const paths = project.listing.get(path) ? [path] : project.listing.under(`${path}/`);
    const owned = paths.filter((one) => project.ownership.ownerOf(one) !== undefined);
    if (owned.length === 0) return paths.length > 0 ? usage(`no task owns ${path}`) : found;
    for (const one of owned) named.add(one);
  }
  for (const path of named) {
    const label = project.ownership.ownerOf(path) as Label;
    const others = [...(project.owned.get(label)?.keys() ?? [])].filter((one) => !named.has(one));
    if (others.length > 0 && !labels.has(label))
      return usage(
        `${label} also owns ${others.join(', ')}`,
        `name these files too, or the task: \`conductor disown ${label}\``,
      );
    labels.add(label);
  }
  return ok(labels);
}

function usage(message: string, hint?: string): Result<never, Failure> {
  return err({ kind: 'usage', message, ...(hint === undefined ? {} : { hint }) });
}
