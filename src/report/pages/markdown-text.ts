/** Foreign text in Markdown for comments and summaries on code hosts: no markup, no mention, no end of a fence. */

import { visible, visibleBlock } from '../style.js';

/** Foreign text in Markdown and in its HTML: no markup of either kind, on one line. */
export function markdown(text: string): string {
  return visible(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/[\\`*_{}[\]()#|!~@]/g, (one) => `&#${one.charCodeAt(0)};`);
}

export function code(text: string): string {
  return `<code>${markdown(text)}</code>`;
}

export interface FenceOptions {
  readonly language?: string;
  readonly maxLines: number;
}

/** A fence longer than any in the text. */
export function fence(lines: readonly string[], { language = '', maxLines }: FenceOptions): string {
  const shown = lines.slice(0, maxLines).map(visibleBlock);
  if (lines.length > maxLines) shown.push(`… ${lines.length - maxLines} more lines`);
  const text = shown.join('\n');
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}
