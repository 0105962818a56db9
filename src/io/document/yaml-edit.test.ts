/** Holds that an edit of a YAML text leaves every other line as it was. */

import { expect, test } from 'vitest';
import { parseYaml } from './document.js';
import { editYaml, type YamlChange, yamlText } from './yaml-edit.js';

const TEXT = `# what this is
title: "Notes"   # shown to people

tasks:
  # the first one
  - id: T01
    title: One
    with: {
        a: 1, # odd
      }
    description: |
      Some
      text.

  - { id: T02, title: Two } # on one line
  # about the third
  - id: T03
    depends_on: [T01]
# the end
`;

const value = async (text: string) => {
  const parsed = await parseYaml(text, 'x');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value as { tasks: Record<string, unknown>[] };
};
/** Lines of `after` that `before` does not have, and the other way round. */
const changed = (before: string, after: string) => {
  const [a, b] = [before.split('\n'), after.split('\n')];
  return [...a.filter((line) => !b.includes(line)), ...b.filter((line) => !a.includes(line))];
};

test('a key is set where it stands', async () => {
  const after = await editYaml(TEXT, [{ path: ['tasks', 0, 'title'], value: 'First: one' }]);
  expect(changed(TEXT, after)).toEqual(['    title: One', '    title: "First: one"']);
});

test('a new key stands behind the first one, a key that is taken away leaves no line', async () => {
  const added = await editYaml(TEXT, [{ path: ['tasks', 2, 'status'], value: 'done' }]);
  expect(changed(TEXT, added)).toEqual(['    status: done']);
  expect(added).toContain('  - id: T03\n    status: done\n    depends_on');
  expect(await editYaml(added, [{ path: ['tasks', 2, 'status'], value: undefined }])).toBe(TEXT);
});

test('entries of a list are replaced, added and taken away as whole lines', async () => {
  const replaced = await editYaml(TEXT, [{ path: ['tasks', 0], value: { id: 'T01', outputs: ['a'] } }]);
  expect(replaced).toContain('  # the first one\n  - id: T01\n    outputs:\n      - a\n');
  expect(replaced).toContain('  # about the third');
  const added = await editYaml(TEXT, [{ path: ['tasks', 3], value: { id: 'T04' } }]);
  expect(changed(TEXT, added)).toEqual(['  - id: T04']);
  const less = await editYaml(TEXT, [{ path: ['tasks', 2], value: undefined }]);
  expect((await value(less)).tasks.map(({ id }) => id)).toEqual(['T01', 'T02']);
  expect(less).toContain('# the end');
});

test('a value in flow style is set too, and comments stay', async () => {
  const after = await editYaml(TEXT, [{ path: ['tasks', 1, 'status'], value: 'blocked' }]);
  expect((await value(after)).tasks[1]).toEqual({ id: 'T02', title: 'Two', status: 'blocked' });
  for (const comment of ['# what this is', '# the first one', '# on one line', '# the end'])
    expect(after).toContain(comment);
});

test('a text without a line break at its end, and one that is a bare list, are edited', async () => {
  expect(await editYaml('a: 1', [{ path: ['b'], value: 'x' }])).toBe('a: 1\nb: x\n');
  expect(await editYaml('- a', [{ path: [1], value: 'b' }])).toBe('- a\n- b\n');
});

test('a value is written in block style, without folds', async () => {
  const long = 'word '.repeat(60).trim();
  expect(await yamlText({ a: [1], long })).toBe(`a:\n  - 1\nlong: ${long}\n`);
});

test('a line that grows to several, and a list in brackets, change no other line', async () => {
  const text = `# mine
tasks:
  - id: T01   # one
    description: Short. # why
    outputs:   [one.txt]
    acceptance: [a, "b"]  # two
  - {id: T02,   title: Two}
  - description: First. # first
    id: T03
`;
  const after = await editYaml(text, [
    { path: ['tasks', 0, 'description'], value: 'One.\nTwo.\n' },
    { path: ['tasks', 0, 'acceptance', 2], value: 'c' },
    { path: ['tasks', 2, 'description'], value: 'One.\nTwo.\n' },
  ]);
  expect(after).toBe(`# mine
tasks:
  - id: T01   # one
    # why
    description: |
      One.
      Two.
    outputs:   [one.txt]
    # two
    acceptance:
      - a
      - b
      - c
  - {id: T02,   title: Two}
  - description: |
      One.
      Two.
    # first
    id: T03
`);
});

const JSON_TEXT = JSON.stringify(
  {
    title: 'Notes',
    tasks: [
      { id: 'T01', description: 'Some text', outputs: ['a.ts'] },
      { id: 'T02', outputs: ['b.ts'], depends_on: ['T01'] },
    ],
  },
  null,
  2,
);

test.each<[string, YamlChange, string[]]>([
  [
    'a text is set',
    { path: ['tasks', 0, 'description'], value: 'Two\nlines [ a ]' },
    ['      "description": "Some text",', '      "description": "Two\\nlines [ a ]",'],
  ],
  [
    'a key is added',
    { path: ['tasks', 1, 'acceptance'], value: ['x'], after: ['outputs'] },
    ['      "acceptance": [', '        "x"'],
  ],
  [
    'a list keeps its lines',
    { path: ['tasks', 0, 'outputs'], value: ['a.ts', 'c.ts'] },
    ['        "a.ts"', '        "a.ts",', '        "c.ts"'],
  ],
  [
    'an entry is added',
    { path: ['tasks', 1, 'outputs', 1], value: 'c.ts' },
    ['        "b.ts"', '        "b.ts",', '        "c.ts"'],
  ],
  [
    'a key is taken away',
    { path: ['tasks', 0, 'description'], value: undefined },
    ['      "description": "Some text",'],
  ],
])('a backlog that is JSON stays JSON, line by line: %s', async (_what, change, lines) => {
  const after = await editYaml(JSON_TEXT, [change]);
  expect(changed(JSON_TEXT, after).sort()).toEqual(lines.sort());
  expect(() => JSON.parse(after)).not.toThrow();
});

test('the last key in brackets is taken away with the comma before it', async () => {
  const after = await editYaml(JSON_TEXT, [{ path: ['tasks', 1, 'depends_on'], value: undefined }]);
  expect(JSON.parse(after).tasks[1]).toEqual({ id: 'T02', outputs: ['b.ts'] });
  expect(after.split('\n').length).toBeGreaterThan(15);
});
