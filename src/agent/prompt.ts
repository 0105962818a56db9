/** The prompt of a task: what defines it, and what steers a single attempt. Reads no file and knows no other task's text. */

import { err, ok, type Result } from '../base/result.js';
import { renderTemplate } from '../io/template.js';
import type { Failure } from '../model/failure.js';
import type { Feature, Json, Label, Task } from '../model/task.js';
import { fenced, shown } from './evidence.js';

export interface PromptDependency {
  readonly label: Label;
  readonly outputs: readonly string[];
  /** Paths that this task may rely on. */
  readonly interface: readonly string[];
}

export interface PromptFacts {
  /** Names relative to `prompts/` (`documentation.md`, `partials/rules.md`) to texts, a project's own over shipped ones. */
  readonly templates: ReadonlyMap<string, string>;
  readonly task: Task;
  readonly feature: Pick<Feature, 'name' | 'title' | 'context' | 'sections'>;
  readonly dependencies: readonly PromptDependency[];
  /** Declared inputs. */
  readonly inputs: readonly string[];
  /** Bytes of instructions; reference material (context, spec sections) does not count. Absent: no limit. */
  readonly limit?: number;
}

/** What steers an attempt without defining the task: no part of the key. */
export interface PromptExtra {
  /** Commands that will judge the result. */
  readonly gates: readonly string[];
  /** What changed in the spec since the former result, as a diff; for `evolve`. */
  readonly specChange?: string;
}

export interface RenderedPrompt {
  /**
   * The prompt of a first fresh attempt without gates, spec changes and evidence: enters the key. Titles are cosmetic:
   * names stand in their place, unless a task says what it wants by its title alone.
   */
  readonly definition: string;
  /** The definition with its titles, then what steers: what comes first is the same each time, so that model caches hit. */
  full(extra: PromptExtra): Promise<Result<string, Failure>>;
}

const STEERING = 'steering.md';
const MAX_CHANGE_BYTES = 4096;

/** The template that a task's prompt is made from. */
export function promptName(task: Pick<Task, 'type'>): string {
  if (task.type === 'bugfix') return 'implementation-bugfix.md';
  return task.type === 'documentation' ? 'documentation.md' : 'implementation-feature.md';
}

/** Fails with `prompt-error` (a template is missing or wrong) or `prompt-too-large` (naming the largest sections). */
export async function renderPrompt(facts: PromptFacts): Promise<Result<RenderedPrompt, Failure>> {
  const { templates, task, feature } = facts;
  const sections = task.specRefs.flatMap((ref) => {
    const text = feature.sections.get(ref);
    return text === undefined ? [] : [{ ref, text: text.trim() }];
  });
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
    outputs: task.outputs.map(shown),
    edits: task.edits.map(shown),
  };
  const rendered = await render(templates, promptName(task), variables);
  if (!rendered.ok) return rendered;
  const definition = tidy(rendered.value);
  const material = [context, ...sections.map(({ text }) => text)].reduce((sum, text) => sum + bytes(text), 0);
  const size = bytes(definition) - material;
  if (facts.limit !== undefined && size > facts.limit) {
    return err({ kind: 'prompt-too-large', bytes: size, limit: facts.limit, sections: largest(facts, size) });
  }
  return ok({
    definition,
    async full(extra) {
      const titles = { title: task.title, feature: feature.title };
      const titled = await render(templates, promptName(task), { ...variables, ...titles });
      if (!titled.ok) return titled;
      const text = tidy(titled.value);
      const change = extra.specChange?.trim() ?? '';
      if (extra.gates.length === 0 && change === '') return ok(text);
      const steering = await render(templates, STEERING, {
        gates: extra.gates.map(shown),
        specChange: change === '' ? '' : fenced(cut(change), 'diff'),
      });
      return steering.ok ? ok(`${text}\n${tidy(steering.value)}`) : steering;
    },
  });
}

async function render(
  templates: ReadonlyMap<string, string>,
  name: string,
  variables: Readonly<Record<string, Json>>,
): Promise<Result<string, Failure>> {
  const text = templates.get(name);
  if (text === undefined) {
    return err({ kind: 'prompt-error', prompt: name, message: 'there is no such prompt' });
  }
  const partials: Record<string, string> = {};
  for (const [path, partial] of templates) {
    const match = /^partials\/(.+)\.md$/.exec(path);
    if (match?.[1] !== undefined) partials[match[1]] = withoutFrontMatter(partial);
  }
  const result = await renderTemplate({ name, text: blankFrontMatter(text), variables, partials });
  if (result.ok) return result;
  const { template, line, message } = result.error;
  return err({
    kind: 'prompt-error',
    prompt: template,
    ...(line === undefined ? {} : { line }),
    message,
  });
}

const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---[ \t]*(?:\r?\n|$)/;

function withoutFrontMatter(text: string): string {
  return text.replace(FRONT_MATTER, '');
}

/** Its lines stay, empty, so that an error names the line of the file; `tidy` takes them away. */
function blankFrontMatter(text: string): string {
  return text.replace(FRONT_MATTER, (head) => head.replace(/[^\n]+/g, ''));
}

/** Sections that are absent leave no gap. */
function tidy(text: string): string {
  return `${text.replace(/\n{3,}/g, '\n\n').trim()}\n`;
}

function cut(change: string): string {
  if (bytes(change) <= MAX_CHANGE_BYTES) return change;
  let text = '';
  for (const line of change.split('\n')) {
    if (bytes(text) + bytes(line) > MAX_CHANGE_BYTES) break;
    text += `${line}\n`;
  }
  return `${text}… (the rest is left out; the task above is complete)`;
}

/** The sections that a person wrote, the largest first, and what is left for the template. */
function largest({ task, inputs, dependencies }: PromptFacts, size: number): string[] {
  const lines = (list: readonly string[]) => bytes(list.join('\n'));
  const parts: [string, number][] = [
    ['description', bytes(task.description)],
    ['acceptance', lines(task.acceptance)],
    ['constraints', lines(task.context.constraints)],
    ['patterns', lines(task.context.patterns)],
    ['gotchas', lines(task.context.gotchas)],
    ['inputs', lines(inputs)],
    ['dependencies', lines(dependencies.flatMap((one) => [...one.interface, one.label]))],
    ['outputs', lines(task.outputs)],
    ['edits', lines(task.edits)],
  ];
  const rest = size - parts.reduce((sum, [, length]) => sum + length, 0);
  return [...parts, ['template', Math.max(0, rest)] as [string, number]]
    .filter(([, length]) => length > 0)
    .sort(([, a], [, b]) => b - a)
    .map(([name, length]) => `${name}: ${length} bytes`);
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
