/** Searches a text of sorted pieces without parsing it. Knows nothing of what the pieces say. */

export interface PiecePlace {
  /** Ends each piece. */
  readonly separator: string;
  /** Where the pieces begin and end. */
  readonly from: number;
  readonly to: number;
}

/** Where the first piece begins that is not before the key. */
export function lowerBound(text: string, key: string, { separator, from, to }: PiecePlace): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    const begin = middle === from ? from : Math.max(from, text.lastIndexOf(separator, middle - 1) + 1);
    const end = endOfPiece(text, begin, separator);
    if (text.slice(begin, end - 1) < key) low = end;
    else high = begin;
  }
  return low;
}

/** Behind the separator of the piece that begins here. */
export function endOfPiece(text: string, begin: number, separator: string): number {
  const end = text.indexOf(separator, begin);
  return end < 0 ? text.length : end + 1;
}
