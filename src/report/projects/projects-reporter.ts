/** Several projects in one view: lines with the project's name in front, and on a terminal one block below them. */

import type { ProjectEvent } from '../../model/projects/project-event.js';
import { failureAnswer } from '../failures/failure-answer.js';
import { printedLine } from '../json.js';
import { isTrouble } from '../live/plain.js';
import { costSoFar, doneCount, NO_PROGRESS, type Progress, progress } from '../live/progress.js';
import { type BlockOptions, redrawnBlock } from '../live/redrawn-block.js';
import type { Reporter, Sink } from '../live/reporter.js';
import { elapsed, MAX_TASKS, stateText, withBar } from '../live/terminal.js';
import { money, plural, type Style, visible } from '../style.js';
import { padTo, textWidth, truncate } from '../width.js';
import { type ProjectLineOptions, ProjectLines } from './project-lines.js';

export type ProjectsReporter = Reporter<ProjectEvent>;

/** Each event as one line of JSON. An event of a build has the keys that it has alone, and `project`. */
export function projectsJsonReporter(
  sink: Sink,
  calledAs: string,
  calledIn: (project: string) => string = () => calledAs,
): ProjectsReporter {
  return {
    on(event) {
      if (event.type === 'project.event') {
        const own = JSON.parse(printedLine(event.event, calledIn(event.project))) as object;
        sink.write(`${JSON.stringify({ project: event.project, ...own })}\n`);
      } else {
        const error =
          event.type === 'project.failure' ? { error: failureAnswer(event.failure, calledAs) } : {};
        sink.write(`${JSON.stringify({ schema: 1, ...event, ...error })}\n`);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** Events as plain lines, for logs and pipes. */
export function projectsPlainReporter(
  sink: Sink,
  style: Style,
  { errors = sink, ...options }: ProjectLineOptions & { readonly errors?: Sink } = {},
): ProjectsReporter {
  const lines = new ProjectLines(style, options);
  return {
    on(event) {
      const text = lines.text(event);
      if (text !== '') (isProjectTrouble(event) ? errors : sink).write(text);
    },
    print: (text) => {
      sink.write(text);
    },
    close: () => Promise.resolve(),
  };
}

function isProjectTrouble(event: ProjectEvent): boolean {
  return event.type === 'project.failure' || (event.type === 'project.event' && isTrouble(event.event));
}

export interface ProjectsTerminalOptions extends ProjectLineOptions, BlockOptions {
  now(): number;
}

/** A block that is redrawn below fixed lines: all projects in one line, then one line a project, then running tasks. */
export function projectsTerminalReporter(options: ProjectsTerminalOptions): ProjectsReporter {
  const lines = new ProjectLines(options.style, options);
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
      return Promise.resolve();
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
  // On a narrow terminal, what happens is worth more than the end of a long name.
  const nameOf = (name: string) => truncate(visible(name), Math.max(8, Math.floor(columns / 3)));
  const width = Math.max(...busy.map(([name]) => textWidth(nameOf(name))));
  const perProject = busy.map(([name, state]) => `  ${padTo(nameOf(name), width)}  ${stateText(state)}`);
  const tasks = busy.flatMap(([name, { running }]) =>
    [...running.values()].map(
      ({ label, phase, startedAt }) =>
        `    ${nameOf(name)} ${visible(label)}  ${phase ?? 'starting'}${elapsed(startedAt, now)}`,
    ),
  );
  const done = sum(doneCount);
  const total = sum((state) => state.total);
  const cost = sum(costSoFar);
  // Projects that wait for others have no number of tasks yet.
  const known = all.filter(({ total }) => total > 0).length;
  const where =
    known === states.size ? plural(known, 'project') : `${known} of ${plural(states.size, 'project')}`;
  const running = sum((state) => state.running.size);
  const text = `${done}/${total} done in ${where}, ${running} running${cost > 0 ? `   ${money(cost)}` : ''}`;
  const head = withBar(text, { done, total, columns });
  const room = Math.max(1, rows - 2);
  const shown = [head, ...perProject, ...tasks.slice(0, MAX_TASKS)];
  const more = tasks.length > MAX_TASKS ? [`    and ${tasks.length - MAX_TASKS} more`] : [];
  // The last column stays free: some terminals wrap when it is written.
  return [...shown, ...more].slice(0, room).map((line) => truncate(line, columns - 1));
}
