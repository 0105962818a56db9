/** The map of a repository as text: what planners get, then the files that tasks own or patch. */

import type { RepositoryView } from '../../model/repository-view.js';
import { plural, type Style, visible } from '../style.js';
import { padTo, textWidth } from '../width.js';

const HEAD = ['file', 'owner', 'patched by'];

export function repositoryText({ map, bytes, files }: RepositoryView, style: Style): string {
  const rows = files
    .filter(({ owner, patchedBy }) => owner !== undefined || patchedBy.length > 0)
    .map(({ path, owner, patchedBy }) => [visible(path), owner ?? '-', patchedBy.join(', ') || '-']);
  const widths = HEAD.map((head, i) =>
    Math.max(...[head, ...rows.map((row) => row[i] as string)].map(textWidth)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => padTo(cell, widths[i] as number))
      .join('  ')
      .trimEnd();
  const people = files.length - rows.length;
  return [
    map === '' ? style('dim', 'the project has no files') : map,
    '',
    ...(rows.length === 0 ? [] : [style('dim', line(HEAD)), ...rows.map(line), '']),
    `conductor: ${plural(files.length, 'file')}, ${people} of them neither built nor patched by a task; the map has ${plural(bytes, 'byte')}`,
  ].join('\n');
}
