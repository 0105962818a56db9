/** Two insertions at one place: each stays under its parent, none is lost or doubled, or the merge is a conflict. */

import { describe, expect, test } from 'vitest';
import { mergeByFormat } from './formats.js';

async function merge(path: string, current: string, before: string, after: string) {
  const sides = { current: Buffer.from(current), before: Buffer.from(before), after: Buffer.from(after) };
  return (await mergeByFormat(path, sides))?.toString('utf8');
}

describe('an insertion belongs to what stands above it', () => {
  test.each([
    [
      'Cargo.toml',
      '[dependencies]\nserde = "1"\n',
      '\n[dev-dependencies]\nx = "1"\n',
      'tokio = "1"\n',
      '[dependencies]\nserde = "1"\ntokio = "1"\n\n[dev-dependencies]\nx = "1"\n',
    ],
    [
      'Cargo.toml',
      '[dependencies]\nserde = "1"\n',
      '# Of tests.\n[dev-dependencies]\nx = "1"\n',
      'tokio = "1"\n',
      '[dependencies]\nserde = "1"\ntokio = "1"\n# Of tests.\n[dev-dependencies]\nx = "1"\n',
    ],
    [
      'Cargo.toml',
      '[package]\nname = "a"\n\n[[bin]]\nname = "a"\n',
      '\n[[bin]]\nname = "b"\n',
      'doc = false\n',
      '[package]\nname = "a"\n\n[[bin]]\nname = "a"\ndoc = false\n\n[[bin]]\nname = "b"\n',
    ],
    ['setup.cfg', '[a]\nx = 1\n', '[b]\nx = 1\n', 'y = 2\n', '[a]\nx = 1\ny = 2\n[b]\nx = 1\n'],
    [
      'compose.yaml',
      'services:\n  web:\n    image: x\n',
      'volumes:\n  data: {}\n',
      '  db:\n    image: y\n',
      'services:\n  web:\n    image: x\n  db:\n    image: y\nvolumes:\n  data: {}\n',
    ],
    [
      'a.py',
      'class C:\n    def a(self):\n        pass\n',
      '\n\ndef f():\n    return 1\n',
      '\n    def m(self):\n        return 2\n',
      'class C:\n    def a(self):\n        pass\n\n    def m(self):\n        return 2\n\n\ndef f():\n    return 1\n',
    ],
    [
      'CHANGELOG.md',
      '# Changes\n\n## 1\n\n- a\n',
      '\n## 0\n\n- old\n',
      '- b\n',
      '# Changes\n\n## 1\n\n- a\n- b\n\n## 0\n\n- old\n',
    ],
    // What one side says of its own part is not there yet for the other one.
    [
      'compose.yaml',
      'services:\n  web:\n    image: x\n',
      '  db:\n    image: y\n    restart: always\n',
      '    restart: always\n',
      'services:\n  web:\n    image: x\n    restart: always\n  db:\n    image: y\n    restart: always\n',
    ],
    ['a.md', '- a\n', '- b\n  - c\n', '  - c\n', '- a\n  - c\n- b\n  - c\n'],
    ['a.toml', '[a]\nx = 1\n', '[b]\ny = 1\n', 'y = 1\n', '[a]\nx = 1\ny = 1\n[b]\ny = 1\n'],
    // Both open something new below what the other one continues.
    ['Cargo.toml', '[a]\nx = 1\n', 'y = 1\n[b]\nx = 1\n', 'z = 1\n[c]\nx = 1\n', undefined],
    ['a.yaml', 'a:\n  x: 1\n', '  y: 1\nb:\n  x: 1\n', '  z: 1\nc:\n  x: 1\n', undefined],
  ])('%s (%#)', async (path, base, ours, theirs, expected) => {
    expect(await merge(path, base + ours, base, base + theirs)).toBe(expected);
    expect(await merge(path, base + theirs, base, base + ours)).toBe(expected);
  });

  test('without a line break at the end of the file', async () => {
    const base = '[a]\nx = 1\n';
    const merged = await merge('a.toml', `${base}[b]\nx = 1`, base, `${base}y = 2`);
    expect(merged).toBe('[a]\nx = 1\ny = 2\n[b]\nx = 1\n');
  });
});

describe('statements', () => {
  const block = (name: string) => `  db.begin();\n  ${name}();\n  db.commit();\n`;
  const before = 'function f() {\n}\n';
  const of = (text: string) => before.replace('{\n', `{\n${text}`);

  test.each([
    ['stay together with their own ones', block('a'), block('b'), block('a') + block('b')],
    [
      'of a branch keep its end',
      '  case 1:\n    a();\n    break;\n',
      '  case 2:\n    b();\n    break;\n',
      '  case 1:\n    a();\n    break;\n  case 2:\n    b();\n    break;\n',
    ],
    [
      'that the current file has already are there once',
      block('a') + block('b'),
      block('a'),
      block('a') + block('b'),
    ],
    ['that the patch has too are there once', block('b'), block('a') + block('b'), block('a') + block('b')],
  ])('%s', async (_name, ours, theirs, expected) => {
    expect(await merge('a.js', of(ours), before, of(theirs))).toBe(of(expected));
  });

  test.each(['\n', ''])(
    'a block that both insert beside something of their own is a conflict (%j)',
    async (start) => {
      const both = `${start}function shared() {\n  work();\n}\n${start}`;
      const [ours, theirs] = ['one', 'two'].map((name) => `${before}${both}function ${name}() {\n}\n`);
      expect(await merge('a.js', ours as string, before, theirs as string)).toBeUndefined();
      const [mine, yours] = ['one', 'two'].map((name) => `${before}${start}function ${name}() {\n}\n${both}`);
      expect(await merge('a.js', mine as string, before, yours as string)).toBeUndefined();
    },
  );
});

describe('a key that stands twice in an object of JSON', () => {
  const before = '{\n  "a": 1,\n  "m": 1,\n  "z": 1\n}\n';
  const top = (value: number) => before.replace('{\n', `{\n  "x": ${value},\n`);
  const low = (value: number) => before.replace('"m": 1,\n', `"m": 1,\n  "x": ${value},\n`);

  test('is no result of a merge', async () => {
    expect(await merge('a.json', top(1), before, low(2))).toBeUndefined();
    expect(await merge('a.json', top(1), before, low(1))).toBe(top(1));
  });

  test('leaves the file to its lines', async () => {
    const twice = '{\n  "a": 1,\n  "b": 1,\n  "c": 1,\n  "a": 2\n}\n';
    const merged = await merge(
      'a.json',
      twice.replace('"b": 1', '"b": 2'),
      twice,
      twice.replace('"a": 2', '"a": 3'),
    );
    expect(merged).toBe('{\n  "a": 1,\n  "b": 2,\n  "c": 1,\n  "a": 3\n}\n');
  });

  test('is no such key in another object', async () => {
    const nested = '{\n  "a": { "x": 1 },\n  "b": [{ "x": 1 }, { "x": 2 }],\n  "c": 1\n}\n';
    const after = nested.replace('"c": 1', '"c": 1,\n  "d": 1');
    expect(await merge('a.json', nested.replace('"c": 1', '"c": 2'), nested, after)).toBe(
      '{\n  "a": { "x": 1 },\n  "b": [{ "x": 1 }, { "x": 2 }],\n  "c": 2,\n  "d": 1\n}\n',
    );
  });
});
