/** XML that every parser reads, whatever the text. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validateXML } from 'xmllint-wasm';
import { xmlDocument } from './xml.js';

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.constantFrom(
        ']]>',
        '<![CDATA[',
        '&amp;',
        '\u0000',
        '\u001b[31m',
        '\ud800',
        '\udc00',
        '\uffff',
        '\r',
        '\n',
        '"',
        "'",
        '<!--',
        '\u0085',
        '😀',
      ),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''));

test('any text is well-formed in attributes and in content', async () => {
  const samples = fc.sample(fc.tuple(text, text), 300);
  const children = samples.map(([a, b]) => ({
    name: 'e',
    attributes: { a, left: undefined },
    children: [b],
  }));
  const contents = xmlDocument({ name: 'root', children });
  const xml = { fileName: 'a.xml', contents };
  const { valid, rawOutput, errors } = await validateXML({ xml, normalization: 'format' });
  expect({ valid, errors }, rawOutput).toEqual({ valid: true, errors: [] });
});

test('text is escaped and kept; what XML does not have is replaced', () => {
  const made = xmlDocument({
    name: 'a',
    attributes: { n: 1, text: '"<&>\n\t' },
    children: [{ name: 'b', children: ['<x> & ]]> \u001b \ud800 \r😀'] }, { name: 'c' }],
  });
  expect(made).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<a n="1" text="&quot;&lt;&amp;&gt;&#10;&#9;">\n  <b>&lt;x&gt; &amp; ]]&gt; \ufffd \ufffd &#13;😀</b>\n  <c/>\n</a>\n',
  );
});
