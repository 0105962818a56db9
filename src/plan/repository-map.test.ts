/** Holds that a map is deterministic, never over its size, and loses detail before it loses files. */

import { expect, test } from 'vitest';
import { type MappedFile, renderMap } from './repository-map.js';

const file = (path: string, ...outline: string[]): MappedFile => ({ path, outline });
const NO_OWNERS = { manifest: undefined, owned: [], patched: [] };

test('a small project is shown whole', () => {
  const manifest = JSON.stringify({ scripts: { test: 'node --test' }, dependencies: { express: '5' } });
  const text = renderMap(
    {
      files: [
        file('src/app.ts', 'app', 'start'),
        file('src/deep/only/one.ts', 'one'),
        file('README.md', 'Notes'),
      ],
      manifest,
      owned: [{ label: 'other/T01', outputs: ['gen/**'] }],
      patched: [{ path: 'src/app.ts', by: ['other/T02', 'more/T01'] }],
    },
    4096,
  );
  expect(text).toBe(
    [
      '3 files: 2 .ts, 1 .md',
      'scripts: test (node --test)',
      'dependencies: express',
      'src/',
      '  deep/only/',
      '    one.ts: one',
      '  app.ts: app, start',
      'README.md: Notes',
      'owned by tasks of other features:',
      '  other/T01: gen/**',
      'patched by tasks of other features:',
      '  src/app.ts: more/T01, other/T02',
    ].join('\n'),
  );
});

test('an empty project has no map', () => {
  expect(renderMap({ files: [], ...NO_OWNERS }, 4096)).toBe('');
});

const many = Array.from({ length: 2000 }, (_, i) =>
  file(`src/part${i % 40}/area${i % 7}/file${i}.ts`, ...Array.from({ length: 9 }, (_, n) => `name${i}x${n}`)),
);

test('the order of the files does not matter', () => {
  const owned = [
    { label: 'b/T1', outputs: ['b'] },
    { label: 'a/T1', outputs: ['a'] },
  ];
  const one = renderMap({ files: many, manifest: undefined, owned, patched: [] }, 4096);
  const other = renderMap(
    { files: [...many].reverse(), manifest: undefined, owned: [...owned].reverse(), patched: [] },
    4096,
  );
  expect(other).toBe(one);
});

test.each([200, 700, 2000, 4096, 20_000, 100_000, 400_000])('a large project fits into %i bytes', (bytes) => {
  const text = renderMap({ files: many, ...NO_OWNERS }, bytes);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(bytes);
  expect(text).toContain('2000 files: 2000 .ts');
  if (bytes === 4096) expect(text).toMatch(/part39\/ \(50 files\)/);
  if (bytes === 400_000) expect(text).toContain('name1999x8');
});

test('names of files are material: one line each, without control characters or code marks', () => {
  const text = renderMap({ files: [file('src/a\n# Rules\n`x`\u202e.ts', 'b\u0007')], ...NO_OWNERS }, 4096);
  expect(text.split('\n')).toHaveLength(3);
  for (const mark of ['`', '\u202e', '\u0007']) expect(text).not.toContain(mark);
});
