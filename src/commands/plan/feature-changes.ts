/**
 * Changes that a feature needs in tasks of other features: proposed in its backlog (`changes`), shown as diffs, and
 * written into the other specs once a person has agreed. Builds nothing.
 */

import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { inspectProject } from '../../build/dry-run.js';
import { inPreparedSession } from '../../build/prepared-session.js';
import type { Session } from '../../build/project-session.js';
import { rewrittenProject } from '../../build/rewritten-build.js';
import { improvedSpec, taskIn } from '../../execution/escalation/revised-task.js';
import { unifiedDiff } from '../../io/text-diff.js';
import type { Config } from '../../model/config.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import { addedSecrets } from '../../model/paths/added-secrets.js';
import type { Task } from '../../model/task.js';
import type { Entry } from '../../model/tree.js';
import type { PlannedBacklog } from '../../plan/merged-backlog.js';
import type { Host } from '../../project/host.js';
import { type Project, textIn } from '../../project/project.js';
import type { SpecProblem } from '../../specs/problem.js';
import type { RawChange } from '../../specs/raw.js';
import { editSpec } from '../../specs/spec-edit.js';
import { wordsOf } from '../../specs/task-text.js';
import { publishTree } from '../../workspace/publish.js';
import { BACKLOG, backlogIn } from './plan-files.js';
import { featureFolder } from './planned-feature.js';

/** Those of a backlog that the schema accepts. */
export function changesIn(backlog: PlannedBacklog | undefined): readonly RawChange[] {
  return Array.isArray(backlog?.changes) ? (backlog.changes as readonly RawChange[]) : [];
}

export interface ChangedSpecs {
  /** New texts by path; without those that stay as they are. */
  readonly texts: ReadonlyMap<string, string>;
  readonly problems: readonly SpecProblem[];
}

/**
 * The specs with the changes in them, comments and other lines kept. `file` is the backlog that proposes them. A change
 * that names a secret is refused, as in the planned tasks: nobody may be asked before it is applied.
 */
export async function changedSpecs(
  project: Pick<Project, 'graph' | 'listing' | 'objects' | 'config'>,
  changes: readonly RawChange[],
  { feature, file }: { readonly feature: string; readonly file: string },
): Promise<ChangedSpecs> {
  const texts = new Map<string, string>();
  const problems: SpecProblem[] = [];
  for (const [at, change] of changes.entries()) {
    const report = (message: string, hint: string, key = 'task') =>
      problems.push({ file, path: ['changes', at, key], message, hint });
    if (change.task.startsWith(`${feature}/`)) {
      report(`\`${change.task}\` is a task of this feature`, 'change it where it stands, in `tasks`');
      continue;
    }
    const task = project.graph.tasks.get(change.task);
    if (!task) {
      report(
        `there is no task \`${change.task}\``,
        'name a task of another feature, as in `feature-001-auth/T01`',
      );
      continue;
    }
    const { file: spec, hasVariables } = task.source;
    if (hasVariables) {
      // What is written there holds for several tasks, or is made of texts that are elsewhere.
      report(
        `the spec of \`${change.task}\` has variables`,
        `take it out of \`changes\`: a person changes ${spec}`,
      );
      continue;
    }
    const original = (await textIn(project, spec)) ?? '';
    const before = texts.get(spec) ?? original;
    const after = await changedText(before, task, change);
    const written = await taskIn(original, task);
    const changed = after.ok ? await taskIn(after.value, task) : after;
    if (!after.ok || !written.ok || !changed.ok) {
      report(`the change of \`${change.task}\` leaves no valid spec`, 'keep to the keys of a task');
      continue;
    }
    // Of the whole lists: what one change excludes, the next one or the spec may bring in again.
    const secrets = addedSecrets(project.config.secrets, changed.value, written.value);
    for (const { key, path } of secrets)
      report(
        `\`${path}\` looks like a secret; a plan may not name it`,
        `remove it; a person can add it to ${spec}`,
        key,
      );
    if (secrets.length === 0 && after.value !== before) texts.set(spec, after.value);
  }
  return { texts, problems };
}

async function changedText(text: string, task: Task, change: RawChange): Promise<Result<string, Failure>> {
  const words = await wordsOf(text, task);
  if (!words.ok) return words;
  const { description, acceptance = [] } = change;
  const more = (all: readonly string[], added: readonly string[] = []) =>
    added.filter((one) => !all.includes(one));
  const criteria = more(words.value.acceptance, acceptance);
  const isNew = description !== undefined && description.trim() !== words.value.description.trim();
  return improvedSpec(text, {
    task,
    words: {
      ...(isNew ? { description } : {}),
      ...(criteria.length > 0 ? { acceptance: [...words.value.acceptance, ...criteria] } : {}),
    },
    inputs: task.inputs === undefined ? [] : more(task.inputs, change.inputs),
    outputs: more(task.outputs, change.outputs),
    edits: more(task.edits, change.edits),
  });
}

/** What a feature proposes to change elsewhere. */
export interface OpenChange extends Pick<RawChange, 'task' | 'because'> {
  readonly feature: string;
  /** The other spec. */
  readonly file: string;
  /** From the spec as it is; empty where it says so already, and where the change cannot be applied. */
  readonly diff: string;
  /** Why it cannot be applied. */
  readonly problem?: string;
}

export interface OpenChanges {
  readonly changes: readonly OpenChange[];
  readonly policy: Config['planChanges'];
}

/** The changes that the feature proposes and that are not applied yet; of all features without a name. */
export async function proposedChanges(
  host: Host,
  feature: string | undefined,
): Promise<Result<OpenChanges, Failure>> {
  const done = await inspectProject(host, [], async ({ project }) => {
    const names = feature === undefined ? [...project.features.keys()] : [feature];
    const found: OpenChange[] = [];
    for (const name of names) found.push(...(await openIn(project, name)));
    return { changes: found, policy: project.config.planChanges };
  });
  return done;
}

async function openIn(project: Project, feature: string): Promise<OpenChange[]> {
  const folder = featureFolder(project, feature);
  const found: OpenChange[] = [];
  for (const change of changesIn(await backlogIn(project, folder))) {
    const task = project.graph.tasks.get(change.task);
    const { texts, problems } = await changedSpecs(project, [change], { feature, file: folder + BACKLOG });
    const file = task?.source.file ?? '';
    const { task: label, because } = change;
    const [problem] = problems.map(({ message }) => message);
    const diff = await diffOf(project, texts);
    found.push({ feature, task: label, because, file, diff, ...(problem === undefined ? {} : { problem }) });
  }
  return found;
}

async function diffOf(project: Project, texts: ReadonlyMap<string, string>): Promise<string> {
  const parts: string[] = [];
  for (const [path, text] of texts)
    parts.push(`--- a/${path}`, `+++ b/${path}`, ...unifiedDiff((await textIn(project, path)) ?? '', text));
  return parts.join('\n');
}

/** A warning for each proposed change: until a person has agreed it has no effect. */
export async function openChangeWarnings(project: Project): Promise<Diagnostic[]> {
  const warnings: Diagnostic[] = [];
  for (const feature of project.features.keys()) {
    const file = featureFolder(project, feature) + BACKLOG;
    for (const change of await openIn(project, feature)) warnings.push({ file, ...standing(change) });
  }
  return warnings;
}

function standing({ feature, task, diff, problem }: OpenChange): Pick<Diagnostic, 'message' | 'hint'> {
  const proposed = `it proposes a change of ${task} that`;
  if (problem !== undefined)
    return {
      message: `${proposed} cannot be applied: ${problem}`,
      hint: 'correct it, or remove it from `changes`',
    };
  if (diff === '')
    return {
      message: `${proposed} the spec has already`,
      hint: `\`conductor approve ${feature}\` removes it from \`changes\``,
    };
  return {
    message: `${proposed} is not applied`,
    hint: `\`conductor approve ${feature}\` shows and applies it; or remove it from \`changes\``,
  };
}

export interface ApplyOptions {
  readonly command: string;
  readonly wait: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes the changes that the feature proposes into the other specs, and takes them out of its own backlog, in one step.
 * Fails with `invalid-specs`, or as publishing does when a person changes one of the files meanwhile.
 */
export function applyChanges(
  host: Host,
  feature: string,
  { command, wait, signal }: ApplyOptions,
): Promise<Result<readonly OpenChange[], Failure>> {
  const prepare = { targets: [feature], force: false, discardEdits: false };
  return inPreparedSession(host, { command, wait, signal, prepare }, ({ prepared, session }) =>
    applyIn(host, session, prepared, feature),
  );
}

async function applyIn(
  host: Host,
  session: Session,
  { project }: Prepared,
  feature: string,
): Promise<Result<readonly OpenChange[], Failure>> {
  const folder = featureFolder(project, feature);
  const file = folder + BACKLOG;
  const changes = changesIn(await backlogIn(project, folder));
  if (changes.length === 0) return ok([]);
  const open = await openIn(project, feature);
  const { texts, problems } = await changedSpecs(project, changes, { feature, file });
  if (problems.length > 0) {
    const diagnostics = problems.map(({ message, hint }) => ({ file, message, ...(hint ? { hint } : {}) }));
    return err({ kind: 'invalid-specs', diagnostics });
  }
  const own = await editSpec(file, (await textIn(project, file)) ?? '', [
    { path: ['changes'], value: undefined },
  ]);
  if (!own.ok) return own;
  const entries = new Map<string, Entry>();
  for (const [path, text] of [...texts, [file, own.value] as const]) {
    const mode = project.listing.get(path)?.mode ?? '100644';
    entries.set(path, { mode, id: await project.objects.writeBlob(Buffer.from(text)) });
  }
  // A person may have written the proposal, or the project has changed since it was planned.
  const loaded = await host.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const after = await rewrittenProject({ session }, { loaded: loaded.value, project, changes: entries });
  if (!after.ok) return after;
  const to = await project.objects.editTree(project.snapshot, entries);
  const published = await publishTree(project.repository, project.objects, { from: project.snapshot, to });
  return published.ok ? ok(open) : published;
}
