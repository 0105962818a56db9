/** `conductor rm`: removes features or tasks with what conductor built for them, and leaves what people wrote. */

import { selectTargets } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import type { ExecutionHost } from '../../execution/executor.js';
import type { Failure } from '../../model/failure.js';
import type { Feature, Label } from '../../model/task.js';
import { encodeEntry, sameEntry } from '../../model/tree.js';
import { lockedTask, type Project } from '../../project/project.js';
import { headFiles } from '../../workspace/commit/commit.js';
import { driftedTasks } from './move.js';
import { mentionsOf } from './naming-places.js';
import { withoutTasks } from './renaming.js';
import {
  type BeforeRewriting,
  type PlannedRewriting,
  type RewritingOptions,
  runRewriting,
} from './rewriting-run.js';
import { rewrittenSpecs, withEntries } from './rewritten-specs.js';

export interface RemoveRequest {
  readonly targets: readonly string[];
  /** Also where specs are in no commit, or outputs were edited: those files stay. */
  readonly force: boolean;
}

export interface Removed {
  readonly tasks: readonly Label[];
  /** Outputs that a person wrote, edited or accepted, and documents of the feature that git has not: they stay. */
  readonly left: readonly string[];
  readonly mentions: readonly string[];
}

export function remove(host: ExecutionHost, request: RemoveRequest, options: RewritingOptions) {
  return runRewriting<Removed>(host, options, (before) => planRemoval(before, request));
}

async function planRemoval(
  { project, tasks }: BeforeRewriting,
  { targets, force }: RemoveRequest,
): Promise<Result<PlannedRewriting<Removed>, Failure>> {
  const selected = selectTargets(project, targets);
  if (!selected.ok) return selected;
  const gone = selected.value;
  const entries = withEntries(project, gone);
  if (!entries.ok) return entries;
  const needed = neededElsewhere(project, gone);
  if (needed) return err(needed);
  const drifted = driftedTasks(tasks, gone);
  if (drifted && !force) return err(drifted);
  const features = [...project.features.values()].filter((feature) =>
    feature.tasks.some(({ label }) => gone.has(label)),
  );
  const unsaved = await unsavedSpecs(project, features);
  if (unsaved.length > 0 && !force) return err({ kind: 'unsaved-specs', paths: unsaved });

  const renaming = withoutTasks(entries.value);
  const rewritten = await rewrittenSpecs(project, renaming);
  if (!rewritten.ok) return rewritten;
  const changes = rewritten.value;
  const left: string[] = [];
  for (const label of gone) {
    for (const [path, entry] of project.owned.get(label) ?? []) {
      if (project.built.get(path)?.has(encodeEntry(entry)) === true) changes.set(path, undefined);
      else left.push(path);
    }
  }
  // Without the text below a patch nothing can take it out of the file again.
  for (const label of gone) {
    for (const [path, { base }] of Object.entries(
      lockedTask(project, project.graph.task(label))?.edits ?? {},
    )) {
      const isKnown = base === '' || (await project.objects.read(base)) !== undefined;
      if (!isKnown && project.listing.get(path)) left.push(path);
    }
  }
  // Plans and notes of a whole feature, as far as git has them.
  for (const feature of features) {
    if (!changes.has(feature.file) || changes.get(feature.file) !== undefined) continue;
    for (const path of documentsOf(project, feature)) {
      if (unsaved.includes(path)) left.push(path);
      else changes.set(path, undefined);
    }
  }
  const mentions = new Set<string>();
  for (const name of targets) for (const path of await mentionsOf(project, name)) mentions.add(path);
  const told = {
    tasks: project.graph.inOrder(gone),
    left: [...new Set(left)].sort(),
    mentions: [...mentions],
  };
  return ok({ renaming, changes, told, left: new Set(left) });
}

/** Other tasks would be without what they depend on. */
function neededElsewhere({ graph }: Project, gone: ReadonlySet<Label>): Failure | undefined {
  const needing = [...graph.tasks.values()].filter(
    ({ label, dependsOn }) => !gone.has(label) && dependsOn.some((need) => gone.has(need)),
  );
  if (needing.length === 0) return undefined;
  const names = needing.map(
    ({ label, dependsOn }) => `${label} (on ${dependsOn.filter((need) => gone.has(need)).join(', ')})`,
  );
  return {
    kind: 'usage',
    message: `other tasks depend on what is to be removed: ${names.slice(0, 8).join('; ')}`,
    hint: 'remove them too, or change their `depends_on` first',
  };
}

/** Texts that only the disk has. */
async function unsavedSpecs(project: Project, features: readonly Feature[]): Promise<readonly string[]> {
  const committed = await headFiles(project.repository, project.objects);
  const paths = features.flatMap((feature) => [feature.file, ...documentsOf(project, feature)]);
  return paths.filter((path) => !sameEntry(project.listing.get(path), committed.get(path)));
}

function documentsOf({ listing }: Project, { file, lockFile }: Feature): readonly string[] {
  if (file.endsWith('.spec.md')) return [];
  const folder = file.slice(0, file.lastIndexOf('/') + 1);
  return listing.under(folder).filter((path) => path !== file && path !== lockFile);
}
