/** What a parsed JSON or YAML document may be, for those who check it by hand. */

export type JsonObject = Readonly<Record<string, unknown>>;

/** A mapping: neither a list nor nothing. */
export function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
