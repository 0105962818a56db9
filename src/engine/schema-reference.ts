/** Where an editor finds the schema of a file that conductor writes. Opens no schema. */

import { dirname, join, relative, sep } from 'node:path';
import { findPackage } from '../io/node-modules.js';
import type { SchemaName } from '../io/schemas.js';

export const OWN_PACKAGE = 'conductor-build';

/**
 * The line that YAML language servers read: the schema of the installed package, by a path that works in every clone, or
 * where the package is in no `node_modules` around the project (it was run by npx) the published one of this version.
 */
export async function schemaLine(
  project: string,
  file: string,
  schema: SchemaName,
  version: string,
): Promise<string> {
  const path = `schemas/${schema}.schema.json`;
  const installed = await findPackage(project, OWN_PACKAGE);
  const place =
    installed === undefined
      ? `https://unpkg.com/${OWN_PACKAGE}@${version}/${path}`
      : relative(dirname(join(project, file)), join(installed, path))
          .split(sep)
          .join('/');
  return `# yaml-language-server: $schema=${place}\n`;
}
