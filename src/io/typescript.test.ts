/** Exported interfaces, read from the text of a file. */

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { exportedInterface, isScript, loadTypescript, type Typescript } from './typescript.js';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const compiler = (await loadTypescript(PACKAGE)) as Typescript;
const read = (text: string, path = 'a.ts') => Object.fromEntries(exportedInterface(compiler, path, text));

test('declarations are read without bodies, comments and private members', () => {
  const text = `
    /** Says hello. */
    export async function hello<T>(/* who */ name: string, times = 3, ...rest: T[]): Promise<T> { return go(); }
    export const twice = (n: number): number => n * 2, LIMIT: number = 3, plain = 'x';
    export const { a, b: [c] } = load();
    export type Id = string   |  number; // a name
    export interface Shape { readonly id: Id }
    export enum Colour { Red = 1 }
    export default class Box<T> extends Base<T> implements Shape {
      #secret = 1;
      private hidden(): void {}
      static readonly size: number = 4;
      protected open?: boolean;
      constructor(readonly id: Id, count = 0) { super(); }
      get width(): number { return 1; }
      put(item: T): this { return this; }
    }
    function local() {}
  `;
  expect(read(text)).toEqual({
    hello: 'function hello<T>(name: string, times?, ...rest: T[]): Promise<T>',
    twice: 'function twice(n: number): number',
    LIMIT: 'LIMIT: number',
    plain: 'plain',
    a: 'a',
    c: 'c',
    Id: 'type Id = string | number;',
    Shape: 'interface Shape { readonly id: Id; }',
    Colour: 'enum Colour { Red = 1 }',
    default:
      'class Box extends Base<T> implements Shape { static readonly size: number; protected open?: boolean; constructor(id: Id, count?); get width(): number; put(item: T): this }',
  });
});

test('a body that changes is no change of the interface', () => {
  const before = read('export function f(a: number) { return a; }');
  expect(read('export function f(a: number) { if (a) throw 1; /* new */ return a + 1; }')).toEqual(before);
  expect(read('export function f(a: string) { return a; }')).not.toEqual(before);
});

test('lists, re-exports, overloads and defaults are read', () => {
  const text = `
    function f(a: string): void;
    function f(a: number): void;
    function f(a: unknown) {}
    class C { m() {} }
    export { f, C as D };
    export { x as y } from './x.js';
    export * from './all.js';
    export * as space from './space.js';
    export default f;
  `;
  expect(read(text)).toEqual({
    f: 'function f(a: string): void; function f(a: number): void',
    D: 'class C { m() }',
    y: "x of './x.js'",
    "* from './all.js'": "all of './all.js'",
    space: "all of './space.js'",
    default: 'function f(a: string): void; function f(a: number): void',
  });
});

test('CommonJS is read, and text that is no program does no harm', () => {
  expect(
    read(
      'function a(x) {}\nmodule.exports = { a, b: (y) => y, get c() { return 1; } };\nexports.d = 3;',
      'a.cjs',
    ),
  ).toEqual({
    a: 'function a(x)',
    b: 'function b(y)',
    c: 'c',
    d: 'd',
  });
  expect(read('module.exports = class Box { put(a) {} };', 'a.js')).toEqual({
    'module.exports': 'class default { put(a) }',
  });
  expect(read('}}} export const = ; \u0000')).toEqual({});
  expect(['a.ts', 'b.mjs', 'c.tsx', 'd.json', 'e.ts.txt'].map(isScript)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
});

test('without a compiler in the project conductor goes without', async () => {
  expect(await loadTypescript('/nonexistent')).toBeDefined();
});
