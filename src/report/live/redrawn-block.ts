/** A block of lines that is redrawn below fixed lines on a terminal. Knows no clock, no timers, and not what it shows. */

import type { Style } from '../style.js';
import { textWidth } from '../width.js';
import type { Sink } from './reporter.js';

export interface BlockOptions {
  readonly stream: Sink & { readonly columns?: number; readonly rows?: number };
  readonly style: Style;
  /** Calls once after `ms`; the returned function calls it off. Must keep no process alive. */
  after(ms: number, call: () => void): () => void;
}

export interface RedrawnBlock {
  /** Writes whole lines above the block. */
  print(text: string): void;
  /** Redraws the block shortly, and then every second while it has lines. */
  soon(): void;
  /** Removes the block; `soon` brings it back. */
  end(): void;
}

/** At most ten redraws a second, and one a second while only the time changes. */
const REDRAW_MS = 100;
const TICK_MS = 1000;

/** `linesNow` gives the block's lines for a terminal of that size; the first is drawn bold. */
export function redrawnBlock(
  { stream, style, after }: BlockOptions,
  linesNow: (columns: number, rows: number) => readonly string[],
): RedrawnBlock {
  let drawn: readonly string[] = [];
  let callOff: (() => void) | undefined;
  let isSoon = false;

  const draw = (kept: string, lines: readonly string[]) => {
    // After a resize the terminal has wrapped the block's lines again, so count them as they are now.
    const columns = stream.columns || 80;
    const height = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)), 0);
    const clear = height === 0 ? '' : `\u001b[${height}A\r\u001b[J`;
    drawn = lines;
    const block = drawn.map((line, at) => `${at === 0 ? style('bold', line) : line}\n`).join('');
    const text = `${clear}${kept}${block}`;
    if (text !== '') stream.write(text);
  };
  const redraw = (kept = '') => draw(kept, linesNow(stream.columns || 80, stream.rows || 24));
  const schedule = (ms: number) => {
    callOff?.();
    callOff = after(ms, () => {
      callOff = undefined;
      isSoon = false;
      redraw();
      if (drawn.length > 0) schedule(TICK_MS);
    });
  };
  return {
    print: redraw,
    soon() {
      if (isSoon) return;
      isSoon = true;
      schedule(REDRAW_MS);
    },
    end() {
      callOff?.();
      callOff = undefined;
      isSoon = false;
      draw('', []);
    },
  };
}
