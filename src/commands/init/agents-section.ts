/** The section of AGENTS.md that tells agents of people how specs are written in this project. */

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { append, readText, removeTree, writeAtomic } from '../../io/files.js';
import type { Undo } from '../new/new-files.js';

export const AGENTS_FILE = 'AGENTS.md';
const HEADING = '## Specs and conductor';

function section(start: string): string {
  return `${HEADING}

conductor builds code from the specs in \`specs/\`. If your prompt gives you one task of conductor, do what it says and skip
this section.

- A file that a task lists in \`outputs\` belongs to that task. Do not edit it: change the task. \`${start} blame <file>\`
  names the task. Every other file is written by people and may be edited.
- Specs are \`specs/<feature>/BACKLOG.yaml\`. A task has \`id\`, \`description\`, \`acceptance\` (criteria that a stranger can
  check), \`outputs\` (new files that it owns), \`edits\` (files of others that it patches), \`inputs\` (what it reads),
  \`depends_on\` and \`verify\` (commands that must pass). Keep tasks small. Each file has one owner.
- For a whole feature write \`specs/<feature>/REQUEST.md\` and run \`${start} plan <feature>\`.

| command | |
|---|---|
| \`${start} validate\` | checks the specs; run it after each change |
| \`${start} build --dry-run\` | what would be built, and why |
| \`${start} build\` | builds; may cost money, so ask first |
| \`${start} explain <task>\`, \`${start} log <task>\` | why a task is stale; what happened with it |
| \`${start} map\` | the files, with their owners and patchers |
| \`${start} mcp\` | an MCP server: with its tools you can also take tasks and build them yourself |
`;
}

/** Adds the section at the end of the file. Undefined when it is there already, and when the file is a link. */
export async function addAgentsSection(
  project: string,
  start: string,
): Promise<{ readonly undo: Undo } | undefined> {
  const file = join(project, AGENTS_FILE);
  const found = await lstat(file).catch(() => undefined);
  if (found && !found.isFile()) return undefined;
  const before = (await readText(file)) ?? '';
  if (before.includes(HEADING)) return undefined;
  const gap = before === '' ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  await append(file, gap + section(start));
  return { undo: () => (found ? writeAtomic(file, before, found.mode) : removeTree(file)) };
}
