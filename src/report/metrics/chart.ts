/** Small charts made of characters. */

const EIGHTHS_UP = '▁▂▃▄▅▆▇█';
const EIGHTHS_RIGHT = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A character a value, from zero to the largest; a gap where there is none. */
export function sparkline(values: readonly (number | undefined)[]): string {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  return values
    .map((value) => {
      if (value === undefined) return ' ';
      const level = largest === 0 ? 0 : Math.round((value / largest) * (EIGHTHS_UP.length - 1));
      return EIGHTHS_UP[level];
    })
    .join('');
}

/** A bar of at most `width` columns; what is more than nothing is seen. */
export function bar(value: number, largest: number, width: number): string {
  if (value <= 0 || largest <= 0) return '';
  const eighths = Math.max(1, Math.round((value / largest) * width * 8));
  return '█'.repeat(eighths >> 3) + EIGHTHS_RIGHT[eighths & 7];
}
