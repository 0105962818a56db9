/**
 * Checks a document by one of conductor's own schemas. In the bundle, functions that ajv generated from the schemas replace this
 * file (`scripts/validators.js`).
 */

import { Ajv } from './ajv.js';
import { loadSchema, type SchemaName } from './schemas.js';

/** Whether a value is valid; if not, `errors` says why. */
export interface CompiledSchema {
  (value: unknown): unknown;
  readonly errors?: readonly unknown[] | null | undefined;
}

export async function compiledSchema(name: SchemaName): Promise<CompiledSchema> {
  // The schemas are conductor's own, and a test holds that they are sound.
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, validateSchema: false });
  ajv.addKeyword({ keyword: 'patternErrorMessage', schemaType: 'string' });
  return ajv.compile(await loadSchema(name));
}
