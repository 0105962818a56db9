/** What stays on the screen of builds of several projects: whole lines with the name of their project in front. */

import type { BuildEvent } from '../../model/event.js';
import type { ComparedCopies, ImportedFiles, ProjectEvent } from '../../model/projects/project-event.js';
import { printFailure } from '../failures/failure-print.js';
import { eventText, isListedAtEnd } from '../live/plain.js';
import { calledAs, plural, type Style, visible } from '../style.js';
import { verdictReporter } from '../verdict.js';
import { padTo, textWidth } from '../width.js';
import { projectsSummaryText } from './list-text.js';

/** Which lines are shown beside those of every build. */
export interface ProjectLineOptions {
  /** Verdicts are what is asked for. */
  readonly dryRun?: boolean;
  /** All that is not up to date is listed at the end of each build. */
  readonly frozen?: boolean;
  /** How conductor is called in the folder of a project, because hints of its build hold there. Default: as here. */
  calledIn?(project: string): string;
}

/** Names are as wide as the widest of them. */
export class ProjectLines {
  private width = 0;
  private readonly style: Style;
  private readonly options: ProjectLineOptions;

  constructor(style: Style, options: ProjectLineOptions = {}) {
    this.style = style;
    this.options = options;
  }

  /** These names are all that there are. */
  widen(names: readonly string[]): void {
    this.width = Math.max(0, ...names.map((name) => textWidth(visible(name))));
  }

  /** What stays on the screen after an event: whole lines, or nothing. */
  text(event: ProjectEvent): string {
    const { style } = this;
    switch (event.type) {
      case 'projects.started':
        this.widen(event.projects);
        return '';
      case 'project.event':
        return this.named(event.project, this.eventText(event.event, this.styleOf(event.project)));
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

  /** For what a build in the project says. */
  styleOf(project: string): Style {
    const { style, options } = this;
    return options.calledIn ? calledAs(style, options.calledIn(project)) : style;
  }

  private eventText(event: BuildEvent, style: Style): string {
    if (this.options.frozen && isListedAtEnd(event)) return '';
    return this.verdict(event) + eventText(event, style);
  }

  /** The line of a verdict, where verdicts are what is asked for. */
  verdict(event: BuildEvent): string {
    let text = '';
    if (this.options.dryRun) verdictReporter({ write: (more) => (text += more) }, this.style).on(event);
    return text;
  }

  name(project: string): string {
    return padTo(visible(project), this.width);
  }

  /** Whole lines, each behind the name of its project. */
  named(project: string, text: string): string {
    if (text === '') return '';
    const name = this.style('cyan', this.name(project));
    const lines = text.replace(/\n$/, '').split('\n');
    return lines.map((line) => `${name} ${line}`.trimEnd().concat('\n')).join('');
  }
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
