/**
 * The prompt of a task: the part that is in the key, and the part that steers a single attempt. Reads no file and
 * knows no other task's text.
 */

import { err, ok, type Result } from '../../base/result.js';
import type { TaskWords } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import { shownPattern } from '../../model/paths/pattern.js';
import type { Feature, Label, Task } from '../../model/task.js';
import type { ReportForm } from '../agent.js';
import { cutLines, fenced, shown } from './evidence.js';
import {
  bytesIn,
  type MeasuredPrompt,
  renderMeasured,
  sumOf,
  type Templates,
  tooLarge,
} from './prompt-template.js';
import { type ReferredSection, wordDigests } from './task-words.js';

export interface PromptDependency {
  readonly label: Label;
  readonly outputs: readonly string[];
  /** Paths that this task may rely on. */
  readonly interface: readonly string[];
}

export interface PromptFacts {
  readonly templates: Templates;
  readonly task: Task;
  readonly feature: Pick<Feature, 'name' | 'title' | 'context' | 'sections'>;
  readonly dependencies: readonly PromptDependency[];
  /** Declared inputs. */
  readonly inputs: readonly string[];
  /** Bytes of the task's own text and lists, gates included; reference material and templates do not count. Absent: no limit. */
  readonly limit?: number;
  /** Name of the template; absent: the one of the task's type. */
  readonly template?: string;
  /** Those of the templates that are the project's own: name and id of each. Absent: none. */
  readonly own?: readonly (readonly [name: string, id: string])[];
}

/** What steers an attempt without defining the task: no part of the key. */
export interface PromptExtra {
  /** Commands that will judge the result. */
  readonly gates: readonly string[];
  /** Those that run on everything together, later. */
  readonly buildGates?: readonly string[];
  /** What stands above the first part of a document of which the task sees parts. */
  readonly preambles?: readonly { readonly file: string; readonly text: string }[];
  /** How the agent can report what it is missing; absent: not at all. */
  readonly report?: ReportForm;
  /** Dependencies that have changed files of others. */
  readonly patched?: readonly { readonly label: Label; readonly paths: readonly string[] }[];
  /** Tasks that it does not depend on and that patch the same files. */
  readonly others?: readonly { readonly label: Label; readonly paths: readonly string[] }[];
  /** Its former patches that are in the files, as a diff; and those that no longer fit. */
  readonly formerPatch?: string;
  readonly lostPatch?: string;
  /** Edited files without its former patch. */
  readonly bare?: readonly string[];
  /** Others build on what its modules declare. */
  readonly isImported?: boolean;
  /** What modules of dependencies declare. */
  readonly exports?: string;
  /** How the project does things, where the task does not see it. */
  readonly conventions?: string;
  /** What changed in the spec since the former result, as a diff; for `evolve`. */
  readonly specChange?: string;
  /** Why the files of the former result do not pass any more; for `evolve`. */
  readonly formerFails?: string;
}

export interface RenderedPrompt {
  /**
   * The prompt of a first fresh attempt without gates, spec changes and evidence: enters the key. Titles are cosmetic:
   * names stand in their place, unless a task says what it wants by its title alone.
   */
  readonly definition: string;
  /** What the task and its documents say, however it is written. */
  words(): Pick<TaskWords, 'task' | 'documents'>;
  /** The documents that a former definition has otherwise or not at all. */
  documentsSince(former: string): string[];
  /**
   * The definition with its titles, then what steers: what comes first is the same each time, so that model caches hit.
   * Fails with `prompt-too-large` when the gates are what makes it so.
   */
  full(extra: PromptExtra): Promise<Result<string, Failure>>;
  /** As `full`, with its size. `limit`: in the place of that of the facts. */
  measured(extra: PromptExtra, limit?: number): Promise<Result<MeasuredPrompt, Failure>>;
}

const STEERING = 'steering.md';
const KINDS =
  '`write` or `read` (a path), `dependency` (a package), `task` (the task that is the cause), `contradiction` (of the spec)';
const REPORT_TEXT: Readonly<Record<ReportForm, string>> = {
  tool: 'If the task needs a file or a package that it does not allow, do the rest, call `task_needs`, and stop. If nothing has to change, call `task_unchanged`.',
  file: `If the task needs what it does not allow, do the rest, write JSON to the file named in \`$CONDUCTOR_NEEDS\`, and stop: \`{"needs":[{"kind":"write","what":"package.json","because":"…"}]}\`. Kinds: ${KINDS}. If nothing has to change: \`{"unchanged":"why"}\`.`,
  answer: `If the task needs what it does not allow, do the rest and write \`answer.json\` like this: \`{"status":"done","files":{"src/a.ts":"…"},"report":{"needs":[{"kind":"write","what":"package.json","because":"…"}]}}\`. Kinds: ${KINDS}. If nothing has to change: \`"report":{"unchanged":"why"}\`.`,
};
/** What has no declared type counts with the text that its type comes from. */
const TYPING =
  'Other tasks build on what your modules export. Declare the types of exports (return types too; in JavaScript by JSDoc), so that a later change inside them concerns nobody else.';
const MAX_CHANGE_BYTES = 4096;

const TEST = /(?:^|[/._-])tests?[/._-]|\.spec\./i;

/** Whether a path looks like that of a test. */
export function isTest(path: string): boolean {
  return TEST.test(path);
}

function hasInterface(dependency: PromptDependency | undefined): boolean {
  const { outputs = [], interface: seen = [] } = dependency ?? {};
  return (seen.length > 0 ? seen : outputs).some((path) => !isTest(path));
}

/** The template that a task's prompt is made from. */
export function promptName(task: Pick<Task, 'type'>): string {
  if (task.type === 'bugfix') return 'implementation-bugfix.md';
  return task.type === 'documentation' ? 'documentation.md' : 'implementation-feature.md';
}

/** The sections of documents that a task refers to, as prompts show them. They are in keys. */
export function referredSections(
  { specRefs }: Pick<Task, 'specRefs'>,
  feature: Pick<Feature, 'sections'> | undefined,
): ReferredSection[] {
  return specRefs.flatMap((ref) => {
    const text = feature?.sections.get(ref);
    return text === undefined ? [] : [{ ref, text: text.trim() }];
  });
}

/** Fails with `prompt-error` (a template is missing or wrong) or `prompt-too-large` (naming the largest sections). */
export async function renderPrompt(facts: PromptFacts): Promise<Result<RenderedPrompt, Failure>> {
  const { templates, task, feature } = facts;
  const sections = referredSections(task, feature);
  const context = feature.context.trim();
  const variables = {
    label: task.label,
    type: task.type,
    title: task.description.trim() === '' ? task.title : task.label,
    description: task.description.trim(),
    acceptance: task.acceptance,
    constraints: task.context.constraints,
    patterns: task.context.patterns,
    gotchas: task.context.gotchas,
    feature: feature.name,
    context,
    sections,
    inputs: facts.inputs.map(shown),
    dependencies: facts.dependencies.map(({ label, outputs, interface: seen }) => ({
      label,
      paths: (seen.length > 0 ? seen : outputs).map(shown),
    })),
    outputs: task.outputs.map(shownPattern).map(shown),
    edits: task.edits.map(shown),
  };
  const name = facts.template ?? promptName(task);
  const measure = { material: ['context', 'sections'], limit: facts.limit };
  const defined = await renderMeasured(templates, name, variables, measure);
  if (!defined.ok) return defined;
  const measured = async (
    extra: PromptExtra,
    limit = facts.limit,
  ): Promise<Result<MeasuredPrompt, Failure>> => {
    const titled = {
      ...variables,
      title: task.title,
      feature: feature.title,
      // One that only patches is told of below; one that only tests has nothing to build on.
      dependencies: variables.dependencies.filter((_, at) => hasInterface(facts.dependencies[at])),
    };
    const first = await renderMeasured(templates, name, titled, { material: measure.material });
    if (!first.ok) return first;
    const diff = (text = '', rest = 'the rest is left out') =>
      text.trim() === '' ? '' : fenced(cutLines(text.trim(), MAX_CHANGE_BYTES, rest), 'diff');
    const { report } = extra;
    const steers = {
      gates: extra.gates.map(shown),
      report: report === undefined ? '' : REPORT_TEXT[report],
      formerFails: extra.formerFails ?? '',
      specChange: diff(extra.specChange, 'the rest is left out; the task above is complete'),
      formerPatch: diff(extra.formerPatch),
      lostPatch: diff(extra.lostPatch),
      bare: (extra.bare ?? []).map(shown),
      others: (extra.others ?? []).map(({ label, paths }) => ({ label, paths: paths.map(shown) })),
      background: [
        ...(context === '' ? [] : ['"About this feature"']),
        ...(sections.length === 0
          ? []
          : [context === '' ? 'The sections "From …"' : 'the sections "From …"']),
      ].join(' and '),
      buildGates: (extra.buildGates ?? []).map(shown),
      preambles: [...(extra.preambles ?? [])],
      tests: task.edits.filter(isTest).map(shown),
      patched: (extra.patched ?? []).map(({ label, paths }) => ({ label, paths: paths.map(shown) })),
      conventions: extra.conventions ?? '',
      exports: extra.exports ?? '',
      typing: extra.isImported ? TYPING : '',
    };
    const material = [
      'specChange',
      'formerFails',
      'formerPatch',
      'lostPatch',
      'conventions',
      'preambles',
      'exports',
    ];
    const second = await renderMeasured(templates, STEERING, steers, { material });
    if (!second.ok) return second;
    const counted = [...first.value.sections, ['gates', bytesIn(steers.gates)] as const];
    const refused = tooLarge(counted, limit);
    const whole = {
      text: `${first.value.text}\n${second.value.text}`,
      instructions: sumOf(counted),
      sections: counted,
      material: first.value.material + second.value.material,
    };
    if (second.value.text.trim() === '') return refused ? err(refused) : first;
    return refused ? err(refused) : ok(whole);
  };
  return ok({
    definition: defined.value.text,
    words() {
      const own = (facts.own ?? []).filter(([one]) => one === name || one.startsWith('partials/'));
      return wordDigests(variables, [name, ...own.flat()]);
    },
    documentsSince(former) {
      const changed = sections.filter(({ text }) => !former.includes(text));
      const background = context !== '' && !former.includes(context) ? [`context of ${feature.name}`] : [];
      return [...background, ...changed.map(({ ref }) => `section ${ref}`)];
    },
    measured,
    async full(extra) {
      const whole = await measured(extra);
      return whole.ok ? ok(whole.value.text) : whole;
    },
  });
}
