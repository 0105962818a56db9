/** The lines of a program's output as a person reads them: without colours, progress bars and frames of foreign code. */

const ESC = String.fromCharCode(27);
const BEL = String.fromCharCode(7);
/** Colours, cursor movements and links, which end with BEL or with `ESC \\`. */
const ESCAPES = new RegExp(
  `${ESC}(?:\\[[0-9;?]*[A-Za-z]|\\][^${BEL}${ESC}]*(?:${BEL}|${ESC}\\\\)|[()][A-Z0-9])`,
  'g',
);
/** Stack frames of the runtime, of test runners and of packages: they name no line that the task can change. */
const FOREIGN_FRAMES = [
  /^\s*(?:at |❯ )?.*\(?node:(?:internal|async_hooks|events|diagnostics_channel)\b/,
  /^\s*(?:at|❯) .*\/node_modules\//,
  /^\s*(?:at )?(?:new (?:Safe)?Promise|Array\.map) \(<anonymous>\)/,
  /^\s*(?:-->|:::) \/rustc\//,
  /^\s*generatedMessage: (?:true|false),?$/,
];
const MAX_LINE = 400;

export function outputLines(text: string): string[] {
  return text
    .replace(ESCAPES, '')
    .split('\n')
    .map((line) => {
      const plain = line.endsWith('\r') ? line.slice(0, -1) : line;
      return plain.slice(plain.lastIndexOf('\r') + 1).trimEnd();
    })
    .filter((line) => !FOREIGN_FRAMES.some((frame) => frame.test(line)))
    .map((line) => (line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}…` : line));
}

export function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
