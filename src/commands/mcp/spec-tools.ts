/** The tools that read and write specs. No path leaves the folder of the specs. */

import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { readText, removeTree, writeAtomic } from '../../io/files.js';
import type { McpTool } from '../../io/network/mcp.js';
import { unsafePath } from '../../io/unsafe-path.js';
import type { Host } from '../../project/host.js';
import { printDiagnostics, printFailure } from '../../report/failures/failure-print.js';
import { plainStyle } from '../../report/style.js';
import { validateProject } from '../validate.js';
import { refused, tool } from './tool.js';

const PATH = {
  description:
    'A file below the specs folder, relative to the project: `specs/feature-001-auth/BACKLOG.yaml`.',
  type: 'string',
  minLength: 1,
  maxLength: 500,
};
const MAX_BYTES = 1_000_000;

/** `specs`: the folder of the specs, relative to the project. */
export function specTools(host: Host, specs: string): McpTool[] {
  const problemOf = async (path: string): Promise<string | undefined> => {
    if (!path.startsWith(`${specs}/`)) return `it is not below ${specs}/`;
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (name.startsWith('.')) return 'conductor itself writes lock files';
    return unsafePath(host.directory, path);
  };
  return [
    tool({
      name: 'list_specs',
      description: 'The files of all specs: backlogs, plans, requests.',
      properties: {},
      isReadOnly: true,
      async run() {
        const found = await readdir(join(host.directory, specs), { recursive: true, withFileTypes: true });
        const paths = found
          .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
          .map((entry) => relative(host.directory, join(entry.parentPath, entry.name)));
        return { text: `${paths.sort().join('\n')}\n` };
      },
    }),
    tool({
      name: 'read_spec',
      description: 'The text of a spec file, for example of `PLAN.md` or `BACKLOG.yaml`.',
      properties: { path: PATH },
      required: ['path'],
      isReadOnly: true,
      async run(args) {
        const path = args.text('path');
        const problem = await problemOf(path);
        if (problem !== undefined) return refused(`${path} cannot be read: ${problem}`);
        const text = await readText(join(host.directory, path));
        return text === undefined ? refused(`there is no file ${path}`) : { text };
      },
    }),
    tool({
      name: 'write_spec',
      description:
        'Writes a spec file, or removes it (`text` is null), then checks all specs and returns their problems. The file stays written if there are problems.',
      properties: {
        path: PATH,
        text: { description: 'The whole text.', type: ['string', 'null'], maxLength: MAX_BYTES },
      },
      required: ['path', 'text'],
      isReadOnly: false,
      async run(args) {
        const path = args.text('path');
        const problem = await problemOf(path);
        if (problem !== undefined) return refused(`${path} cannot be written: ${problem}`);
        const text = args.get<string>('text');
        const file = join(host.directory, path);
        if (typeof text === 'string') await writeAtomic(file, text);
        else await removeTree(file);
        return validated(host, `${path} is ${typeof text === 'string' ? 'written' : 'removed'}`);
      },
    }),
  ];
}

async function validated(host: Host, done: string) {
  const checked = await validateProject(host);
  if (!checked.ok) return { text: `${done}\n${printFailure(checked.error, plainStyle)}` };
  const lines = printDiagnostics(checked.value.warnings, plainStyle);
  return { text: [`${done}; the specs are valid`, ...lines, ''].join('\n') };
}
