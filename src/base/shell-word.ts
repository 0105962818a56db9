/** How a word is written for a POSIX shell. Pure. */

const PLAIN = /^[\w./@:+=,-]+$/;

/** As it is where no shell reads anything into it, else within single quotes. */
export function shellWord(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
