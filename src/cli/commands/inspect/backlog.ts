/** `conductor backlog`: which tasks can start, their status, and setting status, priority and owner. */

import { type BacklogRow, backlogRows, readyRows, setBacklogWords } from '../../../commands/backlog.js';
import { backlogTable } from '../../../report/backlog.js';
import { plural } from '../../../report/style.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

interface Flags {
  readonly json?: boolean;
}

export async function runReady(targets: readonly string[], flags: Flags): Promise<number> {
  const done = await backlogRows(createHost(process.cwd()), targets);
  if (!done.ok) return refuse(done.error);
  const ready = readyRows(done.value);
  if (flags.json) return json(ready);
  if (ready.length > 0) print(backlogTable(ready, styleFor(process.stdout), false));
  const held = done.value.filter(({ verdict, isReady }) => !isReady && verdict.kind !== 'fresh').length;
  const waiting = held > 0 ? `, ${held} waiting or blocked` : '';
  print(`conductor: ${plural(ready.length, 'task')} can start${waiting}`);
  return 0;
}

export async function runShow(targets: readonly string[], flags: Flags): Promise<number> {
  const done = await backlogRows(createHost(process.cwd()), targets);
  if (!done.ok) return refuse(done.error);
  if (flags.json) return json(done.value);
  print(backlogTable(done.value, styleFor(process.stdout), true));
  return 0;
}

export async function runSet(task: string, words: readonly string[]): Promise<number> {
  const done = await setBacklogWords(createHost(process.cwd()), task, words);
  if (!done.ok) return refuse(done.error);
  print(`conductor: ${done.value.file} ${done.value.isChanged ? 'changed' : 'says so already'}`);
  return 0;
}

function json(rows: readonly BacklogRow[]): number {
  printJson({ schema: 1, tasks: rows });
  return 0;
}
