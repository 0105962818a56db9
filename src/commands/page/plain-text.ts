/** Makes untrusted text harmless: redacts secrets, and makes control characters visible. */

import { isSecret, redactable } from '../../io/process/environment.js';
import { visibleBlock } from '../../report/style.js';

/** What `visibleBlock` would change: control characters but tab and line break, and what turns the direction of writing. */
const SPECIAL = /(?![\n\t])[\p{Cc}\p{Cf}\u2028\u2029]/u;
/** Values of the environment that no page may show. */
export function secretsIn(env: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && isSecret(name, value) ? [value] : [],
  );
}

/** A copy of a document with every text in it made harmless; keys of objects are left as they are. */
export function harmless<T>(document: T, secrets: readonly string[]): T {
  const sought = redactable(secrets);
  const clean = (text: string) => {
    let shown = text;
    for (const secret of sought) if (shown.includes(secret)) shown = shown.split(secret).join('[secret]');
    return SPECIAL.test(shown) ? visibleBlock(shown) : shown;
  };
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return clean(value);
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one)]));
  };
  return walk(document) as T;
}
