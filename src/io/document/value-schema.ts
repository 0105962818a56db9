/** JSON Schemas written by users, compiled to check values. */

import { err, ok, type Result } from '../../base/result.js';
import { type FormatCheck, type RefusedValue, type SchemaProblem, schemaProblems } from './schema-message.js';

export type { FormatCheck } from './schema-message.js';

/** Everything that the schema refuses in a value; empty when it is valid. */
export type ValueCheck = (value: unknown) => SchemaProblem[];

/** A check of values by a schema of the given formats, or why the schema is none. */
export async function compileValueSchema(
  schema: object,
  formats: Readonly<Record<string, FormatCheck>>,
): Promise<Result<ValueCheck, string>> {
  const { Ajv } = await import('./ajv.js');
  const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictTypes: false });
  ajv.addKeyword({ keyword: 'patternErrorMessage', schemaType: 'string' });
  for (const [name, check] of Object.entries(formats)) {
    ajv.addFormat(name, (text) => check(text) === undefined);
  }
  try {
    const validate = ajv.compile(schema);
    return ok((value) =>
      validate(value)
        ? []
        : schemaProblems((validate.errors ?? []) as readonly RefusedValue[], value, formats),
    );
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
