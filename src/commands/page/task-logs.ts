/**
 * The logs of one task in a build: prompts, agents' transcripts, output of gates and commands. Names of files are
 * listed, never built from a request.
 */

import { lstat, open, readdir } from 'node:fs/promises';
import type { LogView, PromptView, TranscriptView } from '../../model/page.js';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { transcriptView } from './transcript.js';

export interface TaskLogs {
  readonly prompts: readonly PromptView[];
  readonly transcripts: readonly TranscriptView[];
  readonly logs: readonly LogView[];
}

export const NO_LOGS: TaskLogs = { prompts: [], transcripts: [], logs: [] };

/** `build` is the name of a kept build; `owner` a label, or `build` for the gates of the merged tree. `maxBytes`: of one text. */
export async function taskLogs(
  project: string,
  build: string,
  owner: string,
  maxBytes: number,
): Promise<TaskLogs> {
  const relative = `${CONDUCTOR_FOLDER}/logs/${build}/${folderName(owner)}`;
  const folder = `${project}/${relative}`;
  const names = (await readdir(folder).catch(() => [])).sort(inOrder);
  const prompts: PromptView[] = [];
  const transcripts: TranscriptView[] = [];
  const logs: LogView[] = [];
  for (const name of names) {
    const read = await readBounded(`${folder}/${name}`, maxBytes);
    if (!read) continue;
    const log = `${relative}/${name}`;
    const attempt = Number(/-(\d+)/.exec(name)?.[1] ?? 1);
    if (name.startsWith('prompt-')) prompts.push({ log, attempt, text: read.text, bytes: read.size });
    else if (name.startsWith('agent-')) transcripts.push(transcriptView(log, attempt, read.text));
    else logs.push({ log, text: read.text, omittedBytes: read.size - Buffer.byteLength(read.text) });
  }
  return { prompts, transcripts, logs };
}

/** Attempt 10 comes after attempt 9. */
function inOrder(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

/** The beginning of a file and, when it is longer, its end. Links are not followed. */
async function readBounded(
  path: string,
  maxBytes: number,
): Promise<{ text: string; size: number } | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const { size } = found;
  const file = await open(path, 'r');
  try {
    if (size <= maxBytes) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0);
      return { text: buffer.subarray(0, bytesRead).toString('utf8'), size };
    }
    const head = Math.floor(maxBytes / 4);
    const rest = maxBytes - head;
    const first = (await file.read(Buffer.alloc(head), 0, head, 0)).buffer.toString('utf8');
    const last = (await file.read(Buffer.alloc(rest), 0, rest, size - rest)).buffer.toString('utf8');
    const start = first.slice(0, first.lastIndexOf('\n') + 1);
    const end = last.slice(last.indexOf('\n') + 1);
    return { text: `${start}… ${size - maxBytes} bytes left out …\n${end}`, size };
  } finally {
    await file.close();
  }
}
