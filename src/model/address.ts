/** Addresses in a form that may be shown. Knows no protocol. */

/** Without what stands between `//` and `@`: a name, a password, a token. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\w:\/\/)[^/\s@']+@/g, '$1');
}
