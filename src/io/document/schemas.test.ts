/** Holds that the shipped schemas are whole: strict, named, every key explained, defaults as they are in truth. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import { Ajv } from './ajv.js';
import { loadSchema, SCHEMA_NAMES, schemaReference } from './schemas.js';

const FOLDER = fileURLToPath(new URL('../../../schemas/', import.meta.url));

interface Node {
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Node>>;
}

const read = (name: string) => JSON.parse(readFileSync(`${FOLDER}${name}.schema.json`, 'utf8'));

/** Every key that a schema describes, with the way to it. */
function keysOf(node: unknown, way = ''): [string, Node][] {
  if (node === null || typeof node !== 'object') return [];
  const own = Object.entries((node as Node).properties ?? {}).map(([key, one]): [string, Node] => [
    `${way}/${key}`,
    one,
  ]);
  return [...own, ...Object.entries(node).flatMap(([key, one]) => keysOf(one, `${way}/${key}`))];
}

test('every file of the folder is known, and is what is printed and checked with', async () => {
  const files = readdirSync(FOLDER).map((name) => name.replace('.schema.json', ''));
  expect(files.sort()).toEqual([...SCHEMA_NAMES].sort());
  for (const name of SCHEMA_NAMES) expect(await loadSchema(name)).toEqual(read(name));
});

test.each(SCHEMA_NAMES)('%s is a strict schema with a name and an address', async (name) => {
  const schema = read(name);
  expect(schema.$id).toBe(`https://unpkg.com/conductor-build/schemas/${name}.schema.json`);
  expect(schema.title).toBeTruthy();
  expect(schema.description).toMatch(/\.$/);
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictTypes: false });
  ajv.addKeyword({ keyword: 'patternErrorMessage', schemaType: 'string' });
  ajv.compile(schema);
});

test.each(SCHEMA_NAMES)('%s explains every key, and its defaults and examples are valid', (name) => {
  const schema = read(name);
  const ajv = new Ajv({ strict: false, allowUnionTypes: true });
  ajv.addSchema(schema, 'whole');
  for (const [way, key] of keysOf(schema)) {
    if ('const' in key || '$ref' in key) continue;
    expect(key.description, `${name}${way}`).toMatch(/^\S[\s\S]*[.)`]$/);
    const pointer = way.split('/').slice(1, -1).join('/');
    const validate = ajv.getSchema(
      `whole#/${pointer}${pointer === '' ? '' : '/'}properties/${way.split('/').at(-1)}`,
    );
    if (!validate) throw new Error(`no schema at ${way}`);
    const values = [...(key.examples ?? []), ...('default' in key ? [key.default] : [])];
    for (const value of values) expect([way, value, validate(value)]).toEqual([way, value, true]);
  }
});

test('a single-file spec has the keys of a task, in the same words', () => {
  const { $schema, id, vars, ...single } = read('spec-front-matter').properties;
  const { id: _, description, ...task } = read('backlog').properties.tasks.items.properties;
  expect(single).toEqual(task);
  for (const [key, one] of Object.entries(read('backlog').properties.defaults.properties)) {
    expect(one, key).toEqual(task[key]);
  }
});

test('the defaults of the config are those that the schema names', () => {
  const config = resolveConfig({}, 7) as unknown as Record<string, unknown>;
  const properties = (read('config') as { properties: Record<string, Node> }).properties;
  const compared: string[] = [];
  const compare = (node: Node, value: unknown, way: string) => {
    if (node.default !== undefined) {
      expect([way, value]).toEqual([way, node.default]);
      compared.push(way);
    }
    for (const [key, one] of Object.entries(node.properties ?? {})) {
      compare(one, (value as Record<string, unknown> | undefined)?.[key], `${way}.${key}`);
    }
  };
  for (const key of Object.keys(properties) as (keyof ConductorConfig)[])
    compare(properties[key] as Node, config[key], key);
  expect(compared).toContain('timeouts.agent');
  expect(compared.length).toBeGreaterThan(12);
});

test('a file refers to the schema of the installed package, from wherever it stands', () => {
  expect(schemaReference('backlog', 'specs/a/BACKLOG.yaml')).toBe(
    '../../node_modules/conductor-build/schemas/backlog.schema.json',
  );
  expect(schemaReference('config', 'x.json')).toBe('node_modules/conductor-build/schemas/config.schema.json');
  for (const name of SCHEMA_NAMES) expect(existsSync(`${FOLDER}${name}.schema.json`)).toBe(true);
});
