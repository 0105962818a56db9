/** What features, tasks and templates may be named: one part of a path, and no option of a command. Pure. */

export const NAME_PATTERN = '[A-Za-z0-9_][A-Za-z0-9._-]*';

const NAME = new RegExp(`^${NAME_PATTERN}$`);

export function isName(text: string): boolean {
  return NAME.test(text);
}
