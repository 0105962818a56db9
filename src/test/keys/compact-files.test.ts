import { expect, it } from 'vitest';
import { compactFiles, type Entry, type Files } from '../../model/tree.js';

const entry: Entry = { mode: '100644', id: 'a'.repeat(40) };

/** Everything that can be asked of files. */
function asked(files: Files) {
  const visited: unknown[] = [];
  files.forEach((value, path) => {
    visited.push([path, value]);
  });
  return {
    visited,
    size: files.size,
    all: [...files],
    entries: [...files.entries()],
    keys: [...files.keys()],
    values: [...files.values()],
    has: [files.has('out/a'), files.has('out/b')],
    get: [files.get('out/a'), files.get('out/b')],
    map: new Map(files),
  };
}

it.each([
  ['no file', []],
  ['one file', [['out/a', entry]]],
  ['two files', [['out/a', entry] as const, ['out/b', { ...entry, mode: '100755' }] as const]],
] as [string, (readonly [string, Entry])[]][])('%s in little memory answers as a map does', (_, files) => {
  const map = new Map(files);
  const compact = compactFiles(map);
  expect(asked(compact)).toEqual(asked(map));
  expect(asked(compactFiles(compact))).toEqual(asked(map));
});
