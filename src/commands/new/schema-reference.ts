/** Where an editor finds the schema of a file that conductor writes. Checks none. */

import { dirname, join, relative, sep } from 'node:path';
import { loadSchema, type SchemaName } from '../../io/document/schemas.js';
import { findPackage } from '../../io/node-modules.js';

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
  const installed = await findPackage(project, OWN_PACKAGE);
  const place =
    installed === undefined
      ? (await loadSchema(schema)).$id.replace(OWN_PACKAGE, `${OWN_PACKAGE}@${version}`)
      : relative(dirname(join(project, file)), join(installed, `schemas/${schema}.schema.json`))
          .split(sep)
          .join('/');
  return `# yaml-language-server: $schema=${place}\n`;
}
