/** Several projects in one view: lines with the project's name in front, and on a terminal one block below them. */

import type { BuildEvent } from '../../model/event.js';
import type { ComparedCopies, ImportedFiles, ProjectEvent } from '../../model/projects/project-event.js';
import { failureAnswer } from '../failures/failure-answer.js';
import { printFailure } from '../failures/failure-print.js';
import { printedLine } from '../json.js';
import { eventText, isListedAtEnd, isTrouble } from '../live/plain.js';
import { costSoFar, doneCount, NO_PROGRESS, type Progress, progress } from '../live/progress.js';
import { type BlockOptions, redrawnBlock } from '../live/redrawn-block.js';
import type { Sink } from '../live/reporter.js';
import { elapsed, progressBar } from '../live/terminal.js';
import { money, plural, type Style, visible } from '../style.js';
import { verdictReporter } from '../verdict.js';
import { padTo, textWidth, truncate } from '../width.js';
import { projectsSummaryText } from './list-text.js';

export interface ProjectsReporter {
  on(event: ProjectEvent): void;
  print(text: string): void;
  /** After the last event. */
  close(): void;
}

/** Each event as one line of JSON. An event of a build has the keys that it has alone, and `project`. */
export function projectsJsonReporter(sink: Sink, calledAs: string): ProjectsReporter {
  return {
    on(event) {
      if (event.type === 'project.event') {
        const own = JSON.parse(printedLine(event.event, calledAs)) as object;
        sink.write(`${JSON.stringify({ project: event.project, ...own })}\n`);
      } else {
        const error =
          event.type === 'project.failure' ? { error: failureAnswer(event.failure, calledAs) } : {};
        sink.write(`${JSON.stringify({ schema: 1, ...event, ...error })}\n`);
      }
    },
    print: () => {},
    close: () => {},
  };
}

/** Which lines are shown beside those of every build. */
export interface ProjectLineOptions {
  /** Verdicts are what is asked for. */
  readonly dryRun?: boolean;
  /** All that is not up to date is listed at the end of each build. */
  readonly frozen?: boolean;
}

/** Names are as wide as the widest of them. */
class Lines {
  private width = 0;
  private readonly style: Style;
  private readonly options: ProjectLineOptions;

  constructor(style: Style, options: ProjectLineOptions = {}) {
    this.style = style;
    this.options = options;
  }

  /** What stays on the screen after an event: whole lines, or nothing. */
  text(event: ProjectEvent): string {
    const { style } = this;
    switch (event.type) {
      case 'projects.started':
        this.width = Math.max(0, ...event.projects.map((name) => textWidth(visible(name))));
        return '';
      case 'project.event':
        return this.named(event.project, this.eventText(event.event));
      case 'project.checkout':
        return this.named(event.project, `${visible(event.what)}\n`);
      case 'project.imported':
        return this.named(event.project, importedText(event.files, style));
      case 'project.copies':
        return this.named(event.project, copiesText(event.copies, style));
      case 'project.failure':
        return this.named(event.project, printFailure(event.failure, style));
      case 'project.finished': {
        const { because } = event.outcome;
        if (because === undefined) return '';
        return this.named(event.project, `${style('dim', 'skipped')}  needs ${visible(because)}\n`);
      }
      case 'projects.finished':
        return projectsSummaryText(event.summary, style);
    }
  }

  private eventText(event: BuildEvent): string {
    const { style, options } = this;
    if (options.frozen && isListedAtEnd(event)) return '';
    let verdict = '';
    if (options.dryRun) verdictReporter({ write: (text) => (verdict += text) }, style).on(event);
    return verdict + eventText(event, style);
  }

  name(project: string): string {
    return padTo(visible(project), this.width);
  }

  private named(project: string, text: string): string {
    if (text === '') return '';
    const name = this.style('cyan', this.name(project));
    const lines = text.replace(/\n$/, '').split('\n');
    return lines.map((line) => `${name} ${line}`.trimEnd().concat('\n')).join('');
  }
}

/** Events as plain lines, for logs and pipes. */
export function projectsPlainReporter(
  sink: Sink,
  style: Style,
  { errors = sink, ...options }: ProjectLineOptions & { readonly errors?: Sink } = {},
): ProjectsReporter {
  const lines = new Lines(style, options);
  return {
    on(event) {
      const text = lines.text(event);
      if (text !== '') (isProjectTrouble(event) ? errors : sink).write(text);
    },
    print: (text) => {
      sink.write(text);
    },
    close: () => {},
  };
}

function isProjectTrouble(event: ProjectEvent): boolean {
  return event.type === 'project.failure' || (event.type === 'project.event' && isTrouble(event.event));
}

function importedText({ from, into, written, removed, left }: ImportedFiles, style: Style): string {
  const parts = [
    written.length > 0 ? `got ${plural(written.length, 'file')} of ${visible(from)} in ${visible(into)}` : '',
    removed.length > 0 ? `removed ${plural(removed.length, 'file')} that ${visible(from)} no longer has` : '',
  ].filter((part) => part !== '');
  const kept = left.map(
    (path) =>
      `${style('yellow', 'warning')}: ${visible(from)} no longer has ${visible(path)}; you changed it, so conductor leaves it to you\n`,
  );
  return `${parts.length > 0 ? `${parts.join('; ')}\n` : ''}${kept.join('')}`;
}

function copiesText({ from, into, stale, edited, mayChange }: ComparedCopies, style: Style): string {
  const changes = mayChange
    ? `${visible(from)} is to be built first, which may change its copies in ${visible(into)}\n`
    : '';
  const would =
    stale.length > 0
      ? `would first bring ${plural(stale.length, 'copy', 'copies')} of ${visible(from)} in ${visible(into)} up to date\n`
      : '';
  const kept = edited.map(
    (path) =>
      `${style('yellow', 'warning')}: ${visible(path)} is a copy of ${visible(from)} that you changed\n`,
  );
  return changes + would + kept.join('');
}

export interface ProjectsTerminalOptions extends ProjectLineOptions, BlockOptions {
  now(): number;
}

const MAX_TASKS = 8;

/** A block that is redrawn below fixed lines: all projects in one line, then one line a project, then running tasks. */
export function projectsTerminalReporter(options: ProjectsTerminalOptions): ProjectsReporter {
  const lines = new Lines(options.style, options);
  const states = new Map<string, Progress>();
  let isOver = false;
  const block = redrawnBlock(options, (columns, rows) =>
    isOver ? [] : projectsBlock(states, { now: options.now(), columns, rows }),
  );
  return {
    on(event) {
      if (event.type === 'projects.started') for (const name of event.projects) states.set(name, NO_PROGRESS);
      if (event.type === 'project.event') {
        const state = states.get(event.project) ?? NO_PROGRESS;
        states.set(event.project, progress(state, event.event));
      }
      isOver ||= event.type === 'projects.finished';
      const kept = lines.text(event);
      if (kept !== '') block.print(kept);
      if (isOver) block.end();
      else block.soon();
    },
    print: block.print,
    close() {
      isOver = true;
      block.end();
    },
  };
}

interface Screen {
  readonly now: number;
  readonly columns: number;
  readonly rows: number;
}

/** The block's lines, none wider than the terminal nor more than its height; empty while no project has a task. */
export function projectsBlock(
  states: ReadonlyMap<string, Progress>,
  { now, columns, rows }: Screen,
): string[] {
  const busy = [...states].filter(([, { total, finished }]) => total > 0 && !finished);
  if (busy.length === 0) return [];
  const all = [...states.values()];
  const sum = (of: (state: Progress) => number) => all.reduce((total, state) => total + of(state), 0);
  const width = Math.max(...busy.map(([name]) => textWidth(visible(name))));
  const perProject = busy.map(([name, state]) => `  ${padTo(visible(name), width)}  ${stateText(state)}`);
  const tasks = busy.flatMap(([name, { running }]) =>
    [...running.values()].map(
      ({ label, phase, startedAt }) =>
        `    ${visible(name)} ${visible(label)}  ${phase ?? 'starting'}${elapsed(startedAt, now)}`,
    ),
  );
  const done = sum(doneCount);
  const total = sum((state) => state.total);
  const cost = sum(costSoFar);
  // Projects that wait for others have no number of tasks yet.
  const known = all.filter(({ total }) => total > 0).length;
  const where =
    known === states.size ? plural(known, 'project') : `${known} of ${plural(states.size, 'project')}`;
  const head = `${progressBar(done, total, 20)} ${done}/${total} done in ${where}, ${sum((state) => state.running.size)} running${cost > 0 ? `   ${money(cost)}` : ''}`;
  const room = Math.max(1, rows - 2);
  const shown = [head, ...perProject, ...tasks.slice(0, MAX_TASKS)];
  const more = tasks.length > MAX_TASKS ? [`    and ${tasks.length - MAX_TASKS} more`] : [];
  // The last column stays free: some terminals wrap when it is written.
  return [...shown, ...more].slice(0, room).map((line) => truncate(line, columns - 1));
}

function stateText(state: Progress): string {
  const done = doneCount(state);
  const waiting = Math.max(0, state.total - done - state.running.size);
  const cost = costSoFar(state);
  const parts = [`${done}/${state.total} done`];
  if (state.counts.failed > 0) parts.push(`${state.counts.failed} failed`);
  if (state.running.size > 0) parts.push(`${state.running.size} running`);
  if (waiting > 0) parts.push(`${waiting} waiting`);
  return parts.join(', ') + (cost > 0 ? `   ${money(cost)}` : '');
}
