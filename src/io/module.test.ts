/** Holds that modules of a project are imported in every form that people write, and that what they throw arrives. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importModule } from './module.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'a folder ü-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

test('TypeScript, with types, an enum and an import of its own', async () => {
  await file('other.ts', 'export const n: number = 41;\n');
  const config = await file(
    'c.ts',
    "import { n } from './other.ts';\nenum E { A = 1 }\nexport default { n: n + E.A } satisfies object;\n",
  );
  expect(await importModule(config)).toMatchObject({ default: { n: 42 } });
});

test('JavaScript', async () => {
  const config = await file('c.mjs', 'export default { a: 1 };\n');
  expect(await importModule(config)).toMatchObject({ default: { a: 1 } });
});

test('a name that only the alias knows', async () => {
  await mkdir(join(folder, 'lib'));
  const entry = await file('lib/index.ts', 'export const defineConfig = <T>(c: T): T => c;\n');
  const config = await file(
    'c.ts',
    "import { defineConfig } from 'conductor-build-for-tests';\nexport default defineConfig({ workers: 3 });\n",
  );
  const module = await importModule(config, { alias: { 'conductor-build-for-tests': entry } });
  expect(module).toMatchObject({ default: { workers: 3 } });
});

test('a file that has changed is imported again', async () => {
  const config = await file('c.ts', 'export default 1;\n');
  expect(await importModule(config, { version: 'a' })).toMatchObject({ default: 1 });
  await file('c.ts', 'export default 2;\n');
  expect(await importModule(config, { version: 'b' })).toMatchObject({ default: 2 });
});

test.each(['commonjs', undefined])('in a package of type %s', async (type) => {
  await file('package.json', JSON.stringify({ type }));
  const entry = await file('index.mts', 'export const defineConfig = <T>(c: T): T => c;\n');
  const config = await file(
    'c.ts',
    "import { defineConfig } from 'conductor-build-for-tests';\nexport default defineConfig({ workers: 3 });\n",
  );
  const warned: unknown[] = [];
  const listen = (warning: unknown) => warned.push(warning);
  process.on('warning', listen);
  const module = await importModule(config, { alias: { 'conductor-build-for-tests': entry } });
  await new Promise(setImmediate);
  process.off('warning', listen);
  expect(module).toMatchObject({ default: { workers: 3 } });
  expect(warned).toEqual([]);
});

test('what the module throws arrives', async () => {
  const config = await file('c.ts', "throw new Error('on purpose');\n");
  await expect(importModule(config)).rejects.toThrow('on purpose');
});

test('syntax that is none and a file that is not there are rejected', async () => {
  await expect(importModule(await file('c.ts', 'export default {{{\n'))).rejects.toThrow();
  await expect(importModule(join(folder, 'gone.ts'))).rejects.toThrow();
});
