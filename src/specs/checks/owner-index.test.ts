/** Holds that the index finds what a comparison of all with all finds, and stays quick. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { OwnerIndex } from './owner-index.js';

const piece = fc.constantFrom('src/', 'a', 'b', '/', '*', '**/', '.ts', '.md', '{a,b}', '-', '@(a|b)', '?');
const pattern = fc
  .array(piece, { minLength: 1, maxLength: 5 })
  .map((parts) => parts.join(''))
  .filter((text) => !/\/\/|^\/|\*\*\*|\*\*[^/]|[^/]\*\*/.test(text));
const owned = fc.array(fc.tuple(pattern, fc.constantFrom('f/1', 'f/2', 'f/3')), { maxLength: 12 });
const path = fc
  .array(fc.constantFrom('src/', 'a', 'b', '.ts', '-', '/'), { minLength: 1, maxLength: 5 })
  .map((all) => all.join(''))
  // Paths of files in their plain form: a matcher may take a `/` at the end for nothing.
  .filter((text) => !/\/\/|^\/|\/$/.test(text));

/** As a task with the one output would look. */
const otherGlob = (index: OwnerIndex, text: string, label: string) =>
  index.otherGlob(parsePattern(text), patternSet([text]), label);

test('owners of a path are those that a walk over all finds', () => {
  fc.assert(
    fc.property(owned, path, (all, file) => {
      const index = new OwnerIndex();
      for (const [text, label] of all) index.add([text], label);
      const expected = all
        .filter(([text]) => parsePattern(text).matches(file))
        .map(([text, label]) => `${label} ${text}`);
      expect(
        index
          .ownersOf(file)
          .map(({ text, label }) => `${label} ${text}`)
          .sort(),
      ).toEqual(expected.sort());
      const other = index.otherOwner(file, 'f/1');
      expect(other !== undefined).toBe(expected.some((one) => !one.startsWith('f/1 ')));
    }),
    { numRuns: 2000 },
  );
});

test('two globs that both match some path are found to meet', () => {
  fc.assert(
    fc.property(pattern, pattern, path, (a, b, file) => {
      if (!parsePattern(a).isGlob || !parsePattern(b).isGlob) return;
      if (!parsePattern(a).matches(file) || !parsePattern(b).matches(file)) return;
      const index = new OwnerIndex();
      index.add([a], 'f/1');
      index.add([b], 'f/2');
      expect(otherGlob(index, a, 'f/1') ?? otherGlob(index, b, 'f/2')).toBeDefined();
    }),
    { numRuns: 4000 },
  );
});

const apart: [a: string, b: string][] = [
  ['src/notes-*.ts', 'src/users-*.ts'],
  ['src/*.ts', 'src/*.md'],
  ['src/a/**', 'src/b/**'],
  ['src/a/', 'src/ab/'],
];

test.each(apart)('%s and %s do not meet', (a, b) => {
  const index = new OwnerIndex();
  index.add([a], 'f/1');
  index.add([b], 'f/2');
  expect([otherGlob(index, a, 'f/1'), otherGlob(index, b, 'f/2')]).toEqual([undefined, undefined]);
});

test('ten thousand tasks with globs in one folder are looked through in a moment', () => {
  const index = new OwnerIndex();
  const texts = Array.from({ length: 10_000 }, (_, i) => `src/gen/n${i}-*/**/*.ts`);
  const begin = process.cpuUsage();
  for (const [i, text] of texts.entries()) {
    index.add([text], `f/${i}`);
    index.add([`src/gen/m${i}.ts`], `f/${i}`);
  }
  const meet = texts.filter(
    (text, i) => otherGlob(index, text, `f/${i}`) ?? index.otherOwner(`src/gen/m${i}.ts`, `f/${i}`),
  );
  expect(meet).toEqual([]);
  expect(process.cpuUsage(begin).user / 1000).toBeLessThan(3_000);
});
