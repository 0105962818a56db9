/** What a task says, as digests that tell whether its words changed or only how they are written. Renders nothing. */

import { compareBytes } from '../../base/order.js';
import type { TaskWords } from '../../model/action.js';
import { canonicalJson, digestFields } from '../../model/digest.js';
import type { Json } from '../../model/task.js';

/** Variables of a prompt that hold the task's own words. Lists of files and tasks stand in its manifest, each as an item. */
export interface OwnWords {
  readonly label: string;
  readonly type: string;
  readonly title: string;
  readonly description: string;
  readonly acceptance: readonly string[];
  readonly constraints: readonly string[];
  readonly patterns: readonly string[];
  readonly gotchas: readonly string[];
  readonly feature: string;
}

/** A section of a document that a task refers to. A type, because prompts take it as JSON. */
export type ReferredSection = {
  readonly ref: string;
  readonly text: string;
};

export interface Documents {
  readonly context: string;
  readonly sections: readonly ReferredSection[];
}

/** `templates`: name of the prompt, and what of its text is the project's own. */
export function wordDigests(
  { label, type, title, description, feature, context, sections, ...lists }: OwnWords & Documents,
  templates: readonly string[],
): Pick<TaskWords, 'task' | 'documents'> {
  const { acceptance, constraints, patterns, gotchas } = lists;
  const own: Json = {
    ...{ label, type, feature, title: plain(title), description: plain(description) },
    acceptance: listed(acceptance),
    constraints: listed(constraints),
    patterns: listed(patterns),
    gotchas: listed(gotchas),
    sections: listed(sections.map(({ ref }) => ref)),
    templates: [...templates],
  };
  const documents = sections.map(({ ref, text }) => canonicalJson([ref, plain(text)])).sort(compareBytes);
  return {
    task: digestFields('conductor.task-words.1', [canonicalJson(own)]),
    documents: digestFields('conductor.task-documents.1', [plain(context), ...documents]),
  };
}

function listed(texts: readonly string[]): string[] {
  return texts.map(plain).sort(compareBytes);
}

function plain(text: string): string {
  return text.trim().replace(/\s+/g, ' ');
}
