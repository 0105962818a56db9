/** What features, tasks and templates may be named: one part of a path, and no option of a command. Pure. */

export const NAME_PATTERN = '[A-Za-z0-9_][A-Za-z0-9._-]*';

const NAME = new RegExp(`^${NAME_PATTERN}$`);

export function isName(text: string): boolean {
  return NAME.test(text);
}

export const NAME_HINT = 'use letters, digits, `.`, `_` and `-`, and start with a letter, a digit or `_`';
