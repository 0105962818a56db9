/** Holds what GitHub calls the headings of a document, and where their sections end. */

import { expect, test } from 'vitest';
import { headingsOf, sectionOf, slugOf } from './markdown.js';

const titles: [title: string, slug: string][] = [
  ['Sessions', 'sessions'],
  ['How it *works*, in `code`', 'how-it-works-in-code'],
  ['A [link](http://x/y) here', 'a-link-here'],
  ['Größe & Maß', 'größe--maß'],
  ['snake_case-and 1.2', 'snake_case-and-12'],
  ['日本 語', '日本-語'],
];

test.each(titles)('%s', (title, slug) => {
  expect(slugOf(title)).toBe(slug);
});

const slugs = (text: string) => headingsOf(text).map(({ slug, level }) => `${level} ${slug}`);

const documents: [what: string, text: string, slugs: string[]][] = [
  [
    'both kinds of headings',
    'Title\n=====\ntext\n\nPart\n---\n### Deep ###\n#no\n####### no\n',
    ['1 title', '2 part', '3 deep'],
  ],
  [
    'what is in code is none',
    '# A\n```sh\n# b\n~~~\n# c\n```\n# D\n~~~~\n# e\n~~~\n~~~~\n# F\n',
    ['1 a', '1 d', '1 f'],
  ],
  ['equal headings are counted', '# A\n# A\n# A-1\n# A\n', ['1 a', '1 a-1', '1 a-1-1', '1 a-2']],
  ['a rule is no heading', 'text\n\n---\n\n- a\n---\n# Z\r\n', ['1 z']],
];

test.each(documents)('%s', (_what, text, expected) => {
  expect(slugs(text)).toEqual(expected);
});

test('a section ends at the next heading of its level or above', () => {
  const text = '# P\n## A\r\na\n### B\nb\n## C\nc\n# Q\nq';
  expect(sectionOf(text, 'a')).toBe('## A\na\n### B\nb');
  expect(sectionOf(text, 'c')).toBe('## C\nc');
  expect(sectionOf(text, 'q')).toBe('# Q\nq');
  expect(sectionOf(text, 'none')).toBeUndefined();
});

test('hostile headings cost no more than their length', () => {
  const begin = process.cpuUsage();
  for (const text of ['# ', '#', '[', ' ', '`', '# a\n']) headingsOf(`# ${text.repeat(200_000)}x`);
  expect(process.cpuUsage(begin).user / 1000).toBeLessThan(3_000);
});
