/** What a backslash before a variable means. Parses no template. */

/**
 * A backslash before `{{` is a backslash (`App\\Models\\{{name}}`). For Handlebars one of them means no variable, and two
 * mean one backslash.
 */
export function withPlainBackslashes(text: string): string {
  return text.replace(/\\(?=\{\{)/g, '\\\\');
}

/** Whether backslashes before variables decide what it means: before, such a template printed something else. */
export function hasPlainBackslashes(text: string): boolean {
  return text.includes('\\{{');
}
