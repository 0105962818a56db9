import { expect, test } from 'vitest';
import type { Json } from '../model/task.js';
import { textOfValue } from './value-text.js';
import { compileVariable } from './variable.js';

/** What a variable makes of a value: the value, or its problems as text. */
async function read(schema: Record<string, unknown>, given: Json): Promise<unknown> {
  const made = await compileVariable('it', { description: 'It', schema });
  if (!made.ok) throw new Error(made.error);
  const found = made.value.read(given);
  return found.ok
    ? found.value
    : found.error.map(({ message, hint }) => (hint ? `${message}; ${hint}` : message));
}

test.each<[Record<string, unknown>, string, unknown]>([
  [{ type: 'string' }, ' as it is ', ' as it is '],
  [{ type: 'string' }, 'true', 'true'],
  [{}, '3', '3'],
  [{ type: 'number' }, '-1.5e2', -150],
  [{ type: 'integer' }, '7', 7],
  [{ type: 'integer' }, '7.5', ['must be a whole number, not a number']],
  [{ type: 'number' }, 'many', ['must be a number, not a string']],
  [{ type: 'number' }, '0x10', ['must be a number, not a string']],
  [{ type: 'boolean' }, 'yes', true],
  [{ type: 'boolean' }, 'FALSE', false],
  [{ type: ['integer', 'string'] }, '7', 7],
  [{ type: ['integer', 'string'] }, 'seven', 'seven'],
  [{ enum: ['a', 'b'] }, 'a', 'a'],
  [{ enum: ['auto', 1, 2] }, '2', 2],
  [{ enum: ['auto', 1, 2] }, 'auto', 'auto'],
  [{ type: 'array', items: { type: 'number' } }, '1, 2,3', [1, 2, 3]],
  [{ type: 'array', items: { type: 'string' } }, '["a,b","c"]', ['a,b', 'c']],
  [{ type: 'array', items: { type: 'string' } }, '', []],
  [{ type: 'array' }, '[1', [expect.stringMatching(/^is no JSON: /)]],
  [{ type: 'object' }, '{"a":1}', { a: 1 }],
])('%j reads %j', async (schema, text, expected) => {
  expect(await read(schema, text)).toEqual(expected);
});

const FIELDS = {
  type: 'array',
  format: 'fields',
  items: { properties: { type: { enum: ['string', 'date', 'enum'] } } },
};

test('fields are read with type and need, whether text or a list', async () => {
  const fields = [
    { name: 'number', type: 'string', required: true },
    { name: 'due', type: 'date', required: false },
    { name: 'state', type: 'enum', values: ['open', 'paid'], required: true },
  ];
  expect(await read(FIELDS, 'number:string!, due : date,state:open|paid!')).toEqual(fields);
  expect(await read(FIELDS, [{ name: 'due', type: 'date' }])).toEqual([fields[1]]);
  expect(textOfValue(fields as unknown as Json)).toBe('number:string!,due:date,state:open|paid!');
  expect(await read(FIELDS, textOfValue(fields as unknown as Json))).toEqual(fields);
});

test.each<[string, string[]]>([
  ['due:dat', ['`due`: `type` must be one of `string`, `date`, `enum`; did you mean `date`?']],
  ['due', ['`due` is not a field: write a name, a colon and a type, such as `total:number!`']],
  ['due:date,Due:string', ['the field `Due` appears twice']],
  ['constructor:string', ['`constructor`: `name` `constructor` is a reserved word']],
  ['__proto__:string', [expect.stringContaining('`__proto__` is not a name')]],
  ['a b!:string', [expect.stringContaining('is not a name')]],
  [',,a:string!!', [expect.stringContaining('is not a field')]],
  ['s:a|b|', [expect.stringContaining('must match')]],
] as [string, string[]][])('fields %j are refused', async (text, expected) => {
  expect(await read(FIELDS, text)).toEqual(expected);
});

test('names of fields that a template keeps for itself', async () => {
  const schema = { ...FIELDS, items: { properties: { name: { type: 'string', not: { enum: ['id'] } } } } };
  expect(await read(schema, 'id:string')).toEqual(['`id`: `name` must not be one of `id`']);
});

test('types of fields that a template does not name are text, numbers and truths', async () => {
  expect(await read({ type: 'array', format: 'fields' }, 'a:string,b:number,c:boolean,d:date')).toEqual([
    '`d`: `type` must be one of `string`, `number`, `boolean`',
  ]);
});

test.each(['Invoice', 'order item', 'line_total', 'a1'])('%j is a name', async (text) => {
  expect(await read({ type: 'string', format: 'name' }, text)).toBe(text);
});

test.each([
  '',
  '1a',
  'a--b',
  'a/b',
  '../x',
  'Ünï',
  'class',
  'Delete',
  'has own property',
  "a'; drop",
  'a\nb',
])('%j is no name', async (text) => {
  expect(await read({ type: 'string', format: 'name' }, text)).toEqual([
    expect.stringMatching(/is not a name|reserved word/),
  ]);
});

test.each(['/etc', '../x', 'a/../../x', '.git/hooks', 'src/*', 'C:\\x', ''])(
  '%j is no path in the project',
  async (text) => {
    expect(await read({ type: 'string', format: 'path' }, text)).toEqual([
      expect.stringContaining('inside the project'),
    ]);
  },
);

test('a schema that is none says why', async () => {
  const made = await compileVariable('it', { description: 'It', schema: { type: 'strng' } });
  expect(made).toMatchObject({ ok: false, error: expect.stringContaining('type') });
  const format = await compileVariable('it', {
    description: 'It',
    schema: { type: 'string', format: 'phone' },
  });
  expect(format).toMatchObject({ ok: false, error: expect.stringContaining('phone') });
});
