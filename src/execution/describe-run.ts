/** Describes what an executor must do for a stale task, as plain data. Runs nothing. */

import { agentNameOf } from '../agent/prompts/definitions.js';
import { fenced } from '../agent/prompts/evidence.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { renderVariables } from '../analysis/facts.js';
import { formatOf, formatWords } from '../analysis/format-settings.js';
import { recordedWords } from '../analysis/former/changed-items.js';
import { buildInputTree } from '../analysis/input-tree.js';
import { seenInterfaces } from '../analysis/interfaces/interface-changes.js';
import { readsSignatures } from '../analysis/interfaces/interface-files.js';
import { interfacesOf } from '../analysis/interfaces/interfaces.js';
import { ownFormerEdits } from '../analysis/patches.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Check } from '../analysis/verdict.js';
import { err, ok, type Result } from '../base/result.js';
import { renderTemplate } from '../io/template/template.js';
import { unifiedDiff } from '../io/text-diff.js';
import { needText } from '../model/agents/agent-report.js';
import type { Failure } from '../model/failure.js';
import { escapeGlob } from '../model/paths/glob-parser.js';
import type { ModelChoice } from '../model/routes.js';
import type { Label, RenderStep, Task } from '../model/task.js';
import type { TaskRun, Tried } from '../model/task-run.js';
import type { Entry, Files, ObjectId } from '../model/tree.js';
import type { Project } from '../project/project.js';
import type { KeptWork } from '../store/kept-work.js';
import { onInputTree } from './left-work.js';
import { unrecordedEdits } from './patch-twice.js';
import { type FormerFails, steeringOf } from './prompt-steering.js';
import { isReviewed, reviewRequest } from './reviewer.js';

/** A stale task with what its run starts from. */
export interface StaleTask {
  readonly check: Check;
  /** Of its transitive dependencies at least. */
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
  /** The former outputs that its input tree holds; undefined: those on disk. */
  readonly former: Files | undefined;
  /** It starts without its former work, patches included. Absent: with it, if it evolves. */
  readonly fromScratch?: boolean;
  /** What its agent had written when it asked a person for something. */
  readonly kept?: KeptWork | undefined;
  /** Why its former result does not stand; the agent goes on from those files if the task evolves. */
  readonly fails?: FormerFails | undefined;
}

/** Attempts after others have failed. */
export interface MoreAttempts {
  readonly choice: ModelChoice;
  readonly earlier: Tried;
  /** Default: one. */
  readonly attempts?: number;
  /** What they go on from: changes of earlier attempts. Absent: nothing of them is left. */
  readonly left?: ReadonlyMap<string, Entry | undefined>;
}

/** A rendered file depends on no other. */
const NOTHING_SEEN = { gates: undefined, evolves: false, editBases: {}, editSides: {}, formerEdits: [] };

/** `again`: attempts after others have failed, with their model and their evidence. */
export async function describeRun(
  prepared: Prepared,
  { check, dependencyOutputs, former, fromScratch, kept, fails }: StaleTask,
  again?: MoreAttempts,
): Promise<Result<TaskRun, Failure>> {
  const { task, facts } = check;
  const { project } = prepared;
  // What conductor renders and no gate judges needs no workspace: it goes from memory into the store.
  const format = formatOf(project, task);
  const isRendered = task.recipe.kind === 'render' && check.gates.length === 0 && !format;
  const edits = fromScratch ? undefined : await ownFormerEdits(project, prepared.store, task);
  const inputTree =
    isRendered && project.edited.size === 0
      ? ok({ ...NOTHING_SEEN, tree: await project.objects.empty() })
      : await buildInputTree(project, check, dependencyOutputs, { files: former, edits });
  if (!inputTree.ok) return inputTree;
  const interfaces = await seenInterfaces(project, task, dependencyOutputs);
  const common: Omit<TaskRun, 'recipe'> = {
    label: task.label,
    work: { phase: 'implementation', taskType: task.type, complexity: task.complexity },
    key: check.storeKey,
    manifest: facts.manifest,
    ...(check.via?.length ? { via: check.via } : {}),
    ...(interfaces === undefined ? {} : { interfaces }),
    ...recordedWords(facts),
    inputTree: inputTree.value.tree,
    ...(inputTree.value.gates === undefined ? {} : { gateTree: inputTree.value.gates }),
    keyed: await keyedPatterns(prepared.project, task, dependencyOutputs),
    outputs: task.outputs,
    edits: task.edits,
    editBases: inputTree.value.editBases,
    editSides: inputTree.value.editSides,
    mayStand: prepared.forced.has(task.label) ? [] : unrecordedEdits(project, task),
    gates: check.gates,
    ...(format ? { format: formatWords(format) } : {}),
    budget: task.budget,
    network: task.network,
    ...(task.runsOn === undefined ? {} : { runsOn: task.runsOn }),
    // A command writes the same each time: what it writes elsewhere is a mistake of its spec.
    stray: task.stray ?? (task.recipe.kind === 'agent' ? project.config.stray : 'refuse'),
    evolves: inputTree.value.evolves,
  };
  if (task.recipe.kind === 'run')
    return ok({ ...common, recipe: { kind: 'run', command: task.recipe.command } });
  if (task.recipe.kind === 'render') {
    const write = (text: Buffer) =>
      isRendered ? project.objects.hold(text) : project.objects.writeBlob(text);
    const files = await renderOutputs(prepared, task, task.recipe.steps, write);
    return files.ok ? ok({ ...common, recipe: { kind: 'render', files: files.value } }) : files;
  }
  if (!prepared.agent || !facts.prompt) return err({ kind: 'no-agent' });
  const { attempts } = prepared.project.config;
  const choices = Array.from({ length: attempts }, (_, i) => prepared.gatherer.choiceOf(task, i + 1));
  const beside = {
    dependencyOutputs,
    specChange: inputTree.value.evolves ? await specChange(check) : undefined,
    fails: inputTree.value.evolves ? fails : undefined,
    former: edits ?? [],
    placed: inputTree.value.formerEdits,
  };
  const prompt = await facts.prompt.full(await steeringOf(prepared, task, check.gates, beside));
  if (!prompt.ok) return prompt;
  const review = isReviewed(prepared, task) ? await reviewRequest(prepared, check) : undefined;
  if (review && !review.ok) return review;
  const changes = again ? again.left : kept && (await changesOf(project, kept));
  const left = changes && (await onInputTree(project.objects, common, changes));
  const earlier = again?.earlier ?? (kept && left !== undefined ? earlierOf(kept) : undefined);
  return ok({
    ...common,
    ...(left === undefined ? {} : { left }),
    ...(review ? { review: review.value } : {}),
    recipe: {
      kind: 'agent',
      prompt: prompt.value,
      agent: prepared.agent.name,
      definition: agentNameOf(task),
      choices: again ? [again.choice] : choices,
      attempts: again ? (again.attempts ?? 1) : attempts,
      ...(earlier === undefined ? {} : { earlier }),
    },
  });
}

async function changesOf({ objects }: Project, { files, removed }: KeptWork) {
  const changes = new Map<string, Entry | undefined>();
  const listing = await objects.list(files);
  for (const path of listing.paths) changes.set(path, listing.get(path));
  for (const path of removed) changes.set(path, undefined);
  return changes;
}

/** The attempt that asked is not counted, and its successor knows what was decided. */
function earlierOf({ needs, said, approved }: KeptWork): Tried {
  const decided = approved
    ? 'this is granted now'
    : 'nobody has granted this so far, do without or ask again';
  const asked = `An earlier session asked ${needs.map(needText).join(', ')}: ${decided}.`;
  const words = said === undefined ? '' : `\n\nIt ended with these words:\n\n${fenced(said)}`;
  return { attempts: 0, evidence: [asked + words] };
}

/** What the key of an agent's task covers: the inputs that it declares and what its direct dependencies show. */
async function keyedPatterns(
  project: Project,
  task: Task,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<(readonly string[])[]> {
  const keyed: (readonly string[])[] = [task.inputs ?? []];
  for (const label of task.dependsOn) {
    const need = project.graph.task(label);
    const made = dependencyOutputs.get(label);
    // Of a file that counts by signature the key has only what it declares.
    const files = made && readsSignatures(task) ? await interfacesOf(project).files(need, made) : undefined;
    const paths = files?.filter(({ declares }) => !declares).map(({ path }) => escapeGlob(path));
    keyed.push(paths ?? need.interface ?? need.outputs);
  }
  return keyed;
}

/** Renders the files of a `render` recipe from templates of the snapshot to blobs, without a workspace. */
export async function renderOutputs(
  prepared: Pick<Prepared, 'gatherer'>,
  task: Task,
  steps: readonly RenderStep[],
  write: (text: Buffer) => ObjectId | Promise<ObjectId>,
): Promise<Result<{ path: string; blob: ObjectId }[], Failure>> {
  const files: { path: string; blob: ObjectId }[] = [];
  for (const step of steps) {
    const template = await prepared.gatherer.template(step.template);
    if (!template.ok) return template;
    const partials = Object.fromEntries([...template.value.partials].map(([name, { text }]) => [name, text]));
    const rendered = await renderTemplate({
      name: template.value.path,
      text: template.value.text,
      variables: renderVariables(task, step),
      partials,
    });
    if (!rendered.ok) {
      const { template: name, line, message } = rendered.error;
      return err({
        kind: 'template-error',
        template: name,
        ...(line === undefined ? {} : { line }),
        message,
      });
    }
    const blob = await write(Buffer.from(rendered.value));
    files.push({ path: step.to, blob });
  }
  return ok(files);
}

/**
 * For a task that evolves: the difference between its prompt and the prompt of its former result, or the changed files
 * that its agent had read.
 */
export async function specChange(check: Check): Promise<string> {
  if (check.verdict.kind !== 'stale') return '';
  for (const reason of check.verdict.reasons) {
    if (reason.kind === 'observed-changed') return reason.paths.map((path) => `changed: ${path}`).join('\n');
    if (reason.kind !== 'manifest-changed') continue;
    const prompt = reason.changes.find((change) => change.name === 'prompt');
    if (prompt?.before !== undefined && prompt.after !== undefined)
      return unifiedDiff(prompt.before, prompt.after).join('\n');
  }
  return '';
}
