/** How much a diff changes, file by file. Pure. */

/** A line for each file of a diff as git writes it: `src/a.ts  +12 -3`. */
export function changedFiles(diff: string): string {
  return diff
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith('diff --git '))
    .map((part) => {
      const lines = part.split('\n');
      const at = lines.findIndex((line) => line.startsWith('@@'));
      const body = at < 0 ? [] : lines.slice(at);
      const count = (sign: string) => body.filter((line) => line.startsWith(sign)).length;
      const name = /^diff --git "?a\/(.*?)"? "?b\//.exec(lines[0] ?? '')?.[1] ?? '';
      return at < 0 ? name : `${name}  +${count('+')} -${count('-')}`;
    })
    .join('\n');
}
