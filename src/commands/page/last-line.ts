/**
 * The last line that a running task printed. It is read from the logs of programs, because event logs leave it out.
 */

import { open, readdir, stat } from 'node:fs/promises';
import { CONDUCTOR_FOLDER, folderName } from '../../project/log-files.js';
import { transcriptEntry } from './transcript.js';

const TAIL_BYTES = 4096;
const MAX_LINE = 300;

/** From the log that was written last; undefined when there is none, or nothing in it to show. */
export async function lastLine(project: string, build: string, label: string): Promise<string | undefined> {
  const folder = `${project}/${CONDUCTOR_FOLDER}/logs/${build}/${folderName(label)}`;
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.log'));
  let newest: { file: string; size: number; at: number } | undefined;
  for (const name of names) {
    const file = `${folder}/${name}`;
    const found = await stat(file).catch(() => undefined);
    if (found && found.size > 0 && found.mtimeMs >= (newest?.at ?? 0))
      newest = { file, size: found.size, at: found.mtimeMs };
  }
  if (!newest) return undefined;
  const text = await tail(newest.file, newest.size);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines.reverse()) {
    const shown = shownLine(line);
    if (shown !== undefined) return shown.slice(0, MAX_LINE);
  }
  return undefined;
}

function shownLine(line: string): string | undefined {
  if (!line.startsWith('{"')) return line.trim();
  const entry = transcriptEntry(line);
  if (!entry || entry.kind === 'step' || entry.kind === 'message' || entry.kind === 'prompt')
    return undefined;
  const text = [entry.name, entry.input ?? entry.text].filter((part) => part !== undefined).join(' ');
  return text.split('\n').find((one) => one.trim() !== '');
}

async function tail(path: string, size: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const length = Math.min(size, TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    // The first line is probably a part of one.
    return size > length ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    await file.close();
  }
}
