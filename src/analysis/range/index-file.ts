/**
 * The file of the analysis index: what the last complete build saw of each task. A cache: a file that is missing, damaged or of
 * another form is no index, and then every task is analysed.
 */

import { readText, writeAtomic } from '../../io/files.js';
import { type Digest, digestFields } from '../../model/digest.js';
import type { Label } from '../../model/task.js';
import { isObjectId, type ObjectId } from '../../model/tree.js';

export interface AnalysisIndex {
  /** The tree that the build left on disk. */
  readonly tree: ObjectId;
  /** What people had written, as the keys of that build have it. */
  readonly hand: HandWork;
  /** Of what is in the keys of all tasks; another one: the index says nothing. */
  readonly shared: Digest;
  /** Of what is in the keys of agents' tasks beside it. */
  readonly agents: Digest;
  /** What each task said (`wordsOf`). */
  readonly words: Readonly<Record<Label, Digest>>;
  /** Tasks of which something is said although they are up to date: they are analysed in every build. */
  readonly noted: readonly Label[];
}

export interface HandWork {
  /** The hand-written tree. */
  readonly tree: ObjectId;
  /** Of the files that tasks patch, as they are in keys. */
  readonly edited: Digest;
}

export const INDEX_FILE = 'analysis.json';

/** The first line says the form and the digest of the rest, so that a torn or edited file is never half believed. */
const FORM = 'conductor.analysis.1';

export async function readIndex(state: string): Promise<AnalysisIndex | undefined> {
  const text = await readText(`${state}/${INDEX_FILE}`);
  const end = text?.indexOf('\n') ?? -1;
  if (text === undefined || end < 0) return undefined;
  const content = text.slice(end + 1);
  if (text.slice(0, end) !== headOf(content)) return undefined;
  try {
    const value: unknown = JSON.parse(content);
    return isIndex(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

export async function writeIndex(state: string, index: AnalysisIndex): Promise<void> {
  const content = JSON.stringify(index);
  await writeAtomic(`${state}/${INDEX_FILE}`, `${headOf(content)}\n${content}`);
}

function headOf(content: string): string {
  return `${FORM} ${digestFields(FORM, [content])}`;
}

/** The digest of the file says that conductor wrote it; this says that it wrote it in this form. */
function isIndex(value: unknown): value is AnalysisIndex {
  if (!isObject(value) || !isObject(value.hand) || !isObject(value.words)) return false;
  const digests = [value.shared, value.agents, value.hand.edited, ...Object.values(value.words)];
  return (
    isObjectId(value.tree) &&
    isObjectId(value.hand.tree) &&
    digests.every((one) => typeof one === 'string') &&
    Array.isArray(value.noted) &&
    value.noted.every((one) => typeof one === 'string')
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
