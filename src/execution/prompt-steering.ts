/**
 * What steers an attempt at a task beside its definition: its gates, what changed, finished patches, and how the project
 * does things where narrow inputs would hide that. In no key. Renders nothing.
 */

import { cutLines, fenced, shown, shownFailure } from '../agent/prompts/evidence.js';
import { isTest, type PromptExtra } from '../agent/prompts/prompt.js';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { seenInterfaces } from '../analysis/interfaces/interface-changes.js';
import { readsSignatures } from '../analysis/interfaces/interface-files.js';
import { otherEditors, otherPatches } from '../analysis/patches.js';
import type { Prepared } from '../analysis/prepare.js';
import { mapBounded } from '../base/bounded.js';
import { headingsOf } from '../base/markdown.js';
import { unifiedDiff } from '../io/text-diff.js';
import { isScript } from '../io/typescript.js';
import type { FileChange } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { GateSpec, Label, Task } from '../model/task.js';
import type { TaskGraph } from '../model/task-graph.js';
import { type Project, textIn } from '../project/project.js';
import { gateCommands } from './gates.js';

/** Bytes of each file that is shown, its end left out, and of a test, which is shown whole. */
const MAX_FILE = 1200;
const MAX_TEST = 2400;
/** Tests that are looked at for one that is short enough. */
const MAX_NEIGHBOURS = 20;
const MAX_PREAMBLE = 600;
const MAX_CHANGES = 5;
/** Characters of one declaration, of one module and of all of them. */
const MAX_LINE = 600;
const MAX_MODULE = 2000;
const MAX_EXPORTS = 6000;
const EXPORTED = /^(?:\/\*\*.*?\*\/ )*(?:module\.)?exports?\b/;
/** Files that say how code is written and run here. */
const MANIFESTS = ['package.json', 'tsconfig.json', 'pyproject.toml', 'go.mod', 'Cargo.toml'];

/** A former result that does not stand any more after what its task builds on has changed. */
export interface FormerFails {
  readonly failure: Failure;
  /** What changed around the task. */
  readonly against: readonly string[];
}

/** What a prompt says of earlier work and of other tasks. */
export interface SteeringFacts {
  readonly dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>;
  /** What changed in the spec; absent: there is no former work. */
  readonly specChange: string | undefined;
  readonly fails?: FormerFails | undefined;
  /** The task's recorded patches, and those of them that the workspace shows. */
  readonly former: readonly FileChange[];
  readonly placed: readonly FileChange[];
}

export async function steeringOf(
  { project, agent }: Pick<Prepared, 'project' | 'agent'>,
  task: Task,
  gates: readonly GateSpec[],
  { dependencyOutputs, specChange, fails, former, placed }: SteeringFacts,
): Promise<PromptExtra> {
  const lost = former.filter((edit) => task.edits.includes(edit.path) && !placed.includes(edit));
  return {
    ...instructionsBeside({ graph: project.graph, agent }, task, gates),
    ...(specChange === undefined ? {} : { specChange }),
    ...(fails ? { formerFails: formerFailsText(fails) } : {}),
    others: othersOf(project, task, dependencyOutputs),
    formerPatch: await patchText(project, placed),
    lostPatch: await patchText(project, lost),
    bare: lost.map(({ path }) => path),
    buildGates: gateCommands(project.config.gates.build),
    preambles: await preambles(project, task),
    conventions: await conventions(project, task),
    isImported:
      task.outputs.some(isScript) &&
      project.graph.dependents(task.label).some((label) => readsSignatures(project.graph.task(label))),
    exports: await exportsText(project, task, dependencyOutputs),
  };
}

function formerFailsText({ failure, against }: FormerFails): string {
  return `Changed since: ${against.slice(0, MAX_CHANGES).map(shown).join(', ')}. Now ${shownFailure(failure)}`;
}

/** Tasks that patch the same files, with these files. */
function othersOf(
  project: Project,
  task: Task,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): { label: Label; paths: string[] }[] {
  const found = new Map<Label, string[]>();
  for (const path of task.edits) {
    const patching = otherPatches(project, task, path, dependencyOutputs);
    for (const label of otherEditors(project, task, path))
      if (patching.includes(label)) found.set(label, [...(found.get(label) ?? []), path]);
  }
  return [...found].map(([label, paths]) => ({ label, paths }));
}

/** Patches as one diff with the names of the files. */
async function patchText({ objects }: Project, edits: readonly FileChange[]): Promise<string> {
  const parts = await mapBounded(edits, async ({ path, before, after }) => {
    const [old, next] = await Promise.all([before, after].map((entry) => entry && objects.read(entry.id)));
    if (old?.includes(0) || next?.includes(0)) return [];
    return [`+++ ${path}`, ...unifiedDiff(old?.toString('utf8') ?? '', next?.toString('utf8') ?? '')];
  });
  return parts.flat().join('\n');
}

/**
 * What the modules of direct dependencies declare, where that is what the key has of them. Exports come first; what they only
 * depend on follows as long as there is room.
 */
async function exportsText(
  project: Project,
  task: Task,
  dependencyOutputs: ReadonlyMap<Label, DependencyOutputs>,
): Promise<string> {
  const parts: string[] = [];
  for (const [label, { declares }] of Object.entries(
    (await seenInterfaces(project, task, dependencyOutputs)) ?? {},
  )) {
    for (const path of new Set(declares.map(([file]) => file))) {
      const lines = declares
        .filter(([file, name]) => file === path && !/^(?:import|reference) |^statement$/.test(name))
        .map(([, , text]) => (text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text))
        .sort((a, b) => Number(!EXPORTED.test(a)) - Number(!EXPORTED.test(b)))
        .map((text) => text.replaceAll('*/ ', '*/\n'));
      if (lines.length === 0) continue;
      const text = cutLines(lines.join('\n'), MAX_MODULE, 'the rest is left out: read the file');
      parts.push(`\`${path}\` of ${label}:\n\n${fenced(text, 'ts')}`);
    }
  }
  const kept = parts.filter((_, i) => parts.slice(0, i + 1).join('').length <= MAX_EXPORTS);
  const more =
    kept.length < parts.length ? [`${parts.length - kept.length} more files are not shown here.`] : [];
  return [...kept, ...more].join('\n\n');
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

/** What stands between the title and the first part of each document of which the task sees parts: names that it uses. */
async function preambles(project: Project, { specRefs, feature }: Task) {
  const named = specRefs.filter((ref) => ref.includes('#')).map((ref) => ref.slice(0, ref.indexOf('#')));
  const found: { readonly file: string; readonly text: string }[] = [];
  for (const file of new Set(named)) {
    const text = await textIn(project, `${project.config.specs}/${feature}/${file}`);
    const [first, second] = text === undefined ? [] : headingsOf(text);
    if (text === undefined || first?.level !== 1 || !second) continue;
    const lines = text.split(/\r?\n/).slice(first.line + 1, second.line);
    const between = lines.join('\n').trim();
    if (between !== '' && Buffer.byteLength(between) <= MAX_PREAMBLE) found.push({ file, text: between });
  }
  return found;
}

/** The head of each file that shows how things are done here, and one test; empty if the task sees all of the project. */
async function conventions(project: Project, task: Task): Promise<string> {
  if (task.inputs === undefined) return '';
  const { listing, objects } = project;
  const seen = patternSet([...task.inputs, ...task.edits]);
  const isFile = (path: string) => listing.get(path)?.mode.startsWith('100') === true;
  const hidden = (path: string) => isFile(path) && !seen.matches(path);
  const shown: string[] = [];
  const show = async (path: string, isWhole: boolean) => {
    const entry = listing.get(path);
    const blob = entry && (await objects.read(entry.id));
    if (!blob || blob.includes(0) || (isWhole && blob.length > MAX_TEST)) return false;
    const text = blob.toString('utf8').trim();
    const head = isWhole ? text : cutLines(text, MAX_FILE, 'the rest is left out');
    shown.push(`\`${path}\`:\n\n${fenced(head)}`);
    return true;
  };
  for (const path of MANIFESTS.filter(hidden)) await show(path, false);
  const seesTest = listing.paths.some((path) => isTest(path) && isFile(path) && seen.matches(path));
  if (task.outputs.length > 0 && !seesTest) {
    for (const path of neighbours(listing.paths.filter(hidden), task)) if (await show(path, true)) break;
  }
  return shown.join('\n\n');
}

/** Tests with the same ending, the nearest to what the task writes first. */
function neighbours(paths: readonly string[], task: Task): string[] {
  const output = task.outputs[0] ?? '';
  const ending = output.slice(output.lastIndexOf('.'));
  const common = (path: string) => {
    const [a, b] = [path.split('/'), output.split('/')];
    const end = a.findIndex((part, at) => part !== b[at]);
    return end < 0 ? a.length : end;
  };
  return paths
    .filter((path) => path.endsWith(ending) && isTest(path))
    .sort((a, b) => common(b) - common(a) || a.length - b.length || (a < b ? -1 : 1))
    .slice(0, MAX_NEIGHBOURS);
}
