/**
 * The documents of a plan: as a clone's own files record them, or three drafts side by side, one plan made of them, and
 * the tasks made of that.
 */

import { ownValue } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import type { ActionKey } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import { documentProblem, PLANNERS, type Planner, planProblems } from '../../plan/merged-plan.js';
import type { Emit } from '../../project/host.js';
import { textIn } from '../../project/project.js';
import { type CheckParts, checkBacklog } from './backlog-check.js';
import type { Document, PlanDocuments } from './plan-documents.js';
import {
  BACKLOG,
  backlogIn,
  DOCUMENTS,
  type DocumentName,
  filesInPlace,
  PLAN,
  type PlanLock,
  planFiles,
  type WrittenPlan,
} from './plan-files.js';
import { backlogNode, labelOf, type PlanningNode, planNode, plannerNode } from './planning-node.js';

export interface PlanParts extends CheckParts {
  /** What planners are shown. */
  readonly tree: ObjectId;
}

/** Undefined in a dry run when a document would have to be written. */
export async function writePlan(
  parts: PlanParts,
  documents: PlanDocuments,
  emit: Emit,
): Promise<Result<WrittenPlan | undefined, Failure>> {
  const { feature, project, tree } = parts;
  const drafted = await writeDrafts(parts, documents);
  if (!drafted.ok) return drafted;
  const { spec, arch, qa } = drafted.value;
  if (!spec || !arch || !qa) {
    const on = PLANNERS.filter((name) => !drafted.value[name]).map((name) => labelOf(feature.name, name));
    const waits = labelOf(feature.name, 'plan');
    emit({ type: 'task.checked', task: waits, verdict: { kind: 'pending', on } });
    emit({
      type: 'task.checked',
      task: labelOf(feature.name, 'backlog'),
      verdict: { kind: 'pending', on: [waits] },
    });
    return ok(undefined);
  }
  const reconciled = await reconcile(parts, documents, { spec, arch, qa });
  if (!reconciled.ok) return reconciled;
  const { document, drafts } = reconciled.value;
  if (!document) {
    const on = [labelOf(feature.name, 'plan')];
    emit({ type: 'task.checked', task: labelOf(feature.name, 'backlog'), verdict: { kind: 'pending', on } });
    return ok(undefined);
  }
  const plan = document.text;
  const node = await backlogNode(parts, plan);
  if (!node.ok) return node;
  const inPlace = filesInPlace(feature, planFiles(feature, plan));
  const own = await textIn(project, feature.folder + BACKLOG);
  const before = await backlogIn(project, feature.folder);
  const manifest = (await documents.former(node.value))?.manifest;
  const backlog = await documents.document({
    node: node.value,
    inputTree: tree,
    // A person's changes are a part of what was planned before.
    former: own === undefined ? undefined : { text: own, manifest },
    file: feature.folder + BACKLOG,
    check: (text) => checkBacklog(parts, text, before, inPlace),
  });
  if (!backlog.ok) return backlog;
  if (!backlog.value) return ok(undefined);
  const keys = { spec: spec.key, arch: arch.key, qa: qa.key, plan: document.key, backlog: backlog.value.key };
  return ok({ files: planFiles(feature, plan, backlog.value.text), documents: keys, drafts });
}

/** One plan of the drafts. Undefined in a dry run when it would have to be written. */
async function reconcile(
  parts: PlanParts,
  documents: PlanDocuments,
  drafts: Readonly<Record<Planner, Document>>,
): Promise<
  Result<{ readonly document: Document | undefined; readonly drafts: WrittenPlan['drafts'] }, Failure>
> {
  const { project, feature, tree } = parts;
  const blob = (name: Planner) => project.objects.writeBlob(Buffer.from(drafts[name].text));
  const ids = { spec: await blob('spec'), arch: await blob('arch'), qa: await blob('qa') };
  const texts = { spec: drafts.spec.text, arch: drafts.arch.text, qa: drafts.qa.text };
  const node = await planNode(parts, ids, texts);
  if (!node.ok) return node;
  const file = feature.folder + PLAN;
  const own = await textIn(project, file);
  const document = await documents.document({
    node: node.value,
    inputTree: tree,
    // A person's changes are a part of what was planned before.
    former:
      own === undefined ? undefined : { text: own, manifest: (await documents.former(node.value))?.manifest },
    file,
    check: async (text) => {
      const problems = planProblems(text);
      return problems.length === 0 ? ok(text) : err(problems.map((message) => ({ file, message })));
    },
  });
  return document.ok ? ok({ document: document.value, drafts: ids }) : document;
}

/** A planner that fails does not stop the others: what they write is kept, and paid for once. */
async function writeDrafts(
  parts: PlanParts,
  documents: PlanDocuments,
): Promise<Result<Partial<Record<Planner, Document>>, Failure>> {
  const nodes: PlanningNode[] = [];
  for (const name of PLANNERS) {
    const node = await plannerNode(parts, name);
    if (!node.ok) return node;
    nodes.push(node.value);
  }
  const drafted = await Promise.all(nodes.map((node) => writeDraft(parts, documents, node)));
  const failures = drafted.flatMap((one) => (one.ok ? [] : [one.error]));
  const failure = failures.find(({ kind }) => kind !== 'cancelled') ?? failures[0];
  if (failure) return err(failure);
  const drafts: Partial<Record<Planner, Document>> = {};
  for (const [i, name] of PLANNERS.entries()) {
    const one = drafted[i];
    if (one?.ok && one.value) drafts[name] = one.value;
  }
  return ok(drafts);
}

async function writeDraft({ feature, tree }: PlanParts, documents: PlanDocuments, node: PlanningNode) {
  const file = feature.folder + node.output.slice(node.output.lastIndexOf('/') + 1);
  return documents.document({
    node,
    inputTree: tree,
    former: await documents.former(node),
    file,
    check: async (text) => {
      const problem = documentProblem(text);
      return problem === undefined ? ok(text) : err([{ file, message: problem }]);
    },
  });
}

/**
 * The plan of the lock, when everything that decides it is as it was, its files are to be had, and it still holds;
 * undefined: the documents have to be looked for, or written.
 */
export async function recordedPlan(
  parts: CheckParts,
  lock: PlanLock | undefined,
  emit: Emit,
): Promise<WrittenPlan | undefined> {
  const { feature, project } = parts;
  const plan = await lockedText(parts, lock, PLAN);
  const backlog = await lockedText(parts, lock, BACKLOG);
  const drafts = lock?.drafts;
  if (!drafts || plan === undefined || backlog === undefined) return undefined;
  const nodes = await Promise.all([
    ...PLANNERS.map((name) => plannerNode(parts, name)),
    planNode(parts, drafts, undefined),
    backlogNode(parts, plan),
  ]);
  const isAsRecorded = (node: PlanningNode) => lock.documents[node.name] === node.key;
  if (!nodes.every((node) => node.ok && isAsRecorded(node.value))) return undefined;
  const files = planFiles(feature, plan);
  const before = await backlogIn(project, feature.folder);
  const checked = await checkBacklog(parts, backlog, before, filesInPlace(feature, files));
  if (!checked.ok) return undefined;
  for (const name of DOCUMENTS) {
    const task = labelOf(feature.name, name);
    emit({ type: 'task.checked', task, verdict: { kind: 'fresh' } });
    emit({ type: 'task.finished', task, outcome: 'fresh', ms: 0 });
  }
  const documents = Object.fromEntries(
    nodes.flatMap((node) => (node.ok ? [[node.value.name, node.value.key]] : [])),
  ) as Record<DocumentName, ActionKey>;
  return { files: planFiles(feature, plan, checked.value), documents, drafts };
}

/** The text of a file as the plan had it, from the store or from what the person committed. */
async function lockedText(
  { project }: CheckParts,
  lock: PlanLock | undefined,
  name: string,
): Promise<string | undefined> {
  const id = ownValue(lock?.files, name);
  return id === undefined ? undefined : (await project.objects.read(id))?.toString('utf8');
}
