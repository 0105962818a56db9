/**
 * The sequence of a plan: what is asked, what the planners see, their documents side by side, the tasks made of them, and
 * the files. Each part is another file's; here is only their order.
 */

import type { Agent } from '../../agent/agent.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Usage } from '../../model/action.js';
import type { BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import { documentProblem, mergePlan, PLANNERS, type Planner } from '../../plan/merged-plan.js';
import { GitResults } from '../../store/git-results.js';
import { readDefinitions, readPrompts } from '../agent-files.js';
import { loadProject } from '../project.js';
import { diskSource } from '../project-source.js';
import type { Session } from '../session.js';
import type { Emit, Surroundings } from '../surroundings.js';
import { openWorkbench } from '../workbench.js';
import { BACKLOG, type CheckParts, checkBacklog } from './backlog-check.js';
import type { Document } from './document-step.js';
import { DOCUMENTS, type DocumentName, PLAN_LOCK, parsePlanLock } from './plan-lock.js';
import type { PlanOptions } from './plan-options.js';
import { backlogIn, keepProposal, publishPlan } from './plan-publishing.js';
import { findFeature, REQUEST, textIn } from './planned-feature.js';
import { PlanningDesk } from './planning-desk.js';
import { backlogNode, labelOf, type PlanningNode, plannerNode } from './planning-node.js';
import { planningView } from './planning-view.js';
import { repositoryMap } from './project-map.js';

export interface PlanRun {
  readonly surroundings: Surroundings;
  readonly session: Session;
  readonly options: PlanOptions;
  readonly emit: Emit;
  readonly signal: AbortSignal;
  readonly startedAt: number;
  /** Called when it is sure that this folder is a project. */
  openRecord(): void;
}

export interface Planned {
  readonly failure: Failure | undefined;
  readonly usage: Usage;
  readonly outcome: BuildSummary['outcome'];
  /** Files written. */
  readonly published: number;
  readonly feature: string | undefined;
}

type Documents = Readonly<Record<DocumentName, Document>>;

export async function planFeature(run: PlanRun): Promise<Planned> {
  const opened = await openParts(run);
  if (!opened.ok) return failed(opened.error, {});
  const parts = opened.value;
  const { project, feature } = parts;
  const lock = parsePlanLock(await textIn(project, feature.folder + PLAN_LOCK));
  const { emit, options, signal, surroundings, session, startedAt } = run;
  emit({ type: 'build.planned', tasks: DOCUMENTS.map((name) => labelOf(feature.name, name)) });
  const desk = new PlanningDesk({
    ...parts,
    objects: session.objects,
    store: new GitResults(session.objects),
    version: surroundings.version,
    signal,
    emit,
    now: surroundings.now,
    lock,
    dryRun: options.dryRun,
    openWorkbench: () => openWorkbench(surroundings, session, parts.config, startedAt),
    keepProposal: (file, text) =>
      keepProposal(project, feature.name, file.slice(feature.folder.length), text),
  });
  let written: Result<WrittenPlan | undefined, Failure>;
  try {
    written = await writePlan(run, parts, desk);
  } finally {
    await parts.agent.close?.();
    // From here on no worker can be given anything that a planner has said or read but its document.
    if (desk.sessions > 0) emit({ type: 'plan.closed', sessions: desk.sessions });
  }
  if (!written.ok) return failed(written.error, desk.usage);
  if (!written.value) return { ...NOTHING, usage: desk.usage, outcome: 'would-build' };
  const { files, documents } = written.value;
  if (options.dryRun) return { ...NOTHING, usage: {}, outcome: 'up-to-date' };
  const keys = Object.fromEntries(DOCUMENTS.map((name) => [name, documents[name].key]));
  const plan = { files, documents: keys as Record<DocumentName, string>, lock };
  const published = await publishPlan(parts, plan, options.discardEdits, emit);
  if (!published.ok) return failed(published.error, desk.usage);
  const idle = desk.sessions === 0 && published.value === 0;
  return {
    failure: undefined,
    usage: desk.usage,
    outcome: idle ? 'up-to-date' : 'built',
    published: published.value,
    feature: feature.name,
  };
}

const NOTHING: Omit<Planned, 'outcome' | 'usage'> = { failure: undefined, published: 0, feature: undefined };

function failed(failure: Failure, usage: Usage): Planned {
  return { ...NOTHING, failure, usage, outcome: 'failed' };
}

interface PlanParts extends CheckParts {
  readonly agent: Agent;
  /** What planners are shown. */
  readonly tree: ObjectId;
}

async function openParts(run: PlanRun): Promise<Result<PlanParts, Failure>> {
  const { surroundings, session, options } = run;
  const loaded = await surroundings.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const { config } = loaded.value;
  const opened = await loadProject(diskSource(session, config));
  if (!opened.ok) return opened;
  const project = opened.value;
  const found = await findFeature(project, options.target);
  if (!found.ok) return found;
  run.openRecord();
  const feature = found.value;
  const agent = await surroundings.createAgent(config);
  if (!agent.ok) return agent;
  if (!agent.value) return err({ kind: 'no-agent' });
  const templates = await readPrompts(surroundings, project);
  const definitions = agent.value.useDefinitions
    ? await readDefinitions(surroundings, project)
    : ok(undefined);
  if (!definitions.ok) return definitions;
  if (definitions.value) agent.value.useDefinitions?.(definitions.value);
  const tree = await planningView(project, feature.name);
  const map = await repositoryMap(project, feature.name, tree);
  return ok({
    surroundings,
    session,
    project,
    config,
    feature,
    agent: agent.value,
    templates,
    definitions: definitions.value,
    tree,
    map,
  });
}

interface WrittenPlan {
  readonly files: ReadonlyMap<string, string>;
  readonly documents: Documents;
}

/** The plan's files; undefined in a dry run when a document would have to be written. */
async function writePlan(
  run: PlanRun,
  parts: PlanParts,
  desk: PlanningDesk,
): Promise<Result<WrittenPlan | undefined, Failure>> {
  const { feature, project, tree } = parts;
  const nodes: PlanningNode[] = [];
  for (const name of PLANNERS) {
    const node = await plannerNode(parts, name);
    if (!node.ok) return node;
    nodes.push(node.value);
  }
  // A planner that fails does not stop the others: what they have written is kept, and paid for once.
  const drafted = await Promise.all(
    nodes.map(async (node) => {
      const former = await desk.former(node);
      const file = `${feature.folder}${node.output.slice(node.output.lastIndexOf('/') + 1)}`;
      const check = async (text: string) => {
        const problem = documentProblem(text);
        return problem === undefined ? ok(text) : err([{ file, message: problem }]);
      };
      return desk.document({ node, view: tree, former, file, check });
    }),
  );
  const drafts: Partial<Record<Planner, Document>> = {};
  const failures = drafted.flatMap((one) => (one.ok ? [] : [one.error]));
  const failure = failures.find(({ kind }) => kind !== 'cancelled') ?? failures[0];
  if (failure) return err(failure);
  for (const [i, name] of PLANNERS.entries()) {
    const one = drafted[i];
    if (one?.ok && one.value) drafts[name] = one.value;
  }
  const { spec, arch, qa } = drafts;
  if (!spec || !arch || !qa) {
    const label = labelOf(feature.name, 'backlog');
    const on = nodes.filter(({ name }) => !drafts[name as Planner]).map((node) => node.label);
    run.emit({ type: 'task.checked', task: label, verdict: { kind: 'pending', on } });
    return ok(undefined);
  }
  const plan = mergePlan(feature.title, { spec: spec.text, arch: arch.text, qa: qa.text });
  const files = new Map<string, string>([
    ...(feature.isForeign ? [[REQUEST, feature.request] as const] : []),
    ['PLAN.md', plan] as const,
  ]);
  const node = await backlogNode(parts, plan);
  if (!node.ok) return node;
  const own = await textIn(project, feature.folder + BACKLOG);
  const backlog = await desk.document({
    node: node.value,
    view: tree,
    former:
      own === undefined ? undefined : { text: own, manifest: (await desk.former(node.value))?.manifest },
    file: feature.folder + BACKLOG,
    check: async (text) => {
      const inPlace = new Map([...files].map(([name, one]) => [feature.folder + name, one]));
      return checkBacklog(parts, text, await backlogIn(project, feature.folder), inPlace);
    },
  });
  if (!backlog.ok) return backlog;
  if (!backlog.value) return ok(undefined);
  files.set(BACKLOG, backlog.value.text);
  return ok({ files, documents: { spec, arch, qa, backlog: backlog.value } });
}
