/** Where an editor finds a schema of conductor's, as written into a file. Opens no schema. */

import { dirname, join, relative, sep } from 'node:path';
import { exists } from '../io/files.js';

export type SchemaFile = 'backlog' | 'template';

/**
 * The line that YAML language servers read: the schema of the installed package, by a path that works in every clone, or
 * where the package is in no `node_modules` around the project (it was run by npx) the published one of this version.
 */
export async function schemaLine(
  project: string,
  file: string,
  schema: SchemaFile,
  version: string,
): Promise<string> {
  return `# yaml-language-server: $schema=${await schemaReference(project, file, schema, version)}\n`;
}

async function schemaReference(
  project: string,
  file: string,
  schema: SchemaFile,
  version: string,
): Promise<string> {
  const name = `conductor-build/schemas/${schema}.schema.json`;
  for (let folder = project; ; folder = dirname(folder)) {
    const installed = join(folder, 'node_modules', name);
    if (await exists(installed)) {
      return relative(dirname(join(project, file)), installed)
        .split(sep)
        .join('/');
    }
    if (dirname(folder) === folder) break;
  }
  return `https://cdn.jsdelivr.net/npm/${name.replace('/', `@${version}/`)}`;
}
