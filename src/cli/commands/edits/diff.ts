/** `conductor diff`: shows hand edits, compared with what is recorded. */

import { type Drift, driftOf } from '../../../analysis/drift.js';
import type { Prepared } from '../../../analysis/prepare.js';
import { inspectProject } from '../../../build/dry-run.js';
import { resultKeyOf } from '../../../model/feature-lock.js';
import type { Task } from '../../../model/task.js';
import { lockedTask } from '../../../project/project.js';
import { changedPart, changedPatchText, patchText, statLines, sumText } from '../../../report/difference.js';
import { type Style, visible } from '../../../report/style.js';
import { print, printJson, refuse, remark, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

interface DiffFlags {
  readonly stat?: boolean;
  readonly json?: boolean;
}

export async function runDiff(targets: readonly string[], flags: DiffFlags): Promise<number> {
  const done = await inspectProject(createHost(process.cwd()), targets, async (prepared) => {
    const drifts: FoundDrift[] = [];
    for (const label of prepared.project.graph.order) {
      if (!prepared.targets.has(label)) continue;
      const drift = await foundDrift(prepared, prepared.project.graph.task(label));
      if (drift.files.length + drift.lost.length > 0) drifts.push(drift);
    }
    return drifts;
  });
  if (!done.ok) return refuse(done.error);
  if (flags.json) {
    printJson({ schema: 1, tasks: done.value });
    return 0;
  }
  const style = styleFor(process.stdout);
  // Several tasks may patch one file: its difference is one.
  const files = new Map(done.value.flatMap((drift) => drift.files.map((file) => [file.path, file])));
  const untold = new Map(files);
  for (const drift of done.value) {
    if (flags.stat) {
      print(statText(drift, style));
      continue;
    }
    const own = drift.files.filter(({ path }) => untold.delete(path));
    print(diffText({ ...drift, files: own }, style));
    for (const { path, patches } of own) {
      if (patches?.length === 0) remark(`${visible(path)}: the changes are ${changedPart(patches)}`);
      for (const one of patches ?? []) remark(changedPatchText(one));
    }
  }
  if (flags.stat && files.size > 0) print(sumText([...files.values()]));
  if (done.value.length === 0) remark('no hand edits');
  return 0;
}

/** `unreached`: remotes that may have the recorded files and did not answer. */
type FoundDrift = Drift & { readonly unreached?: readonly string[] };

/** Recorded files that this store has not are asked of the remotes. */
async function foundDrift({ project, store }: Prepared, task: Task): Promise<FoundDrift> {
  const drift = await driftOf(project, task);
  const locked = lockedTask(project, task);
  if (drift.lost.length === 0 || !locked) return drift;
  const key = resultKeyOf(locked);
  const found = await store.find(key);
  if (found.ok && found.value) return driftOf(project, task);
  const unreached = store.unreached?.(key) ?? [];
  return unreached.length === 0 ? drift : { ...drift, unreached };
}

function diffText(drift: FoundDrift, style: Style): string {
  return [...drift.files.map((file) => patchText(file, style)), ...lostLines(drift)].join('');
}

function statText(drift: FoundDrift, style: Style): string {
  const lines = [style('bold', visible(drift.label)), ...statLines(drift.files, style, '  ')];
  return `${lines.join('\n')}\n${lostLines(drift).join('')}`;
}

function lostLines({ lost, unreached }: FoundDrift): string[] {
  const where =
    unreached === undefined
      ? 'is not in any store'
      : `is not in this store, and ${unreached.join(', ')} could not be reached`;
  return lost.map((path) => `${visible(path)}: edited; the recorded file ${visible(where)}\n`);
}
