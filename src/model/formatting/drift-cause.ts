/** What a program, and no person, did to files: told from their patches. Runs no formatter. */

/** `line-ends`: CRLF and LF; `final-newline`: line breaks at the end; `layout`: white space, quotes, commas and semicolons. */
export type DriftCause = 'line-ends' | 'final-newline' | 'layout';

interface Sides {
  readonly before: string;
  readonly after: string;
}

/** The one cause of all these patches (as `git diff` prints them); undefined where one of them has another. */
export function driftCause(patches: readonly string[]): DriftCause | undefined {
  const causes = new Set(patches.map((patch) => causeOf(sidesOf(patch))));
  if (causes.size === 0 || causes.has(undefined)) return undefined;
  const [only, ...more] = causes;
  return more.length === 0 ? only : 'layout';
}

/** The removed and the added lines of a patch, each with its line break. */
function sidesOf(patch: string): Sides {
  const lines = patch.split('\n');
  const sides = { '-': '', '+': '' };
  let last: '-' | '+' | undefined;
  for (const line of lines.slice(lines.findIndex((one) => one.startsWith('@@ ')))) {
    const sign = line[0];
    if (sign === '-' || sign === '+') {
      sides[sign] += `${line.slice(1)}\n`;
      last = sign;
    } else if (sign === '\\' && last) sides[last] = sides[last].slice(0, -1);
    else last = undefined;
  }
  return { before: sides['-'], after: sides['+'] };
}

function causeOf({ before, after }: Sides): DriftCause | undefined {
  const isSameBy = (plain: (text: string) => string) => plain(before) === plain(after);
  if (before === after) return undefined;
  if (isSameBy((text) => text.replaceAll('\r\n', '\n'))) return 'line-ends';
  if (isSameBy((text) => text.replace(/\n+$/, ''))) return 'final-newline';
  return isSameBy((text) => text.replace(/[\s,;]+/g, '').replace(/["'`]/g, '"')) ? 'layout' : undefined;
}
