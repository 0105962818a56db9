/**
 * Lines of words that git reads from its standard input. A word with a blank or a line break would be another request:
 * whatever came from elsewhere has to be looked at before it gets here.
 */

/** Joined by blanks, with a line break behind them. */
export function requestLine(...words: readonly string[]): string {
  for (const word of words)
    if (word === '' || [...word].some((sign) => sign <= ' ' || sign === '\u007f'))
      throw new Error(`BUG: ${JSON.stringify(word)} in a request to git`);
  return `${words.join(' ')}\n`;
}
