/**
 * The sequence of a plan: the request and the planners' input, the documents, the end of the sessions, the files.
 * Each part is in another file.
 */

import type { Agent } from '../../agent/agent.js';
import { err, ok, type Result } from '../../base/result.js';
import type { OpenLifecycle } from '../../build/lifecycle.js';
import { openExecutor } from '../../build/task-runner.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { withBuildLimit } from '../../execution/spending.js';
import type { Usage } from '../../model/action.js';
import type { BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { givenDefinitions, readPrompts } from '../../project/agent-files.js';
import { loadProject, textIn } from '../../project/project.js';
import { diskSource } from '../../project/project-source.js';
import { GitResults } from '../../store/git-results.js';
import { KeptDrafts } from './kept-draft.js';
import { PlanDocuments } from './plan-documents.js';
import { DOCUMENTS, PLAN_LOCK, parsePlanLock, type WrittenPlan } from './plan-files.js';
import { publishPlan } from './plan-publishing.js';
import { type PlanParts, recordedPlan, writePlan } from './plan-writing.js';
import { findFeature, type PlanOptions } from './planned-feature.js';
import { labelOf } from './planning-node.js';
import { plannerTree, repositoryMap } from './project-map.js';

export interface PlanRun extends OpenLifecycle {
  readonly host: ExecutionHost;
  readonly options: PlanOptions;
}

export interface Planned {
  readonly failure: Failure | undefined;
  /** Whether an event of the document that failed has said it already. */
  readonly isTold: boolean;
  readonly usage: Usage;
  readonly outcome: BuildSummary['outcome'];
  /** Files written. */
  readonly published: number;
  readonly feature: string | undefined;
}

export async function planFeature(run: PlanRun): Promise<Planned> {
  const opened = await openParts(run);
  if (!opened.ok) return failed(opened.error, {});
  const parts = opened.value;
  const { project, feature } = parts;
  const lock = parsePlanLock(await textIn(project, feature.folder + PLAN_LOCK));
  const { emit, options, signal, host, session, startedAt } = run;
  emit({ type: 'build.planned', tasks: DOCUMENTS.map((name) => labelOf(feature.name, name)) });
  const { agent, config } = parts;
  const { objects } = session;
  const store = new GitResults(objects);
  const documents = new PlanDocuments({
    ...parts,
    objects,
    version: host.version,
    signal,
    emit,
    now: host.now,
    lock,
    dryRun: options.dryRun,
    openExecutor: () =>
      openExecutor({
        host,
        session,
        store,
        agent,
        config,
        handWritten: project.handWrittenTree,
        rules: project.rules.text,
        startedAt,
      }),
    fresh: options.fresh,
    kept: new KeptDrafts(project, feature.name),
  });
  let written: Result<WrittenPlan | undefined, Failure>;
  try {
    const recorded = await recordedPlan(parts, lock, emit);
    written = recorded ? ok(recorded) : await writePlan(parts, documents, emit);
  } finally {
    await documents.close();
    await agent.close?.();
    // From here on no worker can be given anything that a planner has said or read but its document.
    if (documents.sessions > 0) emit({ type: 'plan.closed', sessions: documents.sessions });
  }
  await documents.repack();
  if (!written.ok)
    return { ...failed(written.error, documents.usage), isTold: documents.failed.has(written.error) };
  if (!written.value) return { ...NOTHING, usage: documents.usage, outcome: 'would-build' };
  if (options.dryRun) return { ...NOTHING, usage: {}, outcome: 'up-to-date' };
  const published = await publishPlan(parts, written.value, { lock, overwrite: options.discardEdits }, emit);
  if (!published.ok) return failed(published.error, documents.usage);
  const idle = documents.sessions === 0 && published.value === 0;
  return {
    ...NOTHING,
    usage: documents.usage,
    outcome: idle ? 'up-to-date' : 'built',
    published: published.value,
    feature: feature.name,
  };
}

const NOTHING: Omit<Planned, 'outcome' | 'usage'> = {
  failure: undefined,
  isTold: false,
  published: 0,
  feature: undefined,
};

function failed(failure: Failure, usage: Usage): Planned {
  return { ...NOTHING, failure, usage, outcome: 'failed' };
}

/** What stands for an agent in a dry run of a project without one: it is asked for nothing. */
const NO_AGENT: Agent = {
  name: 'none',
  identity: 'none',
  reportsCost: false,
  run: () => Promise.reject(new Error('BUG: a dry run asked an agent')),
};

async function openParts(run: PlanRun): Promise<Result<PlanParts, Failure>> {
  const { host, session, options } = run;
  const loaded = await host.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const config = withBuildLimit(loaded.value.config, options.budgetUsd);
  const opened = await loadProject(diskSource(session, config));
  if (!opened.ok) return opened;
  const project = opened.value;
  const found = await findFeature(project, options.target);
  if (!found.ok) return found;
  run.openRecord();
  const feature = found.value;
  const created = await host.createAgent(config);
  if (!created.ok) return created;
  const agent = created.value ?? (options.dryRun ? NO_AGENT : undefined);
  if (!agent) return err({ kind: 'no-agent' });
  if (agent === NO_AGENT)
    run.emit({ type: 'warning', message: 'no agent is configured; `conductor plan` needs one to write' });
  const templates = await readPrompts(host, project);
  const definitions = await givenDefinitions(host, project, agent);
  if (!definitions.ok) return definitions;
  const tree = await plannerTree(project, feature.name);
  const map = await repositoryMap(project, feature.name, tree);
  return ok({
    host,
    session,
    project,
    config,
    feature,
    agent,
    templates,
    shipped: await host.shippedPrompts(),
    definitions: definitions.value,
    tree,
    map,
  });
}
