/** The validators in the bundle find what ajv finds with the schemas themselves. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { type CompiledSchema, compiledSchema } from '../../io/document/compiled-schema.js';
import { SCHEMA_NAMES, type SchemaName } from '../../io/document/schemas.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Values of every kind in the places of the keys of a schema. */
function values(schema: { readonly properties?: object }): unknown[] {
  const keys = Object.keys(schema.properties ?? {});
  const kinds = [
    null,
    0,
    1.5,
    '',
    'a b',
    '../x',
    [],
    [{}],
    ['x', 'x'],
    {},
    { run: [] },
    { id: 'T1', outputs: ['/'] },
  ];
  const one = kinds.flatMap((kind) => keys.map((key) => ({ [key]: kind })));
  const all = kinds.map((kind) => Object.fromEntries(keys.map((key) => [key, kind])));
  const tasks = kinds.flatMap((kind) => [
    { tasks: [kind] },
    { tasks: [{ id: 'T1', inputs: kind, verify: kind, render: kind, budget: kind }] },
  ]);
  return [...kinds, ...one, ...all, ...tasks];
}

test('on any value, a compiled validator finds the same mistakes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-validators-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { compiledValidators } = (await import(pathToFileURL(join(ROOT, 'scripts/validators.js')).href)) as {
    compiledValidators(root: string): import('esbuild').Plugin;
  };
  const outfile = join(folder, 'validators.mjs');
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/io/document/compiled-schema.ts'],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    plugins: [compiledValidators(ROOT)],
  });
  const made = (await import(pathToFileURL(outfile).href)) as {
    compiledSchema(name: SchemaName): Promise<CompiledSchema>;
  };
  for (const name of SCHEMA_NAMES) {
    const compiled = await made.compiledSchema(name);
    const plain = await compiledSchema(name);
    const schema = JSON.parse(readFileSync(join(ROOT, 'schemas', `${name}.schema.json`), 'utf8'));
    let wrong = 0;
    for (const value of values(schema)) {
      const isValid = plain(value);
      const found = [compiled(value), compiled.errors];
      // The text of every schema is in every mistake.
      if (!isDeepStrictEqual(found, [isValid, plain.errors]))
        expect([name, value, ...found]).toEqual([name, value, isValid, plain.errors]);
      if (!isValid) wrong++;
    }
    expect(wrong, name).toBeGreaterThan(10);
  }
});
