/**
 * The specs and lock files of a project under other names: every reference is rewritten, and every other line and comment
 * stays. Writes git objects only.
 */

import { err, ok, type Result } from '../../base/result.js';
import type { Changes } from '../../build/publishing/publish-plan.js';
import { parseYaml } from '../../io/document/document.js';
import type { YamlChange } from '../../io/document/yaml-edit.js';
import type { Failure } from '../../model/failure.js';
import { shownPattern } from '../../model/paths/pattern.js';
import type { Feature, Label } from '../../model/task.js';
import { literal } from '../../plan/adopting/adopted-tasks.js';
import { type Project, textIn } from '../../project/project.js';
import { splitFrontMatter } from '../../specs/front-matter.js';
import { formatLock } from '../../specs/lock-file.js';
import {
  interfaceFiles,
  type RawBacklog,
  type RawChange,
  type RawDefaults,
  type RawTask,
} from '../../specs/raw.js';
import { editSpec } from '../../specs/spec-edit.js';
import { idOf, type Renaming } from './renaming.js';
import { rewrittenLock } from './rewritten-lock.js';

/**
 * The tasks with the labels of the entries with `foreach` that mean nothing else: these entries go with them. Fails where
 * other tasks of an entry stay, because the entry would make the tasks again.
 */
export function withEntries({ graph }: Project, gone: ReadonlySet<Label>): Result<Set<Label>, Failure> {
  const entryOf = (label: Label) => {
    const parts = label.split('/');
    return graph.task(label).source.hasVariables && parts.length > 2
      ? parts.slice(0, 2).join('/')
      : undefined;
  };
  const entries = new Map([...gone].map((label) => [entryOf(label), label]));
  for (const label of graph.tasks.keys()) {
    const entry = entryOf(label);
    const one = entry !== undefined && !gone.has(label) ? entries.get(entry) : undefined;
    if (one === undefined) continue;
    const { file } = graph.task(one).source;
    const message = `${one} is one task of a \`foreach\``;
    return err({
      kind: 'usage',
      message,
      hint: `name ${entry} for all of them, or change the entries in ${file}`,
    });
  }
  return ok(new Set([...gone, ...[...entries.keys()].flatMap((entry) => entry ?? [])]));
}

/** A spec without a task left is removed with its lock file. Fails with `invalid-specs`. */
export async function rewrittenSpecs(
  project: Project,
  renaming: Renaming,
): Promise<Result<Changes, Failure>> {
  const changes: Changes = new Map();
  for (const feature of project.features.values()) {
    const name = renaming.feature(feature.name);
    const isLeft = feature.tasks.some(({ label }) => renaming.label(label) !== undefined);
    if (name === undefined || !isLeft) {
      for (const path of [feature.file, feature.lockFile])
        if (project.listing.get(path)) changes.set(path, undefined);
      continue;
    }
    const place = { ...feature, ...placesOf(feature, name) };
    if (name !== feature.name) moveFolder(project, feature, place.folder, changes);
    const spec = await rewrittenSpec(project, feature, renaming);
    if (!spec.ok) return spec;
    const before = project.listing.get(feature.file);
    if (!before) throw new Error(`BUG: ${feature.file} is not in the snapshot`);
    if (spec.value !== undefined) {
      changes.set(place.file, { ...before, id: await project.objects.writeBlob(Buffer.from(spec.value)) });
    } else if (name !== feature.name) changes.set(place.file, before);
    if (name !== feature.name) changes.set(feature.file, undefined);
    const lock = rewrittenLock(project, feature, name, renaming);
    if (lock === undefined) continue;
    const text = formatLock(lock, place.lockFile);
    if (name !== feature.name && project.listing.get(feature.lockFile))
      changes.set(feature.lockFile, undefined);
    changes.set(place.lockFile, { mode: '100644', id: await project.objects.writeBlob(Buffer.from(text)) });
  }
  return ok(changes);
}

interface Places {
  readonly file: string;
  readonly lockFile: string;
  /** With `/` at its end; undefined for a spec that is one file. */
  readonly folder: string | undefined;
}

/** Where a feature's spec and lock file are under a name. */
export function placesOf({ file, lockFile, name: old }: Feature, name: string): Places {
  const moved = (path: string) => {
    const parts = path.split('/');
    const at = file.endsWith('.spec.md') ? parts.length - 1 : parts.length - 2;
    parts[at] = name + (parts[at] ?? '').slice(old.length);
    return parts.join('/');
  };
  const to = moved(file);
  const folder = file.endsWith('.spec.md') ? undefined : to.slice(0, to.lastIndexOf('/') + 1);
  return { file: to, lockFile: moved(lockFile), folder };
}

/** The plan and whatever else lies beside the backlog. */
function moveFolder(
  project: Project,
  { file, lockFile }: Feature,
  to: string | undefined,
  changes: Changes,
): void {
  if (to === undefined) return;
  const from = file.slice(0, file.lastIndexOf('/') + 1);
  for (const path of project.listing.under(from)) {
    if (path === file || path === lockFile) continue;
    changes.set(path, undefined);
    changes.set(to + path.slice(from.length), project.listing.get(path));
  }
}

interface ReadSpec {
  readonly text: string;
  /** A task where the spec is one file, else a backlog. */
  readonly value: unknown;
  readonly isSingle: boolean;
}

/** Fails with `invalid-specs`. */
export async function readSpec(project: Project, { file }: Feature): Promise<Result<ReadSpec, Failure>> {
  const text = (await textIn(project, file)) ?? '';
  const isSingle = file.endsWith('.spec.md');
  const parsed = await parseYaml((isSingle ? splitFrontMatter(text).front : text) ?? '', file);
  if (!parsed.ok) return err({ kind: 'invalid-specs', diagnostics: parsed.error });
  return ok({ text, value: parsed.value, isSingle });
}

/** Undefined where nothing of it changes. */
async function rewrittenSpec(
  project: Project,
  feature: Feature,
  renaming: Renaming,
): Promise<Result<string | undefined, Failure>> {
  const read = await readSpec(project, feature);
  if (!read.ok) return read;
  const { text, value, isSingle } = read.value;
  const edits = isSingle
    ? taskChanges((value ?? {}) as RawTask, [], { feature, renaming, project })
    : backlogChanges(value as RawBacklog, { feature, renaming, project });
  return edits.length === 0 ? ok(undefined) : editSpec(feature.file, text, edits);
}

interface Rewriting {
  readonly project: Project;
  readonly feature: Feature;
  readonly renaming: Renaming;
}

function backlogChanges(backlog: RawBacklog, of: Rewriting): YamlChange[] {
  const { feature, renaming } = of;
  const name = renaming.feature(feature.name);
  const changes: YamlChange[] = [];
  if (backlog.feature !== undefined && name !== feature.name)
    changes.push({ path: ['feature'], value: name });
  const { defaults = {}, changes: proposed = [] } = backlog;
  for (const key of ['inputs', 'edits'] as const)
    changes.push(...listChanges(defaults[key], ['defaults', key], (one) => patternAfter(one, of)));
  changes.push(...stepChanges(defaults, ['defaults'], of), ...proposedChanges(proposed, of));
  // From the last one, so that places of those before stay.
  for (const [i, task] of [...backlog.tasks.entries()].reverse()) {
    const path = ['tasks', i];
    if (renaming.label(`${feature.name}/${task.id}`) === undefined) changes.push({ path, value: undefined });
    else changes.push(...taskChanges(task, path, of));
  }
  return changes;
}

/** What a backlog proposes for tasks of other features; with the last of these tasks the key goes, too. */
function proposedChanges(proposed: readonly RawChange[], of: Rewriting): YamlChange[] {
  const { renaming } = of;
  const gone = proposed.filter(({ task }) => renaming.label(task) === undefined);
  if (gone.length > 0 && gone.length === proposed.length) return [{ path: ['changes'], value: undefined }];
  return [...proposed.entries()].reverse().flatMap(([i, change]) => {
    const path = ['changes', i];
    const task = renaming.label(change.task);
    if (task === undefined) return [{ path, value: undefined }];
    return [
      ...(task === change.task ? [] : [{ path: [...path, 'task'], value: task }]),
      ...(['inputs', 'outputs', 'edits'] as const).flatMap((key) =>
        listChanges(change[key], [...path, key], (one) => patternAfter(one, of)),
      ),
    ];
  });
}

/** The patterns beside the commands of gates and formatters. The commands themselves are programs: people change them. */
function stepChanges(
  { verify = [], format = [] }: RawDefaults,
  path: readonly (string | number)[],
  of: Rewriting,
): YamlChange[] {
  const after = (one: string) => patternAfter(one, of);
  const ofGates = verify.flatMap((gate, i) =>
    typeof gate === 'string' ? [] : listChanges(gate.inputs, [...path, 'verify', i, 'inputs'], after),
  );
  const ofFormats = format.flatMap((step, i) => {
    if (typeof step === 'string' || !('run' in step)) return [];
    const at = [...path, 'format', i];
    const { files, inputs } = step;
    const inFiles =
      typeof files !== 'string'
        ? listChanges(files, [...at, 'files'], after)
        : after(files) === files
          ? []
          : [{ path: [...at, 'files'], value: after(files) }];
    return [...inFiles, ...listChanges(inputs, [...at, 'inputs'], after)];
  });
  return [...ofGates, ...ofFormats];
}

function taskChanges(task: RawTask, path: readonly (string | number)[], of: Rewriting): YamlChange[] {
  const { feature, renaming } = of;
  const id = task.id ?? 'main';
  const label = renaming.label(`${feature.name}/${id}`);
  const changes: YamlChange[] = [];
  if (label !== undefined && idOf(label) !== id) changes.push({ path: [...path, 'id'], value: idOf(label) });
  changes.push(...listChanges(task.depends_on, [...path, 'depends_on'], (need) => needAfter(need, of)));
  for (const key of ['inputs', 'outputs', 'edits'] as const)
    changes.push(...listChanges(task[key], [...path, key], (one) => patternAfter(one, of)));
  changes.push(...stepChanges(task, path, of));
  // `adopt` calls a task after its first file.
  const { title } = task;
  if (title !== undefined && task.outputs?.includes(title) && renaming.path(title) !== title)
    changes.push({ path: [...path, 'title'], value: renaming.path(title) });
  const { files, place } = interfaceFiles(task);
  changes.push(...listChanges(files, [...path, ...place], (one) => patternAfter(one, of)));
  for (const [i, { to }] of (task.render ?? []).entries()) {
    const after = renaming.path(to);
    if (after !== to) changes.push({ path: [...path, 'render', i, 'to'], value: after });
  }
  return changes;
}

/** Each entry that differs; one that is gone is taken out, and with the last one the key. */
function listChanges(
  list: readonly string[] | undefined,
  path: readonly (string | number)[],
  after: (entry: string) => string | undefined,
): YamlChange[] {
  const now = (list ?? []).map(after);
  if (now.length > 0 && now.every((entry) => entry === undefined)) return [{ path, value: undefined }];
  return [...now.entries()].reverse().flatMap(([i, entry]) => {
    return entry === list?.[i] ? [] : [{ path: [...path, i], value: entry }];
  });
}

/** An entry of `depends_on`: short within the feature, as it was written. */
function needAfter(need: string, { feature, renaming }: Rewriting): string | undefined {
  const isShort = !need.includes('/');
  const label = renaming.label(isShort ? `${feature.name}/${need}` : need);
  return label === undefined ? undefined : isShort ? idOf(label) : label;
}

/** A path or pattern: a file that has another path, or something in the folder of a spec that has another name. */
function patternAfter(pattern: string, { project, renaming }: Rewriting): string {
  const sign = pattern.startsWith('!') ? '!' : '';
  const text = pattern.slice(sign.length);
  const plain = shownPattern(text);
  const after = renaming.path(plain);
  if (after !== plain) return sign + (project.listing.get(plain) ? literal(after) : renaming.path(text));
  const specs = `${project.config.specs}/`;
  if (!text.startsWith(specs)) return pattern;
  const [folder = '', ...rest] = text.slice(specs.length).split('/');
  const name = project.features.has(folder) ? (renaming.feature(folder) ?? folder) : folder;
  return name === folder ? pattern : sign + [specs + name, ...rest].join('/');
}
