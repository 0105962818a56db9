/** Holds that globs mean what picomatch takes them for, that none of them is slow, and that lists of them have an order. */

import fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { Listing } from '../tree.js';
import { globMatches, globTest } from './glob.js';
import { escapeGlob, parseGlob } from './glob-parser.js';
import { covers, mayOverlap, parsePattern, patternProblem, shownPattern } from './pattern.js';
import { patternSet } from './pattern-set.js';

const name = fc.array(fc.constantFrom('a', 'b', 'ab', '.', '-', '.ts', 'x'), { minLength: 1, maxLength: 3 });
const path = fc
  .array(
    name.map((parts) => parts.join('')).filter((one) => one !== '.' && one !== '..'),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.join('/'));

const piece = fc.constantFrom(
  'a',
  'b',
  'x',
  '.ts',
  '-',
  '*',
  '?',
  '{a,b}',
  '{a,b*}.ts',
  '[ab]*',
  '[^a]',
  '@(a|b)',
  '+(a|b)',
  '?(a)',
);
const segment = fc.oneof(
  { weight: 1, arbitrary: fc.constant('**') },
  { weight: 4, arbitrary: fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('')) },
);
/** Without forms that picomatch reads in a way of its own: `a**`, `*+(a)`, `(a)?`, and names that may be empty. */
const glob = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'))
  .filter((text) => !/\*\*[^/]|[^/]\*\*|[*?+@]{2}\(|\)[?]|(^|\/)\?\(/.test(text))
  .filter((text) => parsePattern(text).isGlob);

test('a glob matches what picomatch says', () => {
  fc.assert(
    fc.property(glob, fc.array(path, { minLength: 1, maxLength: 6 }), (text, paths) => {
      const pattern = parsePattern(text);
      // To picomatch `a/**` may be a file `a` as well; here it is what the folder holds.
      const below = text.endsWith('/**') ? `${text}/*` : text;
      const theirs = picomatch(below, { dot: true, nonegate: true });
      for (const one of paths) expect([one, pattern.matches(one)]).toEqual([one, theirs(one)]);
    }),
    { numRuns: 4000 },
  );
});

test('where a regular expression does the work, the walk over the text says the same', () => {
  fc.assert(
    fc.property(glob, path, (text, one) => {
      const parsed = parseGlob(text);
      expect(globTest(parsed)(one)).toBe(globMatches(parsed, one));
    }),
    { numRuns: 4000 },
  );
});

test('what a glob begins and ends with holds for all that it matches, and one that covers another matches as much', () => {
  fc.assert(
    fc.property(glob, glob, path, (a, b, one) => {
      const [wide, narrow] = [parsePattern(a), parsePattern(b)];
      if (!narrow.matches(one)) return;
      expect([one.startsWith(narrow.start), one.startsWith(narrow.prefix), one.endsWith(narrow.end)]).toEqual(
        [true, true, true],
      );
      if (covers(wide, narrow)) expect(wide.matches(one)).toBe(true);
      if (wide.matches(one)) expect(mayOverlap(wide, narrow)).toBe(true);
    }),
    { numRuns: 4000 },
  );
});

test('an escaped path matches itself alone', () => {
  const hostile = fc.array(
    fc.constantFrom('a', '*', '[', ']', '{', ',', '}', '(', '|', ')', '!', '\\', '?', '+', '@', '/'),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(hostile, (parts) => {
      const text = parts.join('').replace(/\/$/, '');
      const pattern = parsePattern(escapeGlob(text));
      expect([pattern.isGlob, pattern.prefix, shownPattern(pattern.text)]).toEqual([false, text, text]);
    }),
  );
});

describe('globs and names that make other matchers hang', () => {
  const long = `src/${'a-'.repeat(2000)}`;
  const hard = [
    'src/*-*-*-*-*-*-*-*-*-*-*-*-*-*-*-*.test.ts',
    `src/${'*a'.repeat(40)}b`,
    `${'**/*a'.repeat(20)}b`,
    'src/+(+(a|-)|+(a-))b',
    `src/${'{a,a-,a-a}'.repeat(60)}b`,
    `src/${'{a*,*a}'.repeat(20)}b`,
    'src/!(*a*a*a*a*)b',
    `src/${'?(a)'.repeat(60)}${'a'.repeat(60)}b`,
  ];
  test.each(hard)('%s', (text) => {
    const began = process.cpuUsage();
    expect(parsePattern(text).matches(long)).toBe(false);
    // Backtracking would take longer than the universe has lasted; a loaded machine does not take half a minute.
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(30_000);
  });

  test('brackets without an end, and far too deep ones', () => {
    for (const one of ['(', '{', '[', '@(', '(|{', '{,[', '!(a|']) {
      expect(parsePattern(one.repeat(900)).matches('a')).toBe(false);
    }
    expect(parsePattern(`${'{a,'.repeat(300)}b${'}'.repeat(300)}`).matches('b')).toBe(true);
    expect(patternProblem('a'.repeat(1001))).toMatch(/more than 1000 characters/);
  });
});

const means: [text: string, yes: string[], no: string[]][] = [
  ['app/[slug]/page.tsx', ['app/[slug]/page.tsx'], ['app/s/page.tsx']],
  ['app/[...rest]/page.tsx', ['app/[...rest]/page.tsx'], ['app/r/page.tsx']],
  ['routes/[[lang]]/[id=integer].ts', ['routes/[[lang]]/[id=integer].ts'], ['routes/l/i.ts']],
  [
    'app/(shop)/(.)photo/@modal/page.tsx',
    ['app/(shop)/(.)photo/@modal/page.tsx'],
    ['app/shop/photo/modal/page.tsx'],
  ],
  ['app/[slug]/**', ['app/[slug]/a/b.ts'], ['app/s/a/b.ts']],
  ['src/{a}.ts', ['src/{a}.ts'], ['src/a.ts']],
  ['src/[a-c].ts', ['src/b.ts', 'src/[a-c].ts'], ['src/d.ts']],
  ['data[1].json', ['data[1].json', 'data1.json'], ['data2.json']],
  ['src/[!a].ts', ['src/b.ts'], ['src/a.ts']],
  ['src/(a|b).ts', ['src/a.ts'], ['src/(a|b).ts']],
  ['src/!(*.test).ts', ['src/a.ts'], ['src/a.test.ts']],
  ['v{8..12}/x', ['v8/x', 'v10/x', 'v12/x'], ['v13/x', 'v1/x']],
  [String.raw`src/\[ab\].ts`, ['src/[ab].ts'], ['src/a.ts']],
  ['src/', ['src/a', 'src/a/b'], ['src', 'a/src']],
  ['**/a.ts', ['a.ts', 'x/y/a.ts'], ['xa.ts']],
];

test.each(means)('%s', (text, yes, no) => {
  const { matches } = parsePattern(text);
  expect([yes.filter((one) => !matches(one)), no.filter((one) => matches(one))]).toEqual([[], []]);
});

test('a route in brackets is one path, for `edits` and owners too', () => {
  for (const text of ['app/[slug]/page.tsx', 'app/(shop)/page.tsx', 'a/{b}.ts', String.raw`a/\*.ts`]) {
    expect([text, parsePattern(text).isGlob]).toEqual([text, false]);
  }
});

test('escapes do not lead out of the project', () => {
  for (const text of [String.raw`\.\./x`, String.raw`a/\.\.`, String.raw`\/etc`, String.raw`.gi\t/x`]) {
    expect([text, patternProblem(text)]).not.toEqual([text, undefined]);
  }
});

describe('a list', () => {
  const listing = new Listing(
    new Map(
      ['src/a.ts', 'src/a.test.ts', 'src/keep.test.ts', 'doc/a.md'].map((one) => [
        one,
        { mode: '100644', id: one },
      ]),
    ),
  );

  test('the last pattern that matches decides', () => {
    const set = patternSet(['src/**', '!**/*.test.ts', 'src/keep.test.ts']);
    expect(set.select(listing)).toEqual(['src/a.ts', 'src/keep.test.ts']);
    expect(set.matches('src/a.test.ts')).toBe(false);
    expect(set.matches('doc/a.md')).toBe(false);
  });

  test('an exclude of another list has no influence', () => {
    expect(patternSet(['src/**']).matches('src/a.test.ts')).toBe(true);
  });

  test('a name with `!` and an extended glob are no excludes', () => {
    expect(patternSet([String.raw`\!a`]).matches('!a')).toBe(true);
    expect(patternSet(['!(a).ts']).matches('b.ts')).toBe(true);
  });

  test('what is excluded is neither a plain path nor missing', () => {
    const set = patternSet(['a.ts', 'b.ts', '!b.ts']);
    expect([set.plainPaths(), set.unmatched([])]).toEqual([['a.ts'], ['a.ts']]);
  });

  test('a whole excluded folder is not met, and one that is taken back is', () => {
    const gen = parsePattern('src/gen/**');
    expect(patternSet(['src/**', '!src/gen/**']).mayMeet(gen)).toBe(false);
    expect(patternSet(['src/**', '!**/*.test.ts']).mayMeet(parsePattern('src/b/*.test.ts'))).toBe(false);
    expect(patternSet(['src/**', '!src/gen/a.ts']).mayMeet(gen)).toBe(true);
    expect(patternSet(['src/**', '!src/gen/**', 'src/gen/a.ts']).mayMeet(gen)).toBe(true);
  });
});
