/** What a build after which everything is up to date leaves for the next one: how to find that out again, and what each task read. */

import type { Prepared } from '../../analysis/prepare.js';
import type { LazyInduction } from '../../analysis/range/induction.js';
import { keepIndex } from '../../analysis/range/keep-index.js';
import { fileIdentity } from '../../io/files.js';
import { listSome } from '../../io/git/walk.js';
import { untrackedLimit } from '../../model/config.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import {
  environmentDigests,
  type LastBuild,
  readLastBuild,
  writeLastBuild,
} from '../../project/clone-records.js';
import { isConfigKnown } from '../../project/config-inputs.js';
import type { Host } from '../../project/host.js';
import type { OutputsMark } from '../../project/outputs/clone-outputs.js';
import type { Project } from '../../project/project.js';
import { isRulesFile, readIndexRecord } from '../../workspace/index-record.js';
import { indexCall } from '../../workspace/private-index.js';
import { filesOnDisk } from '../../workspace/snapshot.js';
import type { TaskStep } from '../task-step.js';
import type { MergedTree } from './publish-plan.js';

export interface CompletedBuild {
  /** What it left on disk. */
  readonly merged: Pick<MergedTree, 'tree' | 'results'>;
  readonly step: Pick<TaskStep, 'finished' | 'noted'>;
  /** Undefined where the build analysed every task because of its options: these may also keep warnings from being said. */
  readonly induction: LazyInduction | undefined;
  /** Files that it wrote or removed. Undefined where the private index may hold later changes: a watch scans while it builds. */
  readonly published: readonly string[] | undefined;
  /** The clone's record of outputs. Undefined: the next build reads everything. */
  readonly outputs: OutputsMark | undefined;
}

/** git reads each file that was written at the time of the index whenever it looks at it: the next build lets it look at so many anew. */
const FEW_FILES = 100;

export async function rememberBuild(
  host: Host,
  prepared: Prepared,
  { merged, step, induction, published, outputs }: CompletedBuild,
): Promise<void> {
  const { tree, results } = merged;
  const { finished, noted } = step;
  const revised = new Set([...finished.values()].flatMap(({ revision }) => revision?.task.feature ?? []));
  if (induction) {
    const observed = (label: Label) => Object.keys(finished.get(label)?.result.provenance.observed ?? {});
    const complete = { version: host.version, tree, noted, revised, results, observed };
    await keepIndex(prepared, await induction.get(), complete);
  }
  // Through an anchor the new text may say something else of other tasks, or a task may read it: the next build looks.
  if (revised.size > 0) return;
  const { project, loaded, settings } = prepared;
  // Publishing has put the private index to the tree that it wrote.
  const isIndexOfTree =
    published !== undefined && published.length <= FEW_FILES && project.onDisk === undefined;
  const index = isIndexOfTree ? fileIdentity(indexCall(project.repository).indexFile ?? '') : undefined;
  const isKnown = loaded.readsAll !== true && (await isConfigKnown(project));
  await writeLastBuild(project.repository.state, {
    version: host.version,
    tree,
    environment: environmentDigests([...loaded.environment, ...project.config.keyedEnv], host.env),
    ...(settings.versions.size === 0 ? {} : { toolchain: Object.fromEntries(settings.versions) }),
    secrets: project.config.secrets,
    named: project.named,
    maxUntracked: untrackedLimit(project.config),
    ...(project.large.length === 0 ? {} : { large: project.large }),
    shown: project.shared.shown,
    person: project.shared.person,
    ...samplesOf(project),
    ...(await absentFrom(project, tree)),
    ...(outputs === undefined ? {} : { published: outputs }),
    ...(index === undefined ? {} : { index, ...rulesAfter(project, index, published ?? []) }),
    tasks: project.graph.tasks.size + (project.rest?.tasks.length ?? 0),
    ...(project.config.cache.verify ? {} : { restorable: true as const }),
    ...(isKnown || loaded.digest === undefined ? {} : { config: loaded.digest }),
  });
}

/** Some of them may be there now: a patch makes a file, too. */
async function absentFrom(
  { absent, objects }: Project,
  tree: ObjectId,
): Promise<{ readonly absent?: readonly string[] }> {
  if (absent.length === 0) return {};
  const there = await listSome(objects, tree, { paths: [...absent], folders: [] });
  const left = absent.filter((path) => !there.has(path));
  return left.length === 0 ? {} : { absent: left };
}

/** A look at so many files costs less than a millisecond. */
const SAMPLES = 32;

/** A build of a part keeps those of the last whole build, without those of tasks that are gone. */
function samplesOf({ graph, rest, repository }: Project): { readonly samples?: readonly string[] } {
  if (rest) {
    const samples = readLastBuild(repository.state)?.samples;
    return samples === undefined ? {} : { samples: filesOnDisk(repository, samples) };
  }
  const step = Math.ceil(graph.order.length / SAMPLES);
  const some = graph.order.filter((_, at) => at % step === 0);
  return { samples: some.flatMap((label) => patternSet(graph.task(label).outputs).plainPaths().slice(0, 1)) };
}

/** The rules files of the index are those of the snapshot, unless one of them was published. */
function rulesAfter(
  { repository }: Project,
  index: string,
  published: readonly string[],
): Pick<LastBuild, 'rules'> {
  const record = readIndexRecord(repository.state);
  return record && !published.some(isRulesFile) ? { rules: { ...record.rules, index } } : {};
}
