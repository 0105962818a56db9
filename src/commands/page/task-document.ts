/** Everything that the page shows of one task: spec, verdict, prompts, runs, result, diff, history. Changes nothing. */

import { gatesOf } from '../../analysis/visible-files.js';
import type { InspectedTask, Inspection } from '../../build/dry-run.js';
import { unifiedDiff } from '../../io/text-diff.js';
import { firstMaking, type ManifestChange, type StoredResult } from '../../model/action.js';
import { needText } from '../../model/agents/agent-report.js';
import type { TaskView } from '../../model/build-view.js';
import { resultKeyOf } from '../../model/feature-lock.js';
import type { HistoryLine } from '../../model/history.js';
import type {
  ChangeView,
  FileDiff,
  PromptView,
  ReasonView,
  ResultView,
  TaskDocument,
  VerdictView,
} from '../../model/page.js';
import { commandText, type Label, type Task } from '../../model/task.js';
import type { StaleReason, Verdict } from '../../model/verdict.js';
import { lockedTask, textIn } from '../../project/project.js';
import { describeReason, describeTask, describeVerdict } from '../../report/verdict.js';
import { WorkStore } from '../../store/kept-work.js';
import { previewOne } from '../prompt-preview.js';
import { pastRuns } from './past-builds.js';
import { resultDiffs } from './result-diffs.js';
import { type SpecPlaces, specText } from './spec-text.js';
import { NO_LOGS, taskLogs } from './task-logs.js';

export interface TaskQuestion {
  readonly label: Label;
  /** The project's folder. */
  readonly project: string;
  readonly history: readonly HistoryLine[];
  /** The task in a build whose log is kept. */
  readonly run?: { readonly build: string; readonly view: TaskView };
  /** Bytes of one text that are kept. */
  readonly maxBytes: number;
  /** What the build published, where that is known already. */
  readonly diff?: readonly FileDiff[];
  /** Only of a result that the build published; else also of the one that stands, from nothing. */
  readonly publishedOnly?: boolean;
  /** Spec files that were parsed already: many tasks stand in one. */
  readonly specs?: SpecPlaces;
}

/** What is known of a task without today's specs: from logs and the history. */
export async function recordedTask(asked: TaskQuestion): Promise<TaskDocument> {
  const { label, project, history, run, maxBytes } = asked;
  const logs = run ? await taskLogs(project, run.build, label, maxBytes) : NO_LOGS;
  return {
    label,
    ...(run ? { build: run.build, run: run.view } : {}),
    ...logs,
    history: pastRuns(history, label),
  };
}

export async function taskDocument(
  inspection: Inspection,
  inspected: InspectedTask,
  asked: TaskQuestion,
): Promise<TaskDocument> {
  const { prepared } = inspection;
  const { project, store } = prepared;
  const { task, verdict, check, waiting } = inspected;
  const recorded = await recordedTask(asked);
  const spec = await specText(task, await textIn(project, task.source.file), asked.specs);
  const locked = lockedTask(project, task);
  const found = locked ? await store.find(resultKeyOf(locked)) : undefined;
  const result = found?.ok ? found.value : undefined;
  const standing = asked.publishedOnly ? undefined : result;
  const work = await new WorkStore(project.objects, project.repository.project).find(task.label);
  const asks = (work?.approved ? [] : (work?.needs ?? [])).map((need) => ({
    what: needText(need),
    because: need.because,
  }));
  const diff = asked.diff ?? (await publishedDiff(inspection, asked.run?.view, standing));
  return {
    ...recorded,
    task: taskFacts(inspection, task),
    ...(spec ? { spec } : {}),
    verdict: { ...verdictView(verdict), why: describeTask({ label: task.label, verdict, waiting }) },
    ...(check ? { key: check.facts.key } : {}),
    ...(result ? { result: resultView(result) } : {}),
    prompts: [...recorded.prompts, ...(await nextPrompt(inspection, inspected))],
    ...(diff ? { diff } : {}),
    ...(asks.length > 0 ? { asks } : {}),
  };
}

function taskFacts({ prepared }: Inspection, task: Task): NonNullable<TaskDocument['task']> {
  const { graph } = prepared.project;
  return {
    title: task.title,
    type: task.type,
    complexity: task.complexity,
    recipe: task.recipe.kind,
    dependsOn: [...new Set(task.dependsOn)],
    dependents: graph.dependents(task.label),
    outputs: task.outputs,
    edits: task.edits,
    ...(task.inputs === undefined ? {} : { inputs: task.inputs }),
    specRefs: task.specRefs,
    gates: gatesOf(prepared.project, task).map((gate) => commandText(gate.command)),
  };
}

/** The prompt that a build would send now; of a task that has nothing to do, it is the one that it was built with. */
async function nextPrompt(inspection: Inspection, inspected: InspectedTask): Promise<PromptView[]> {
  if (inspected.task.recipe.kind !== 'agent') return [];
  const preview = await previewOne(inspection, inspected);
  if (!preview.ok) return [];
  const { text, instructions, material, limit } = preview.value;
  return [{ attempt: 1, text, bytes: Buffer.byteLength(text), instructions, material, limit }];
}

export function verdictView(verdict: Verdict): VerdictView {
  const reasons: readonly StaleReason[] =
    verdict.kind === 'stale' || verdict.kind === 'cached'
      ? verdict.reasons
      : verdict.kind === 'drifted'
        ? (verdict.stale ?? [])
        : [];
  return { kind: verdict.kind, why: describeVerdict(verdict), reasons: reasons.map(reasonView) };
}

function reasonView(reason: StaleReason): ReasonView {
  const changes = reason.kind === 'manifest-changed' ? reason.changes.map(changeView) : [];
  return { text: describeReason(reason), changes };
}

export function changeView({ name, show, before, after }: ManifestChange): ChangeView {
  if (show === 'text') return { name, show, diff: unifiedDiff(before ?? '', after ?? '') };
  return {
    name,
    show,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

function resultView({ key, commit, outputs, provenance }: StoredResult): ResultView {
  const { recipe, gates, observed, conductor, origin, verified } = provenance;
  const { agent, model, variant, attempts, usage, startedAt, ms } = firstMaking(provenance);
  return {
    key,
    commit,
    recipe,
    ...(agent === undefined ? {} : { agent }),
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    attempts,
    usage,
    gates,
    observed: Object.keys(observed ?? {}),
    startedAt,
    ms,
    conductor,
    ...(verified ? { verified: verified.against } : {}),
    ...(origin === undefined ? {} : { by: origin.name ?? origin.by }),
    outputs: [...outputs.keys()],
  };
}

/** From the result that stood before the build to the one that it published; else from nothing to the one that stands. */
async function publishedDiff(
  { prepared }: Inspection,
  run: TaskView | undefined,
  standing: StoredResult | undefined,
): Promise<readonly FileDiff[] | undefined> {
  const to = run?.result ?? standing?.commit;
  if (to === undefined) return undefined;
  const from = run?.result === undefined ? undefined : run.former;
  return (await resultDiffs(prepared.project.objects, [{ from, to }]))[0];
}
