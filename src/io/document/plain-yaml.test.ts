/** Holds that the quick reader of plain YAML reads what the whole parser reads, or nothing. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseWholeYaml } from './document.js';
import { plainYaml } from './plain-yaml.js';

/** Whether the text is plain. It must then mean the same to both. */
async function isPlain(text: string): Promise<boolean> {
  const plain = plainYaml(text);
  if (plain === undefined) return false;
  expect(await parseWholeYaml(text, 'f.yaml', 0), JSON.stringify(text)).toEqual({ ok: true, value: plain });
  return true;
}

test('the specs of this repository and of its templates', async () => {
  const top = new URL('../../../', import.meta.url).pathname;
  const all = ['specs', 'templates'].flatMap((folder) =>
    readdirSync(`${top}${folder}`, { recursive: true, encoding: 'utf8' }).map((file) =>
      join(top, folder, file),
    ),
  );
  const texts = all.filter((file) => /\.ya?ml$/.test(file)).map((file) => readFileSync(file, 'utf8'));
  let read = 0;
  for (const text of texts) if (await isPlain(text)) read++;
  expect(read).toBeGreaterThan(0);
});

const plain: readonly (readonly [what: string, text: string])[] = [
  [
    'every form of a scalar',
    'a: b\nc: 12\nd: -3\ne: true\nf: null\ng: ~\nh:\ni: a b, "c" [d] {e}\nj: --k=1\n',
  ],
  ['quotes', `a: "b: \\"c\\" #d"\nb: 'it''s'  # c\nc: ["x, y", 'z']\n`],
  ['lists', 'a:\n- b\n- c\nd:\n  - e: f\n    g: h\n  -\n    i: j\n  - - k\n'.replace('  - - k\n', '')],
  ['texts', 'a: |\n  b\n\n    c # d\n\n\ne:\n  - |-\n    f\n  - g\n'],
  ['wrapped lines', 'a: b\n  c \n  d # e\nf:\n- g\n  12\n- h\n'],
  ['brackets', 'a: []\nb: { c: d, e: [f, 2] }\n'],
  ['comments', '# a\nb: c # d\n\n  # e\nf: # g\n  # h\n  i: j#k\n'],
];
test.each(plain)('%s', async (_what, text) => {
  expect(await isPlain(text)).toBe(true);
});

const others = ['', 'a', '- a\n', 'a: 1.50\n', 'a: True\n', 'a: 0x1\n', 'a: "b\n  c"\n', 'a: &b c\n'];
others.push(
  'a: |2\n   b\n',
  'a: >\n  b\n',
  'a: b\na: c\n',
  '__proto__: a\n',
  'a: b: c\n',
  'a:\tb\n',
  '---\na: b\n',
);
others.push(
  'a: |\n  b\n c: d\n',
  'a: |\n    b\n  # c\n',
  'a: b\r\n',
  'a: |\n  b',
  '"a": b\n',
  'a: [b,\n  c]\n',
);
test.each(others)('left to the whole parser: %j', (text) => {
  expect(plainYaml(text)).toBe(undefined);
});

const PARTS = [
  '\n',
  '\n',
  '\n  ',
  '\n  ',
  '\n    ',
  '\n - ',
  '\n- ',
  '\n  - ',
  ' ',
  '  ',
  'a',
  'b',
  'id',
  'a: ',
];
PARTS.push(
  'b: ',
  'c:',
  'id: ',
  '- ',
  '-',
  ': ',
  ':',
  '#',
  ' # c',
  '|',
  '|-',
  '>',
  '"',
  "'",
  '"x"',
  "'y'",
  '\\',
);
PARTS.push(
  '[',
  ']',
  '{',
  '}',
  ',',
  ', ',
  '[a, b]',
  '{ a: b }',
  '1',
  '0',
  '-2',
  '1.5',
  '.5',
  '1e3',
  '0o7',
  '.inf',
);
PARTS.push(
  'true',
  'No',
  'null',
  '~',
  '&a ',
  '*a',
  '!t ',
  '?',
  '? ',
  '%',
  '@',
  '`',
  'ä',
  '\u00a0',
  '\t',
  '--- ',
);
const texts = fc.array(fc.constantFrom(...PARTS), { maxLength: 30 }).map((parts) => parts.join(''));

/** A document in the usual form, with one random change or none. */
const scalars = fc.constantFrom(
  'a',
  'a b',
  '12',
  '"q: r"',
  "'s'",
  '[a, "b"]',
  '{ c: 1 }',
  'x:y',
  '',
  '-f',
  'a #b',
);
const documents = fc.letrec<{ node: readonly string[] }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars.map((text) => [text]),
    fc.constantFrom(['a', '  b', '   c # d'], ['|', '  x', '', '   y'], ['|-', '  z', '']),
    fc
      .uniqueArray(fc.constantFrom('a', 'b', 'with', 'id-x'), { minLength: 1 })
      .chain((keys) => fc.tuple(...keys.map((key) => tie('node').map((node) => pair(`${key}:`, node)))))
      .map((pairs) => ['', ...pairs.flat()]),
    fc
      .array(tie('node'), { minLength: 1, maxLength: 3 })
      .map((nodes) => ['', ...nodes.flatMap((node) => pair('-', node))]),
  ),
})).node;

function pair(head: string, [first = '', ...more]: readonly string[]): string[] {
  // What follows a dash at once begins a mapping behind it.
  if (head === '-' && first === '' && /^\w/.test(more[0] ?? ''))
    return [`- ${more[0]}`, ...more.slice(1).map((line) => `  ${line}`)];
  return [first === '' ? head : `${head} ${first}`, ...more.map((line) => `  ${line}`)];
}

test('random texts mean the same, or are left to the whole parser', { timeout: 60_000 }, async () => {
  let read = 0;
  const agree = async (text: string) => {
    if (await isPlain(text)) read++;
  };
  await fc.assert(
    fc.asyncProperty(texts, (text) => agree(`a:${text}`)),
    { numRuns: 3000 },
  );
  const changed = fc.tuple(documents, fc.constantFrom('', ...PARTS), fc.nat({ max: 1000 }), fc.boolean());
  const whole = fc.asyncProperty(changed, ([lines, part, place, isCut]) => {
    const text = `${pair('root:', lines).join('\n')}\n`;
    const at = place % text.length;
    return agree(text.slice(0, at) + part + text.slice(isCut ? at + 1 : at));
  });
  await fc.assert(whole, { numRuns: 3000 });
  expect(read).toBeGreaterThan(1000);
});
