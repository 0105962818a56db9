/**
 * What steers an attempt at a task beside its definition: its gates, what changed, finished patches, and how the project
 * does things where narrow inputs would hide that. In no key. Renders nothing.
 */

import { fenced, shown, shownFailure } from '../agent/prompts/evidence.js';
import type { PromptExtra } from '../agent/prompts/prompt.js';
import type { Prepared } from '../analysis/prepare.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import type { Project } from '../project/project.js';
import { gateCommands } from './gates.js';

/** Bytes of each file that is shown. */
const MAX_FILE = 1200;
const MAX_CHANGES = 5;
/** Files that say how code is written and run here. */
const MANIFESTS = ['package.json', 'tsconfig.json', 'pyproject.toml', 'go.mod', 'Cargo.toml'];
const TEST = /(?:^|[/._-])tests?[/._-]|\.spec\./i;

/** A former result that does not stand any more after what its task builds on has changed. */
export interface FormerFails {
  readonly failure: Failure;
  /** What changed around the task. */
  readonly against: readonly string[];
}

/** What is known of the former version of a task whose files the agent finds. */
export interface SinceFormer {
  readonly specChange?: string;
  readonly fails?: FormerFails | undefined;
}

export async function steeringOf(
  { project, agent }: Pick<Prepared, 'project' | 'agent'>,
  task: Task,
  gates: readonly GateSpec[],
  since: SinceFormer,
): Promise<PromptExtra> {
  return {
    ...instructionsBeside({ graph: project.graph, agent }, task, gates),
    ...(since.specChange === undefined ? {} : { specChange: since.specChange }),
    ...(since.fails ? { formerFails: formerFailsText(since.fails) } : {}),
    conventions: await conventions(project, task),
  };
}

function formerFailsText({ failure, against }: FormerFails): string {
  return `Changed since: ${against.slice(0, MAX_CHANGES).map(shown).join(', ')}. Now ${shownFailure(failure)}`;
}

/** The part of it that counts as instructions, and so decides whether a prompt is too large. */
export function instructionsBeside(
  { graph, agent }: { readonly graph: TaskGraph; readonly agent: Prepared['agent'] },
  task: Task,
  gates: readonly GateSpec[],
): PromptExtra {
  return {
    gates: gateCommands(gates),
    ...(agent?.reportsBy === undefined ? {} : { report: agent.reportsBy }),
    patched: task.dependsOn
      .map((label) => graph.task(label))
      .filter(({ edits }) => edits.length > 0)
      .map(({ label, edits }) => ({ label, paths: edits })),
  };
}

/** The head of each file that shows how things are done here; empty if the task sees all of the project. */
async function conventions(project: Project, task: Task): Promise<string> {
  if (task.inputs === undefined) return '';
  const { listing, objects } = project;
  const seen = patternSet(task.inputs);
  const hidden = (path: string) => listing.get(path)?.mode.startsWith('100') && !seen.matches(path);
  const test = task.outputs.length === 0 ? undefined : neighbour(listing.paths.filter(hidden), task);
  const shown: string[] = [];
  for (const path of [...MANIFESTS.filter(hidden), ...(test === undefined ? [] : [test])]) {
    const entry = listing.get(path);
    const blob = entry && (await objects.read(entry.id));
    if (!blob || blob.includes(0)) continue;
    const text = blob.toString('utf8').trim();
    const head = text.length > MAX_FILE ? `${text.slice(0, MAX_FILE)}\n…` : text;
    shown.push(`\`${path}\`:\n\n${fenced(head)}`);
  }
  return shown.join('\n\n');
}

/** The test with the same ending that is nearest to what the task writes. */
function neighbour(paths: readonly string[], task: Task): string | undefined {
  const output = task.outputs[0] ?? '';
  const ending = output.slice(output.lastIndexOf('.'));
  const common = (path: string) => {
    const [a, b] = [path.split('/'), output.split('/')];
    const end = a.findIndex((part, at) => part !== b[at]);
    return end < 0 ? a.length : end;
  };
  return paths
    .filter((path) => path.endsWith(ending) && TEST.test(path))
    .sort((a, b) => common(b) - common(a) || a.length - b.length || (a < b ? -1 : 1))[0];
}
