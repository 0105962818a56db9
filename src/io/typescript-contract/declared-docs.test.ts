/** What is documented of a part of a declaration belongs to it: in JavaScript its types, in TypeScript what dependents read. */

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadTypescript, type Typescript } from '../typescript.js';
import { declaredInterface } from './declared-interface.js';

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const compiler = (await loadTypescript(PACKAGE)) as Typescript;
const read = (text: string, path = 'a.ts') => declaredInterface(compiler, path, text);

test.each<[what: string, before: string, after: string, path?: string]>([
  [
    'a documented type of one parameter',
    '/** @returns {void} */ export function f(/** @type {string} */ a) {}',
    '/** @returns {void} */ export function f(/** @type {number} */ a) {}',
    'a.js',
  ],
  [
    'a documented type of one property',
    "module.exports = {\n/** @type {string | undefined} */ a: 'x' };",
    "module.exports = {\n/** @type {string | null} */ a: 'x' };",
    'a.cjs',
  ],
  [
    'a documented type of a value that is a function',
    'export const f = /** @returns {string} */ () => a;',
    'export const f = /** @returns {number} */ () => a;',
    'a.js',
  ],
  [
    'a documented type of one of several variables',
    'export const /** @type {string} */ a = x, /** @type {string} */ b = x;',
    'export const /** @type {string} */ a = x, /** @type {number} */ b = x;',
    'a.js',
  ],
  [
    'documentation of a property',
    'export const O = {\n/** In cm. */ a: 1 };',
    'export const O = {\n/** In mm. */ a: 1 };',
  ],
  [
    'documentation of a method of an object',
    'export const O = {\n/** In cm. */ a() { return 1; } };',
    'export const O = {\n/** In mm. */ a() { return 1; } };',
  ],
  [
    'documentation of what a namespace has',
    'export namespace N {\n/** In cm. */ export const a = 1; }',
    'export namespace N {\n/** In mm. */ export const a = 1; }',
  ],
])('%s is a change', (_what, before, after, path) => {
  expect(read(before, path)).toBeDefined();
  expect(read(after, path)).not.toEqual(read(before, path));
});

test('it is shown where it stands', () => {
  const shown = (text: string, path?: string) => read(text, path)?.map((one) => one.shown);
  expect(shown('export const O = {\n/** In cm. */ a: 1 };')).toEqual([
    'export const O = { /** In cm. */ a: number }',
  ]);
  expect(shown('/** @returns {void} */ export function f(/** @type {string} */ a) {}', 'a.js')).toEqual([
    '/** @returns {void} */ export function f(/** @type {string} */ a)',
  ]);
});
