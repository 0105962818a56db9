/** Holds what YAML is read, where its mistakes are found, and how a schema's findings are said. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { locate, MAX_DOCUMENT_BYTES, parseYaml, validateSchema } from './document.js';

describe('a document that is refused', () => {
  const rows: [what: string, text: string, place: string, message: RegExp][] = [
    ['a key that stands twice', 'a: 1\nb: 2\na: 3\n', '3:1', /same key is used twice/],
    ['a tag', 'a: 1\nb: !!binary aGk=\n', '2:4', /tags are not supported/],
    ['a tag of the author', 'a: !run x\n', '1:4', /tags are not supported/],
    [
      'a tag that a %YAML line would allow',
      '%YAML 1.1\n---\na: !!set {x}\n',
      '3:4',
      /tags are not supported/,
    ],
    ['a second document', 'a: 1\n---\nb: 1\n', '2:1', /second YAML document/],
    ['a list that is never closed', 'a: [1, 2\nb: 3\n', '2:1', /./],
    ['a tab as indentation', 'a:\n\t- 1\n', '2:1', /tab/],
    ['an alias that nothing defines', 'a: *x\n', '1:4', /alias/],
    ['a number that JSON does not have', 'a: 1\nb: .inf\n', '2:4', /not a number/],
    ['lists in lists without end', '- '.repeat(20_000), '1:403', /nested more than/],
    ['brackets in brackets without end', '['.repeat(20_000), '1:202', /nested more than/],
    ['keys in keys without end', 'a: '.repeat(20_000), '1:604', /nested more than/],
  ];
  test.each(rows)('%s', async (_what, text, place, message) => {
    const result = await parseYaml(text, 'f.yaml');
    if (result.ok) throw new Error('was read');
    const [first] = result.error;
    expect(first?.message).toMatch(message);
    expect(`${first?.line}:${first?.column}`).toBe(place);
    expect(first?.file).toBe('f.yaml');
  });

  test('aliases that grow without end', async () => {
    let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x]\n';
    for (let i = 1; i < 12; i++)
      text += `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(', ')}]\n`;
    const result = await parseYaml(text, 'f.yaml');
    expect(result.ok).toBe(false);
  });

  test('more than a megabyte', async () => {
    const result = await parseYaml(`a: ${'x'.repeat(MAX_DOCUMENT_BYTES)}`, 'f.yaml');
    expect(!result.ok && result.error[0]?.message).toMatch(/the limit is 1000000/);
  });

  test('every mistake of it is told at once', async () => {
    const result = await parseYaml('a: 1\na: 2\nb: 1\nb: 2\n', 'f.yaml');
    expect(!result.ok && result.error.map(({ line }) => line)).toEqual([2, 4]);
  });
});

test('a document is plain JSON, aliases included; a merge key is a key like others', async () => {
  const text = '%YAML 1.1\n---\na: &a { n: 1, yes: yes }\nb: *a\n<<: x\n';
  const result = await parseYaml(text, 'f.yaml');
  expect(result).toEqual({
    ok: true,
    value: { a: { n: 1, yes: 'yes' }, b: { n: 1, yes: 'yes' }, '<<': 'x' },
  });
});

test('a key named __proto__ is a key', async () => {
  const result = await parseYaml('__proto__: { polluted: 1 }\n', 'f.yaml');
  expect(result.ok && Object.keys(result.value as object)).toEqual(['__proto__']);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});

test('an empty document is null', async () => {
  expect(await parseYaml('# nothing\n', 'f.yaml')).toEqual({ ok: true, value: null });
});

test('whatever the text is, reading and placing it does not throw', async () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '- ',
    '\n',
    '  ',
    '[',
    ']',
    '{',
    '}',
    '&x ',
    '*x',
    '!',
    '|',
    '"',
    '? ',
    '%',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
  );
  await fc.assert(
    fc.asyncProperty(text, async (one) => {
      const result = await parseYaml(one, 'f.yaml');
      if (!result.ok) for (const { line } of result.error) expect(line).toBeGreaterThan(0);
      const place = await locate(one, ['a', 0, 'b']);
      expect(place.line).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
});

describe('places', () => {
  const text = 'tasks:\r\n  - id: a\r\n    outputs: [x, "y z"]\r\n    empty:\r\n';
  const rows: [path: (string | number)[], key: boolean, line: number, column: number, length: number][] = [
    [['tasks', 0, 'id'], false, 2, 9, 1],
    [['tasks', 0, 'id'], true, 2, 5, 2],
    [['tasks', 0, 'outputs', 1], false, 3, 18, 5],
    [['tasks', 0, 'empty'], true, 4, 5, 5],
    // Nothing there: what is nearest above.
    [['tasks', 0, 'outputs', 7], false, 3, 14, 10],
    [['tasks', 0, 'gone', 'deep'], false, 2, 5, 5],
  ];
  test.each(rows)('%j (key: %s)', async (path, key, line, column, length) => {
    expect(await locate(text, path, { key })).toMatchObject({ line, column, length });
  });

  test('the source line comes with it, and the lines above are counted', async () => {
    const place = await locate(text, ['tasks', 0, 'outputs', 1], { lineOffset: 10 });
    expect(place).toMatchObject({ line: 13, sourceLine: '    outputs: [x, "y z"]' });
  });

  test('the target of an alias is looked into', async () => {
    expect(await locate('a: &a { n: 1 }\nb: *a\n', ['b', 'n'])).toMatchObject({ line: 1, column: 12 });
  });
});

describe('findings of a schema', () => {
  const task = (more: object) => ({ tasks: [{ id: 'T1', ...more }] });
  const rows: [value: unknown, path: string, message: string, hint?: string][] = [
    [
      task({ dependson: [] }),
      'tasks.0.dependson',
      '`dependson` is not a known key',
      'did you mean `depends_on`?',
    ],
    [{}, '', 'the document has no `tasks`'],
    [{ tasks: [{}] }, 'tasks.0', 'entry 1 of `tasks` has no `id`'],
    [{ tasks: [{ id: 1 }] }, 'tasks.0.id', '`id` must be a string, not a number', 'write it in quotes: "1"'],
    [
      { tasks: [{ id: 'a/b' }] },
      'tasks.0.id',
      '`id` may hold only letters, digits, `.`, `_` and `-`, and starts with a letter, a digit or `_`',
    ],
    [
      task({ complexity: 'hihg' }),
      'tasks.0.complexity',
      '`complexity` must be one of `low`, `medium`, `high`',
      'did you mean `high`?',
    ],
    [
      task({ outputs: 'a' }),
      'tasks.0.outputs',
      '`outputs` must be a list, not a string',
      'write it as a list: ["a"]',
    ],
    [task({ outputs: ['a', ''] }), 'tasks.0.outputs.1', 'entry 2 of `outputs` is empty'],
    [task({ outputs: ['a', 'b', 'a'] }), 'tasks.0.outputs.2', '`outputs` has the same entry twice'],
    [task({ verify: [{ name: 'x' }] }), 'tasks.0.verify.0', 'entry 1 of `verify` has no `run`'],
    [
      task({ verify: [7] }),
      'tasks.0.verify.0',
      'entry 1 of `verify` must be a string or a mapping of keys to values, not a number',
      'write it in quotes: "7"',
    ],
    [task({ budget: { minutes: 0 } }), 'tasks.0.budget.minutes', '`minutes` must be more than 0'],
    [task({ budget: { usd: -1 } }), 'tasks.0.budget.usd', '`usd` must be at least 0'],
    [task({ render: [] }), 'tasks.0.render', '`render` is empty'],
    [[], '', 'the document must be a mapping of keys to values, not a list'],
  ];
  test.each(rows)('%j', async (value, path, message, hint) => {
    const problems = await validateSchema('backlog', value);
    expect(problems.map((one) => [one.path.join('.'), one.message, one.hint])).toEqual([
      [path, message, hint],
    ]);
  });

  test('a valid backlog has none, and all of a bad one are told', async () => {
    expect(await validateSchema('backlog', task({ verify: ['a', { run: ['a', 'b'], timeout: 1 }] }))).toEqual(
      [],
    );
    expect(await validateSchema('backlog', task({ x: 1, y: 2, type: 3 }))).toHaveLength(3);
  });
});

describe('values that are put into texts', () => {
  const misread = ['01234', '1.10', '9007199254740993', '1e21', '0x1F', '+5', '1.0', 'True', '-0'];
  test.each(misread)('%s is refused where YAML makes another text of it', async (written) => {
    for (const [key, column] of [
      ['with', 13],
      ['vars', 13],
      ['foreach', 16],
    ] as const) {
      const result = await parseYaml(`${key}: { a: [x, ${written}] }\n`, 'f.yaml');
      if (result.ok) throw new Error(`${key} was read`);
      expect(result.error).toMatchObject([
        { line: 1, column: column + 3, hint: expect.stringContaining(`"${written}"`) },
      ]);
    }
    expect(await parseYaml(`timeout: ${written}\n`, 'f.yaml')).toMatchObject({ ok: true });
  });

  test('what is read as it is written stays', async () => {
    const text =
      'with: { a: "01234", b: 7, c: 1.5, d: 2024-01-31, e: yes, f: no, g: true, h: 1e+21, i: 12:30 }\n';
    const result = await parseYaml(text, 'f.yaml');
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    const values = Object.values((result.value as { with: object }).with).map(String);
    expect(values).toEqual(['01234', '7', '1.5', '2024-01-31', 'yes', 'no', 'true', '1e+21', '12:30']);
  });
});
