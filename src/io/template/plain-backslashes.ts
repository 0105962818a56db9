/** What a backslash before a variable means. Parses no template. */

/** In a path or a name of classes (`App\Models\{{name}}`, `C:\{{name}}`), not where a word begins (`\{{name}}`). */
const PRINTED = /(?<=[\w.:}-])\\(?=\{\{)/g;

/**
 * A backslash within a name is a backslash. For Handlebars one of them means no variable, wherever it stands, and two
 * mean one backslash.
 */
export function withPlainBackslashes(text: string): string {
  return text.replace(PRINTED, '\\\\');
}

/** Whether such backslashes decide what it means: before, these templates printed something else. */
export function hasPlainBackslashes(text: string): boolean {
  return text.search(PRINTED) >= 0;
}
