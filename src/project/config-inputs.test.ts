/** Which texts of configs may read something that no record names. */

import { expect, test } from 'vitest';
import { importsOf } from './config-inputs.js';

test.each<[string, readonly string[]]>([
  [
    `import { defineConfig } from 'conductor-build';\n// don't read process.argv here\nexport default defineConfig({});`,
    ['conductor-build'],
  ],
  [
    `import type { X } from 'node:fs';\nexport { a } from "./a.js"; import './b.json';`,
    ['./a.js', './b.json'],
  ],
  [`const salt = process.env.SALT ?? 'none'; export default { salt, link: ['src/process'] };`, []],
  [`const shared = require('./shared.cjs'); module.exports = { ...shared };`, ['./shared.cjs']],
  ['export default { salt: `${process.env.SALT} on ${process.platform}` };', []],
  ['export default { salt: `it is /* no comment */ `, setup: ["npm ci"] };', []],
  [`import { readFileSync } from 'node:fs';`, ['node:fs']],
])('%s is known by what it imports', (text, imports) => {
  expect(importsOf(text)).toEqual(imports);
});

test.each([
  'const all = process',
  'const { env } = process;',
  `const fs = await import('node:fs');`,
  'const fs = require(name);',
  'const path = import.meta.url;',
  'const time = Date.now();',
  'export default { salt: `${Date.now()}` };',
  'const salt = globalThis["pro" + "cess"];',
  `const quote = /'/; process.argv; const other = /'/;`,
  'const salt = [].constructor.constructor("return 1")();',
  'const answer = await fetch("https://example.org");',
])('%s may read anything', (text) => {
  expect(importsOf(text)).toBeUndefined();
});
