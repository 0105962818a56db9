/**
 * Turns a hand edit into a spec change: an agent or a person writes it, and the edited files must pass their gates
 * under the new spec. Otherwise the spec stays as it was.
 */

import { referredSections } from '../../agent/prompts/prompt.js';
import { promptAgent } from '../../agent/prompts/prompt-template.js';
import { driftOf } from '../../analysis/drift.js';
import type { Prepared } from '../../analysis/prepare.js';
import { err, ok, type Result } from '../../base/result.js';
import { build } from '../../build/build.js';
import { markersProblem } from '../../build/hand-edits/record-edits.js';
import { PLAIN_BUILD } from '../../build/options.js';
import { inPreparedSession, type PreparedSession } from '../../build/prepared-session.js';
import { openExecutor } from '../../build/task-runner.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { readText, writeAtomic } from '../../io/files.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Label, Task } from '../../model/task.js';
import type { Entry } from '../../model/tree.js';
import { givenDefinitions, readPrompts } from '../../project/agent-files.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { editSpec } from '../../specs/spec-edit.js';
import { withWords, wordsOf } from '../../specs/task-text.js';
import { ABSORB_PROMPT, askForWords, type Contradicted, draftedSpec, draftText } from './proposed-words.js';

export interface AbsorbOptions {
  readonly target: string;
  /** A person finds the words, even where there is an agent. */
  readonly byHand: boolean;
  readonly wait: boolean;
  readonly command: string;
}

export interface Proposal {
  readonly label: Label;
  /** The spec's file, relative to the project, and its text now and as proposed. */
  readonly file: string;
  readonly before: string;
  readonly after: string;
  readonly summary: string;
  /** Sections of documents that the edit contradicts; a person changes them. Absent: none is known. */
  readonly contradicted?: readonly Contradicted[];
}

export type Absorption =
  | { readonly kind: 'proposed'; readonly proposal: Proposal }
  /** A draft for a person: absolute path of the file to be edited. */
  | {
      readonly kind: 'draft';
      readonly draft: string;
      readonly proposal: Omit<Proposal, 'after' | 'summary'>;
    };

/** Fails with `usage` when the target is not one task with an edit, and as an agent's task fails. */
export async function proposeAbsorption(
  host: ExecutionHost,
  options: AbsorbOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<Result<Absorption, Failure>> {
  const { command, wait, target } = options;
  const prepare = { targets: [target], force: false, discardEdits: false };
  return inPreparedSession(host, { command, wait, signal, prepare, on }, (open) =>
    inProject(host, options, open),
  );
}

function editedFiles(
  { project }: Prepared,
  label: Label,
  files: readonly { readonly path: string }[],
): Map<string, Entry> {
  const owned = project.owned.get(label);
  const found = new Map<string, Entry>();
  for (const { path } of files) {
    const entry = owned?.get(path) ?? project.listing.get(path);
    if (entry) found.set(path, entry);
  }
  return found;
}

async function inProject(
  host: ExecutionHost,
  options: AbsorbOptions,
  { session, prepared, emit, signal, startedAt, openLog }: PreparedSession,
): Promise<Result<Absorption, Failure>> {
  const { project, agent } = prepared;
  const [label, ...more] = [...prepared.targets];
  if (label === undefined || more.length > 0) {
    const message = `${options.target} names ${more.length + 1} tasks; absorb takes one task`;
    return err({ kind: 'usage', message, hint: '`conductor status` shows the edited tasks' });
  }
  const task = project.graph.task(label);
  const { files } = await driftOf(project, task);
  if (files.length === 0) {
    return err({
      kind: 'usage',
      message: `${label} was not edited by hand`,
      hint: '`conductor diff` shows hand edits',
    });
  }
  if (task.source.hasVariables && !options.byHand) {
    const message = `${label} is written with variables in ${task.source.file}: its text there is not its own`;
    return err({
      kind: 'usage',
      message,
      hint: '`conductor absorb --by-hand` gives a draft to change yourself',
    });
  }
  const marked = await markersProblem(project.objects, editedFiles(prepared, label, files));
  if (marked) return err(marked);
  const edit = files.map((file) => file.patch).join('');
  const { file } = task.source;
  const before = (await readText(`${project.repository.project}/${file}`)) ?? '';
  if (options.byHand || !agent) {
    const draft = draftPlace(project.repository.project, label, file);
    await writeAtomic(draft, draftText(before, file, label, edit));
    return ok({ kind: 'draft', draft, proposal: { label, file, before } });
  }
  const words = await wordsOf(before, task);
  if (!words.ok) return words;
  const definitions = await givenDefinitions(host, project, agent);
  if (!definitions.ok) return definitions;
  const templates = await readPrompts(host, project);
  // The task's own agent would begin to build it.
  const named = await promptAgent(templates, ABSORB_PROMPT, 'documenter', definitions.value);
  if (!named.ok) return named;
  const { name } = named.value;
  openLog();
  const { store } = prepared;
  const { config } = project;
  const opened = await openExecutor({
    host,
    session,
    store,
    agent,
    config,
    handWritten: project.handWrittenTree,
    rules: project.rules.text,
    startedAt,
  });
  if (!opened.ok) return opened;
  const executor = opened.value;
  const { model } = prepared.gatherer.choiceOf({ ...task, agent: name }, 1);
  const answer = await askForWords(
    {
      executor,
      agent,
      config,
      now: host.now,
      objects: project.objects,
      templates,
      model,
      definition: name,
      version: host.version,
      signal,
      emit,
    },
    {
      task,
      words: words.value,
      sections: referredSections(task, project.features.get(task.feature)),
      edit,
      inputTree: await editedInputTree(prepared, task),
    },
  );
  await executor.close();
  if (!answer.ok) return answer;
  const { summary, contradicted, ...proposed } = answer.value;
  const after = await withWords(before, task, words.value, proposed);
  if (!after.ok) return after;
  if (after.value === before) {
    const detail = 'it found nothing to change in the spec: the spec may already describe the edit';
    return err({ kind: 'agent-error', detail, output: { tail: summary } });
  }
  const known = contradicted === undefined ? {} : { contradicted };
  return ok({ kind: 'proposed', proposal: { label, file, before, after: after.value, summary, ...known } });
}

function draftPlace(project: string, label: Label, file: string): string {
  return `${project}/${CONDUCTOR_FOLDER}/absorb/${folderName(label)}/${file.slice(file.lastIndexOf('/') + 1)}`;
}

/** The task's files as they are on disk, patched ones included. */
async function editedInputTree({ project }: Prepared, task: Task): Promise<string> {
  const files = new Map<string, Entry>(project.owned.get(task.label));
  for (const path of task.edits) {
    const entry = project.listing.get(path);
    if (entry) files.set(path, entry);
  }
  return project.objects.editTree(undefined, files);
}

/** The draft as a person changed it. Fails with `invalid-specs`; the draft stays for another try. */
export async function readDraft({
  draft,
  proposal,
}: Extract<Absorption, { kind: 'draft' }>): Promise<Result<Proposal, Failure>> {
  const after = draftedSpec((await readText(draft)) ?? '');
  const checked = await editSpec(proposal.file, after, []);
  return checked.ok ? ok({ ...proposal, after, summary: 'as written in the editor' }) : checked;
}

export interface ApplyOptions {
  readonly wait: boolean;
  readonly signal: AbortSignal;
  on(event: BuildEvent): void;
}

/**
 * Writes the proposed spec and accepts the edited files as its result. When they do not pass, or the spec was changed
 * meanwhile, the spec is as before. After a kill in between, `conductor accept` continues.
 */
export async function applyAbsorption(
  host: ExecutionHost,
  { label, file, before, after }: Proposal,
  { wait, signal, on }: ApplyOptions,
): Promise<Result<BuildSummary, Failure>> {
  const place = `${host.directory}/${file}`;
  if ((await readText(place)) !== before) {
    return err({
      kind: 'usage',
      message: `${file} was changed in the meantime`,
      hint: 'nothing was written; try again',
    });
  }
  await writeAtomic(place, after);
  const options = {
    ...PLAIN_BUILD,
    targets: [label],
    accept: true,
    wait,
    command: `conductor absorb ${label}`,
  };
  const summary = await build(host, options, on, signal);
  if (summary.exitCode !== 0 && (await readText(place)) === after) await writeAtomic(place, before);
  return ok(summary);
}
