/** What a value in a parsed JSON or YAML document is, for code that checks it without a schema. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A mapping: neither a list nor nothing. */
export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

export function areTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}
