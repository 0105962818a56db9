/**
 * The backlog for people: which tasks can start, their status, and setting status, priority and owner. Runs nothing.
 */

import { suggestions } from '../base/nearest.js';
import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import { type InspectOptions, inspect } from '../build/dry-run.js';
import { inSession, openReadingSession } from '../build/project-session.js';
import { readText, writeAtomic } from '../io/files.js';
import type { Failure } from '../model/failure.js';
import { commandText, type Label, TASK_STATUSES, type Task, type TaskNotes } from '../model/task.js';
import type { Verdict } from '../model/verdict.js';
import { planItems } from '../plan/merged-plan.js';
import type { Host } from '../project/host.js';
import { loadProject, textIn } from '../project/project.js';
import { diskSource } from '../project/project-source.js';
import { editSpec } from '../specs/spec-edit.js';
import { type Estimate, estimate } from './estimate.js';
import { PLAN } from './plan/plan-files.js';
import { featureFolder } from './plan/planned-feature.js';

export interface BacklogRow {
  readonly label: Label;
  readonly title: string;
  readonly notes: TaskNotes;
  readonly dependsOn: readonly Label[];
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  /** The commands that make it and those that judge it. */
  readonly commands: readonly string[];
  readonly network: boolean;
  readonly recipe: Task['recipe']['kind'];
  readonly verdict: Verdict;
  /** Not up to date, all dependencies built, and not marked as blocked or done. */
  readonly isReady: boolean;
}

/** The tasks that the targets name (all when there is none), those of higher priority first among what is ready. */
export async function backlogRows(
  host: Host,
  targets: readonly string[],
): Promise<Result<readonly BacklogRow[], Failure>> {
  const options = { targets, force: false, discardEdits: false };
  return inspect(host, options, async ({ prepared, tasks }) =>
    tasks
      .filter(({ task }) => prepared.targets.has(task.label))
      .map(({ task, verdict }) => row(task, verdict)),
  );
}

export interface Proposal {
  /** What a build would do something with, dependencies of the targets included. */
  readonly rows: readonly BacklogRow[];
  readonly estimate: Estimate;
  /** What the plan has decided without asking, one entry each. */
  readonly contradictions: readonly string[];
  readonly assumptions: readonly string[];
}

/** What a build of the planned feature would do and cost. */
export async function proposeBuild(host: Host, feature: string): Promise<Result<Proposal, Failure>> {
  const options = { targets: [feature], force: false, discardEdits: false };
  return inspect(host, options, async (inspection) => {
    const { project } = inspection.prepared;
    const plan = (await textIn(project, `${featureFolder(project, feature)}${PLAN}`)) ?? '';
    return {
      rows: inspection.tasks
        .filter(({ verdict }) => verdict.kind !== 'fresh')
        .map(({ task, verdict }) => row(task, verdict)),
      estimate: await estimate(inspection),
      contradictions: planItems(plan, 'contradictions'),
      assumptions: planItems(plan, 'assumptions'),
    };
  });
}

/** What a build of the targets would cost. */
export function estimateBuild(host: Host, options: InspectOptions): Promise<Result<Estimate, Failure>> {
  return inspect(host, options, estimate);
}

function row(task: Task, verdict: Verdict): BacklogRow {
  const { label, title, notes, dependsOn, outputs, edits, verify, recipe, network } = task;
  const isOpen = verdict.kind !== 'fresh' && verdict.kind !== 'pending';
  return {
    label,
    title,
    notes,
    dependsOn,
    outputs,
    edits,
    commands: [
      ...(recipe.kind === 'run' ? [recipe.command] : []),
      ...verify.map(({ command }) => command),
    ].map(commandText),
    network,
    recipe: recipe.kind,
    verdict,
    isReady: isOpen && notes.status !== 'blocked' && notes.status !== 'done',
  };
}

const RANKS: Readonly<Record<string, number>> = { critical: 0, high: 1, medium: 2, low: 3 };

/** What can start, the most urgent first: numbers count up, words are critical, high, medium, low. */
export function readyRows(rows: readonly BacklogRow[]): readonly BacklogRow[] {
  const rank = ({ notes: { priority } }: BacklogRow) =>
    typeof priority === 'number' ? priority : (ownValue(RANKS, String(priority).toLowerCase()) ?? 2);
  return rows.filter(({ isReady }) => isReady).sort((a, b) => rank(a) - rank(b));
}

/** What people may set, and nothing that decides content. */
const FIELDS = ['status', 'priority', 'owner'] as const;
type Field = (typeof FIELDS)[number];

export interface BacklogEdit {
  readonly file: string;
  /** Whether the file says now what it did not say before. */
  readonly isChanged: boolean;
}

/**
 * Sets words about a task in its spec, every other line and comment left as it is; an empty value takes a word away.
 * `words`: `status=done`. Fails with `usage` or `unknown-target`.
 */
export async function setBacklogWords(
  host: Host,
  label: Label,
  words: readonly string[],
): Promise<Result<BacklogEdit, Failure>> {
  const parsed = words.map(parseWord);
  for (const word of parsed) if (!word.ok) return word;
  const values = parsed.flatMap((word) => (word.ok ? [word.value] : []));
  return inSession(openReadingSession(host), async (session) => {
    const { repository } = session;
    const loaded = await host.loadConfig(repository.project);
    if (!loaded.ok) return loaded;
    const project = await loadProject(diskSource(session, loaded.value.config));
    if (!project.ok) return project;
    const task = project.value.graph.tasks.get(label);
    if (!task) {
      const names = [...project.value.graph.tasks.keys()];
      return err({ kind: 'unknown-target', target: label, nearest: suggestions(label, names) });
    }
    const { file, path } = task.source;
    const place = `${repository.project}/${file}`;
    const text = (await readText(place)) ?? '';
    // A new key stands behind the first one: set from the last to the first, they stand as they were typed.
    const changes = values.map(({ field, value }) => ({ path: [...path, field], value })).reverse();
    const edited = await editSpec(file, text, changes);
    if (!edited.ok) return edited;
    if (edited.value !== text) await writeAtomic(place, edited.value);
    return ok({ file, isChanged: edited.value !== text });
  });
}

function parseWord(word: string): Result<{ readonly field: Field; readonly value: unknown }, Failure> {
  const usage = (message: string, hint: string) => err<Failure>({ kind: 'usage', message, hint });
  const [, name = '', text = ''] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
  const field = FIELDS.find((one) => one === name);
  if (field === undefined) {
    const hint = `write a field, \`=\` and its value (\`description=text\`); fields are ${FIELDS.join(', ')}; edit the spec for anything else`;
    return usage(`\`${word}\` is not a field that \`set\` can change`, hint);
  }
  const value = text.trim();
  if (value === '') return ok({ field, value: undefined });
  if (field === 'status' && !TASK_STATUSES.some((status) => status === value)) {
    return usage(`\`${value}\` is not a status`, `a status is ${TASK_STATUSES.join(', ')}`);
  }
  const isNumber = field === 'priority' && /^-?\d+(\.\d+)?$/.test(value);
  return ok({ field, value: isNumber ? Number(value) : value });
}
