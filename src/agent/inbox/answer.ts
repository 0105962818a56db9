/** Reads the answer to a request of the inbox, and writes the files that it brings into a workspace. */

import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { validateSchema } from '../../io/document/document.js';
import { readPlainSync, writeAtomic } from '../../io/files.js';
import { unsafePath } from '../../io/unsafe-path.js';
import type { Usage } from '../../model/action.js';
import type { AgentReport } from '../../model/agents/agent-report.js';
import type { Failure } from '../../model/failure.js';
import type { Expected } from '../agent.js';

/** Names of an answer's files, in the folder of its request. */
export const ANSWER = { json: 'answer.json', text: 'answer.md', done: 'done' } as const;

/** What `answer.json` holds; its schema is `inbox-answer`. */
export interface Answer {
  readonly status?: 'done' | 'failed' | 'blocked' | 'unavailable';
  readonly message?: string;
  readonly needs?: string;
  readonly files?: Readonly<Record<string, string | null>>;
  readonly document?: unknown;
  readonly usage?: Usage;
  readonly observed?: readonly string[];
  readonly model?: string;
  readonly report?: AgentReport;
}

/** Of one file of an answer. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The texts of an answer's files. */
export interface AnswerTexts {
  readonly json?: string;
  readonly text?: string;
}

/** What stands in the folder of a request, or what is wrong with it: anybody may have put anything there. */
export function answerTexts(folder: string): Result<AnswerTexts, string> {
  const texts: { json?: string; text?: string } = {};
  for (const part of ['json', 'text'] as const) {
    const found = readPlainSync(join(folder, ANSWER[part]), MAX_BYTES);
    if (found === undefined) continue;
    if ('problem' in found) return err(`${ANSWER[part]} cannot be used: ${found.problem}`);
    texts[part] = found.text;
  }
  return ok(texts);
}

/** The answer, or what is wrong with it. `answer.md` is the document, or the agent's last words. */
export async function readAnswer(
  { json, text }: AnswerTexts,
  expected: Expected,
): Promise<Result<Answer, string>> {
  let answer: Answer = {};
  if (json !== undefined) {
    const read = await parseAnswer(json);
    if (!read.ok) return read;
    answer = read.value;
  }
  if (text === undefined) return ok(answer);
  if (expected.kind === 'files') return ok({ message: text, ...answer });
  return ok({ document: text, ...answer });
}

async function parseAnswer(json: string): Promise<Result<Answer, string>> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    return err(`${ANSWER.json} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  value = withoutOddStatus(value);
  const problems = await validateSchema('inbox-answer', value);
  if (problems.length === 0) return ok(value as Answer);
  const lines = problems.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  return err(`${ANSWER.json} is not valid: ${lines.join('; ')}`);
}

const STATUSES: readonly unknown[] = ['done', 'failed', 'blocked', 'unavailable'];

/** An answer that reports what is missing says so whatever word it has for its status: the report counts. */
function withoutOddStatus(value: unknown): unknown {
  if (value === null || typeof value !== 'object' || !('report' in value) || !('status' in value))
    return value;
  const { status, ...rest } = value;
  return STATUSES.includes(status) ? value : rest;
}

/** Whether a text is complete JSON: somebody may still be writing it. */
export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Writes an answer's files and its document into the workspace. Fails with `unsafe-path`, and then writes nothing. */
export async function applyAnswer(
  workspace: string,
  answer: Answer,
  expected: Expected,
): Promise<Result<undefined, Failure>> {
  const files = new Map(Object.entries(answer.files ?? {}));
  if (expected.kind === 'document' && answer.document !== undefined) {
    files.set(expected.path, documentText(answer.document));
  }
  for (const path of files.keys()) {
    const reason = await unsafePath(workspace, path);
    if (reason !== undefined) return err({ kind: 'unsafe-path', path, reason });
  }
  for (const [path, text] of files) {
    const target = join(workspace, path);
    if (text === null) await rm(target, { force: true });
    else await writeAtomic(target, text, await modeOf(target));
  }
  return ok(undefined);
}

function documentText(document: unknown): string {
  return typeof document === 'string' ? document : `${JSON.stringify(document, null, 2)}\n`;
}

/** A file that is replaced keeps its rights: a script stays executable. */
async function modeOf(path: string): Promise<number | undefined> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() ? found.mode & 0o777 : undefined;
}
