/** Self-contained pages of HTML: no script, no font, no request. Does not know their content. */

import { visible } from '../style.js';

/** `title` is text; `style` and `body` are markup. */
export function htmlPage(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${html(title)}</title><style>${style}</style></head><body>
${body}
</body></html>
`;
}

/** Foreign text as text: no markup, no control character. */
export function html(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
  };
  return text
    .split('\n')
    .map((line) => line.split('\t').map(visible).join('\t'))
    .join('\n')
    .replace(/[&<>"]/g, (character) => entities[character] as string);
}
