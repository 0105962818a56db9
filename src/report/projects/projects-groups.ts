/** Builds of several projects as lines for the log of a CI: the groups of their tasks have the project's name in front. */

import { type GroupOptions, groupReporter } from '../ci/groups.js';
import { isListedAtEnd } from '../live/plain.js';
import type { Reporter, Sink } from '../live/reporter.js';
import type { Style } from '../style.js';
import { type ProjectLineOptions, ProjectLines } from './project-lines.js';
import type { ProjectsReporter } from './projects-reporter.js';

export interface ProjectGroupOptions extends Omit<GroupOptions, 'lines'> {
  readonly lines: ProjectLineOptions;
}

/** As `groupReporter`, for all projects in one stream. */
export function projectsGroupReporter(
  sink: Sink,
  style: Style,
  { groups, group, lines: options }: ProjectGroupOptions,
): ProjectsReporter {
  const lines = new ProjectLines(style, options);
  const builds = new Map<string, Reporter>();
  const open = (project: string): Reporter => {
    const known = builds.get(project);
    if (known) return known;
    const own = { write: (text: string) => sink.write(lines.named(project, text)) };
    const opened = groupReporter(own, lines.styleOf(project), {
      groups,
      group: ({ name, title, at }, body) =>
        group({ name: `${project}-${name}`, title: `${lines.name(project)} ${title}`, at }, body),
      lines: options.frozen ? { leavesOut: isListedAtEnd } : {},
    });
    builds.set(project, opened);
    return opened;
  };
  return {
    on(event) {
      if (event.type !== 'project.event') {
        sink.write(lines.text(event));
        return;
      }
      sink.write(lines.named(event.project, lines.verdict(event.event)));
      open(event.project).on(event.event);
    },
    print: (text) => {
      sink.write(text);
    },
    close: async () => {
      for (const build of builds.values()) await build.close();
    },
  };
}
