/** What several projects that were built together came to, collected from their events for the reports of a CI. Writes nothing. */

import type { ProjectEvent, ProjectOutcome, ProjectsSummary } from '../../model/projects/project-event.js';
import { BuildRecord } from './build-record.js';

export interface ProjectRecord {
  readonly project: string;
  readonly build: BuildRecord;
  /** Undefined: the command ended before the project did. */
  readonly outcome: ProjectOutcome | undefined;
}

export class ProjectsRecord {
  /** How the person who reads the reports calls conductor where the list is. */
  readonly calledAs: string | undefined;
  private readonly calledIn: ((project: string) => string) | undefined;
  private readonly builds = new Map<string, BuildRecord>();
  private readonly outcomes = new Map<string, ProjectOutcome>();
  /** Undefined: the command did not come to its end. */
  summary: ProjectsSummary | undefined;

  /** `calledIn`: how conductor is called in the folder of a project, because hints of its build hold there. Default: as here. */
  constructor(calledAs?: string, calledIn?: (project: string) => string) {
    this.calledAs = calledAs;
    this.calledIn = calledIn;
  }

  get projects(): readonly ProjectRecord[] {
    return [...this.builds].map(([project, build]) => ({
      project,
      build,
      outcome: this.outcomes.get(project),
    }));
  }

  on(event: ProjectEvent): void {
    if (event.type === 'projects.started')
      for (const name of event.projects)
        this.builds.set(name, new BuildRecord(this.calledIn?.(name) ?? this.calledAs));
    if (event.type === 'project.event') this.builds.get(event.project)?.on(event.event);
    if (event.type === 'project.finished') this.outcomes.set(event.project, event.outcome);
    if (event.type === 'projects.finished') this.summary = event.summary;
  }
}
