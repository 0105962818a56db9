/** `conductor projects ui`: one page that shows all projects, until it is stopped. */

import { selectProjects } from '../../../commands/projects/build-projects.js';
import { openProjectsUi } from '../../../commands/ui/projects-pages.js';
import { refuse } from '../../output.js';
import { createHost } from '../../wire.js';
import { runPage, startIn, type UiFlags } from '../page/ui.js';
import { calledIn, openList } from './open-list.js';

export async function runProjectsUi(names: readonly string[], flags: UiFlags): Promise<number> {
  const list = await openList(names);
  if (!list.ok) return refuse(list.error);
  const { version, env } = createHost(process.cwd());
  const called = calledIn(list.value);
  return runPage(flags, (options) =>
    openProjectsUi({
      ...{ ...options, version, env },
      projects: selectProjects(list.value, names),
      hostOf: ({ folder }) => createHost(folder, { isProject: true }),
      calledIn: called,
      ...(flags.actions ? { startIn: ({ folder, name }) => startIn(folder, called(name)) } : {}),
    }),
  );
}
