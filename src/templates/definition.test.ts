import { expect, test } from 'vitest';
import { forDependencies, parseDefinition, readValues } from './definition.js';

async function problems(text: string): Promise<string[]> {
  const parsed = await parseDefinition(text, 'template.yaml');
  if (parsed.ok) throw new Error('it is valid');
  return parsed.error.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

test('a definition has its variables in their order, defaults in their final form', async () => {
  const parsed = await parseDefinition(
    [
      'description: One',
      'variables:',
      '  fields: { description: F, schema: { type: array, format: fields, default: "a:string" } }',
      '  agent: { description: A, schema: { type: boolean }, ask: true }',
    ].join('\n'),
    'template.yaml',
  );
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  expect(parsed.value.variables.map(({ name, default: fallback }) => [name, fallback])).toEqual([
    ['fields', [{ name: 'a', type: 'string', required: false }]],
    ['agent', undefined],
  ]);
  const values = readValues(parsed.value, { agent: 'no' });
  expect(values).toEqual({ ok: true, value: { agent: false, fields: parsed.value.variables[0]?.default } });
});

test.each<[string, string, string[]]>([
  ['no description', 'variables: {}\n', ['1:1 the document has no `description`']],
  [
    'a name that cannot be used',
    'description: x\nvariables:\n  a-b: { description: A, schema: {} }\n',
    ['3:3 `a-b` may hold only letters, digits and `_`, and starts with a letter'],
  ],
  [
    'a name that is always there',
    'description: x\nvariables:\n  feature: { description: A, schema: {} }\n',
    ['3:3 `feature` always exists and cannot be declared'],
  ],
  [
    'a schema that is none',
    'description: x\nvariables:\n  a: { description: A, schema: { type: txt } }\n',
    [expect.stringMatching(/^3:\d+ is not a JSON Schema: /)],
  ],
  [
    'a default that its schema refuses',
    'description: x\nvariables:\n  a:\n    description: A\n    schema: { type: integer, default: much }\n',
    ['5:39 must be a whole number, not a string'],
  ],
  [
    'an example that its schema refuses',
    'description: x\nvariables:\n  a: { description: A, schema: { type: string }, example: 7 }\n',
    ['3:59 must be a string, not a number'],
  ],
  [
    'nobody is asked and there is no default',
    'description: x\nvariables:\n  a: { description: A, schema: {}, ask: false }\n',
    ['3:41 conductor does not ask for it, and it has no default'],
  ],
  [
    'a default for some projects alone, and one that its schema refuses',
    'description: x\nvariables:\n  a:\n    description: A\n    schema: { type: integer }\n    detect: { vitest: much }\n',
    ['6:23 must be a whole number, not a string', '6:13 its schema has no default for other projects'],
  ],
  [
    'a use that does not work',
    'description: x\nvariables:\n  a: { description: A, schema: {} }\nexamples: [{ title: T, set: { b: 1 } }]\n',
    ['4:29 `a`: is missing: A', '4:34 `b`: is not a variable of this template'],
  ],
])('%s', async (_what, text, expected) => {
  expect(await problems(text)).toEqual(expected);
});

test('a default that suits the project is taken from the first package that it depends on', async () => {
  const text = `description: x
variables:
  run:
    description: R
    schema: { type: string, default: node --test }
    detect: { vitest: npx vitest run, jest: npx jest }
`;
  const parsed = await parseDefinition(text, 'template.yaml');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const defaultIn = (...packages: string[]) =>
    forDependencies(parsed.value, new Set(packages)).variables[0]?.default;
  expect([defaultIn(), defaultIn('react'), defaultIn('jest'), defaultIn('jest', 'vitest')]).toEqual([
    'node --test',
    'node --test',
    'npx jest',
    'npx vitest run',
  ]);
});
