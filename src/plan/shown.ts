/**
 * Makes untrusted names harmless for prompts and lists: one line each, without control characters. Knows no prompt.
 */

const MAX_LENGTH = 120;

export function shownPath(name: string): string {
  const plain = name.replace(/[\p{Cc}\p{Cf}\u2028\u2029`]+/gu, '?').trim();
  return plain.length > MAX_LENGTH ? `${plain.slice(0, MAX_LENGTH)}…` : plain;
}
