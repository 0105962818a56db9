/** Words that explain an edit by hand: asked of an agent, or of a person in a draft. Takes no word by itself. */

import { cutLines, fenced } from '../../agent/prompts/evidence.js';
import { renderMeasured, type Templates } from '../../agent/prompts/prompt-template.js';
import type { ReferredSection } from '../../agent/prompts/task-words.js';
import { ok, type Result } from '../../base/result.js';
import { requestDocument } from '../../execution/agent-requests/ask.js';
import { jsonRequest } from '../../execution/agent-requests/json-request.js';
import type { RequestParts } from '../../execution/agent-requests/request.js';
import type { Failure } from '../../model/failure.js';
import type { Task } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Emit } from '../../project/host.js';
import type { SpecWords } from '../../specs/task-text.js';

/** A section beside the spec that says something else than the edit. */
export interface Contradicted {
  /** One of the task's `spec_refs`. */
  readonly ref: string;
  readonly what: string;
}

export interface Answer extends Partial<SpecWords> {
  readonly summary: string;
  readonly contradicted?: readonly Contradicted[];
}

export interface WordsParts extends RequestParts {
  readonly templates: Templates;
  readonly model: string | undefined;
  readonly definition: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

export interface WordsRequest {
  readonly task: Task;
  readonly words: SpecWords;
  /** What the task refers to. */
  readonly sections: readonly ReferredSection[];
  /** The edit as a diff. */
  readonly edit: string;
  /** What the agent sees: the task's files as edited. */
  readonly inputTree: ObjectId;
}

const OUTPUT = 'absorb.json';
export const ABSORB_PROMPT = 'absorbing.md';
/** More bytes of an edit are cut off: the files themselves are there. */
const MAX_EDIT = 24_000;

/** Asks until the answer is one, each time in a session of its own, as often as a task may be tried. */
export async function askForWords(
  parts: WordsParts,
  question: WordsRequest,
): Promise<Result<Answer, Failure>> {
  const { task, words, sections, edit } = question;
  const { description, acceptance, constraints, patterns, gotchas } = words;
  const variables = {
    label: task.label,
    title: task.title,
    description: description.trim(),
    acceptance,
    constraints,
    patterns,
    gotchas,
    sections: [...sections],
    edit: fenced(cutLines(edit, MAX_EDIT, 'cut off'), 'diff'),
    output: OUTPUT,
  };
  const refs = sections.map(({ ref }) => ref);
  const prompt = await renderMeasured(parts.templates, ABSORB_PROMPT, variables, {
    material: ['edit', 'description', 'sections'],
  });
  if (!prompt.ok) return prompt;
  parts.emit({ type: 'task.started', task: task.label, attempt: 1, recipe: 'agent' });
  const request = jsonRequest<Answer>(parts, {
    task: task.label,
    budget: task.budget,
    definition: parts.definition,
    model: parts.model,
    prompt: prompt.value.text,
    output: OUTPUT,
    schema: 'absorb',
    inputTree: question.inputTree,
    problems: ({ contradicted = [] }) =>
      contradicted
        .filter(({ ref }) => !refs.includes(ref))
        .map(({ ref }) => `\`${ref}\` is not a section of this task: ${refs.join(', ') || 'it has none'}`),
  });
  const answer = await requestDocument(parts, request, parts);
  return answer.ok ? ok(answer.value.value) : answer;
}

const BEGIN =
  '# ---- a hand edit that the spec does not explain yet; conductor removes these lines again ----';
const END = '# ---- change the spec below so that it describes the edit, save, and close the editor ----';

/**
 * A spec file with an edit in comments above it, for a person to put the edit into words. The first line of a spec that is
 * one file begins its front matter: the comments stand behind it.
 */
export function draftText(spec: string, file: string, label: string, edit: string): string {
  const lines = [
    BEGIN,
    `# ${label}`,
    ...edit
      .replace(/\n+$/, '')
      .split('\n')
      .map((line) => `# ${line}`),
    END,
  ];
  const block = `${lines.map((line) => line.replace(/[\r\0]/g, ' ').trimEnd()).join('\n')}\n`;
  const at = file.endsWith('.spec.md') ? spec.indexOf('\n') + 1 : 0;
  return spec.slice(0, at) + block + spec.slice(at);
}

/** The spec as it was left, without the comments that were put in. */
export function draftedSpec(draft: string): string {
  const from = draft.indexOf(BEGIN);
  const end = draft.indexOf(END, from);
  if (from < 0 || end < 0) return draft;
  return draft.slice(0, from) + draft.slice(end + END.length).replace(/^\r?\n/, '');
}
