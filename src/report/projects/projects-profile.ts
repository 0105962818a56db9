/** Builds of several projects as one trace: two processes for each project, and one for the git processes of all. */

import type { ProjectEvent } from '../../model/projects/project-event.js';
import { type GitSpan, gitEvents, PROCESSES_OF_BUILD, Profile, traceText } from '../profile.js';
import { visible } from '../style.js';

export class ProjectsProfile {
  private readonly profiles = new Map<string, Profile>();
  private readonly git: GitSpan[] = [];

  on(event: ProjectEvent): void {
    if (event.type === 'projects.started')
      for (const project of event.projects) this.profiles.set(project, new Profile());
    if (event.type === 'project.event') this.profiles.get(event.project)?.on(event.event);
  }

  onGit(span: GitSpan): void {
    this.git.push(span);
  }

  /** The trace as JSON: it begins with the first build or git process. */
  text(): string {
    const built = [...this.profiles].filter(([, { startedAt }]) => startedAt > 0);
    const starts = [...built.map(([, { startedAt }]) => startedAt), ...this.git.map(({ at }) => at)];
    const zero = starts.reduce((first, at) => Math.min(first, at), Number.POSITIVE_INFINITY);
    const events = built.flatMap(([project, profile], at) =>
      profile.events({ zero, process: 1 + at * PROCESSES_OF_BUILD, name: visible(project) }),
    );
    const process = 1 + built.length * PROCESSES_OF_BUILD;
    return traceText([...events, ...gitEvents(this.git, { zero, process })]);
  }
}
