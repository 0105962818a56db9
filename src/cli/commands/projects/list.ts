/** `conductor projects list`: the projects with their priorities and shares. */

import { withoutCredentials } from '../../../model/address.js';
import { projectRows } from '../../../model/projects/project-rows.js';
import { projectListText } from '../../../report/projects/list-text.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { openList } from './open-list.js';

export async function runProjectsList(flags: { readonly json?: boolean }): Promise<number> {
  const list = await openList([]);
  if (!list.ok) return refuse(list.error);
  const { limits, file, projects } = list.value;
  const rows = projectRows(projects, Date.now());
  if (flags.json) {
    const shown = rows.map(({ project: { git, ...project }, weight, share }) => ({
      ...project,
      ...(git === undefined ? {} : { git: { ...git, url: withoutCredentials(git.url) } }),
      weight,
      share,
    }));
    printJson({ schema: 1, file, limits, projects: shown });
  } else print(projectListText(rows, list.value, styleFor(process.stdout)));
  return 0;
}
