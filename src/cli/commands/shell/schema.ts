/** `conductor schema`: the shipped JSON Schemas, by name. */

import { suggestions } from '../../../base/nearest.js';
import { loadSchema, SCHEMA_NAMES, type Schema, type SchemaName } from '../../../io/document/schemas.js';
import { padTo } from '../../../report/width.js';
import { print, printJson, refuse } from '../../output.js';

export async function runSchema(
  name: string | undefined,
  flags: { readonly json?: boolean },
): Promise<number> {
  if (name === undefined) {
    const schemas = await Promise.all(
      SCHEMA_NAMES.map(async (one) => ({ name: one, ...(await loadSchema(one)) })),
    );
    const width = Math.max(...SCHEMA_NAMES.map((one) => one.length));
    if (flags.json) printJson({ schema: 1, schemas: schemas.map(forMachines) });
    else print(schemas.map(({ name: one, title }) => `${padTo(one, width)}  ${title}`).join('\n'));
    return 0;
  }
  const found = SCHEMA_NAMES.find((one) => one === name);
  if (found) {
    printJson(await loadSchema(found));
    return 0;
  }
  const near = suggestions(name, SCHEMA_NAMES);
  return refuse({
    kind: 'usage',
    message: `no schema is called \`${name}\``,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `there are ${SCHEMA_NAMES.join(', ')}`,
  });
}

function forMachines({ name, $id, title, description }: Schema & { readonly name: SchemaName }) {
  return { name, id: $id, title, description };
}
