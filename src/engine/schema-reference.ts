/** Where an editor finds a schema of conductor's, as written into a file. Opens no schema. */

import { dirname, join, relative, sep } from 'node:path';
import { findPackage } from '../io/node-modules.js';

export const OWN_PACKAGE = 'conductor-build';

/**
 * The line that YAML language servers read: the schema of the installed package, by a path that works in every clone, or
 * where the package is in no `node_modules` around the project (it was run by npx) the published one of this version.
 */
export async function schemaLine(
  project: string,
  file: string,
  schema: 'backlog',
  version: string,
): Promise<string> {
  const path = `schemas/${schema}.schema.json`;
  const installed = await findPackage(project, OWN_PACKAGE);
  const place =
    installed === undefined
      ? `https://cdn.jsdelivr.net/npm/${OWN_PACKAGE}@${version}/${path}`
      : relative(dirname(join(project, file)), join(installed, path))
          .split(sep)
          .join('/');
  return `# yaml-language-server: $schema=${place}\n`;
}
