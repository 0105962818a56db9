/** The live view of a build on a terminal: what its block shows below fixed lines. Knows no clock and no timers. */

import type { BuildEvent } from '../../model/event.js';
import { duration, money, visible, withoutColours } from '../style.js';
import { textWidth, truncate } from '../width.js';
import { eventText, isTrouble, type LineOptions } from './plain.js';
import { costSoFar, doneCount, NO_PROGRESS, type Progress, progress, type RunningTask } from './progress.js';
import { type BlockOptions, redrawnBlock } from './redrawn-block.js';
import type { Reporter } from './reporter.js';

export interface TerminalOptions extends BlockOptions {
  readonly lines?: LineOptions;
  /** Milliseconds since 1970, as in the events. */
  now(): number;
}

/** Running tasks that a block names. */
export const MAX_TASKS = 8;
const SLOW_MS = 2000;

export function terminalReporter(options: TerminalOptions): Reporter {
  const { style, lines = {} } = options;
  let state = NO_PROGRESS;
  const block = redrawnBlock(options, (columns, rows) =>
    state.finished ? [] : liveBlock(state, options.now(), columns, rows),
  );
  return {
    on(event: BuildEvent) {
      state = progress(state, event);
      const kept = lines.leavesOut?.(event) ? '' : eventText(event, style);
      if (kept !== '' && lines.errors && isTrouble(event)) lines.errors.write(kept);
      else if (kept !== '') block.print(kept);
      if (state.finished) block.end();
      else block.soon();
    },
    print: block.print,
    close() {
      block.end();
      return Promise.resolve();
    },
  };
}

/** The block's lines, none wider than the terminal nor more than its height; empty while there is nothing to show. */
export function liveBlock(state: Progress, now: number, columns: number, rows: number): string[] {
  if (state.total === 0 && state.gates.size === 0) return [];
  const room = Math.max(0, Math.min(MAX_TASKS, rows - 3));
  const tasks = [...state.running.values()];
  const lines = [
    headLine(state, columns),
    ...tasks.slice(0, room).map((task) => taskLine(task, now)),
    ...(tasks.length > room ? [`  and ${tasks.length - room} more`] : []),
    ...[...state.gates].slice(0, Math.max(0, room - tasks.length)).map(([gate, startedAt]) => {
      return `  gate  ${visible(gate)}${elapsed(startedAt, now)}`;
    }),
  ];
  // The last column stays free: some terminals wrap when it is written.
  return lines.map((line) => truncate(line, columns - 1));
}

function headLine(state: Progress, columns: number): string {
  return withBar(stateText(state), { done: doneCount(state), total: state.total, columns });
}

/** A bar in front of a text, as long as there is room for it. */
export function withBar(
  text: string,
  { done, total, columns }: { readonly done: number; readonly total: number; readonly columns: number },
): string {
  const bar = Math.min(20, columns - textWidth(text) - 5);
  return bar < 5 ? text : `${progressBar(done, total, bar)} ${text}`;
}

/** How far a build is, in numbers. */
export function stateText(state: Progress): string {
  const done = doneCount(state);
  const waiting = Math.max(0, state.total - done - state.running.size);
  const cost = costSoFar(state);
  const parts = [`${done}/${state.total} done`];
  if (state.counts.failed > 0) parts.push(`${state.counts.failed} failed`);
  if (state.running.size > 0) parts.push(`${state.running.size} running`);
  if (waiting > 0) parts.push(`${waiting} waiting`);
  return parts.join(', ') + (cost > 0 ? `   ${money(cost)}` : '');
}

/** `[=====>    ]`, `width` columns between the brackets. */
export function progressBar(done: number, total: number, width: number): string {
  const filled = total === 0 ? 0 : Math.min(width, Math.floor((done / total) * width));
  if (filled >= width) return `[${'='.repeat(width)}]`;
  return `[${'='.repeat(filled)}>${' '.repeat(width - filled - 1)}]`;
}

function taskLine(task: RunningTask, now: number): string {
  const attempt = task.attempt > 1 ? ` (attempt ${task.attempt})` : '';
  const last = task.line === undefined || task.line.trim() === '' ? task.detail : task.line;
  const tail = last === undefined ? '' : `  ${visible(withoutColours(last).trim())}`;
  return `  ${visible(task.label)}${attempt}  ${task.phase ?? 'starting'}${elapsed(task.startedAt, now)}${tail}`;
}

/** How long a task has run, behind a space; nothing while that is short. */
export function elapsed(startedAt: number, now: number): string {
  const ms = now - startedAt;
  return ms >= SLOW_MS ? ` ${duration(Math.floor(ms / 1000) * 1000).replace('.0s', 's')}` : '';
}
