/** Which changes of a file are changes of what it declares, and that no change of a type goes unseen. */

import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadTypescript, type Typescript } from '../typescript.js';
import { declaredInterface } from './declared-interface.js';

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));
const compiler = (await loadTypescript(PACKAGE)) as Typescript;
const read = (text: string, path = 'a.ts') => declaredInterface(compiler, path, text);
const shown = (text: string, path?: string) => read(text, path)?.map((one) => one.shown);

/** What the compiler with its type checker declares, line by line. */
function emitted(text: string, path = 'a.ts'): string[] {
  const lines: string[] = [];
  const options = {
    target: compiler.ScriptTarget.Latest,
    module: compiler.ModuleKind.ESNext,
    declaration: true,
    emitDeclarationOnly: true,
    allowJs: true,
    noLib: true,
    noResolve: true,
    removeComments: true,
    strict: true,
    types: [],
  };
  const host = compiler.createCompilerHost(options);
  const program = compiler.createProgram([path], options, {
    ...host,
    getSourceFile: (file, target) =>
      file === path ? compiler.createSourceFile(file, text, target, true) : undefined,
    fileExists: (file) => file === path,
    writeFile: (_file, made) => lines.push(...made.split('\n')),
  });
  program.emit();
  expect(lines.length).toBeGreaterThan(0);
  return lines.sort();
}

test('declarations are on one line, with their documentation, in the order of their names', () => {
  const text = `
    /** A file. */
    import type { Row, Unused } from './row.js';
    const SECRET = ';';
    interface Inner { cells: Cell[] }
    type Cell = string |
      number;
    /**
     * Splits text.
     * @throws if it is empty
     */
    export function split(text: string, separator = ','): Row[] { return text.split(SECRET); }
    export const show = (x: Inner): string => SECRET;
    export const SEPARATOR = ';', WIDE: string = ';';
    export const OPTIONS = { sep: ';', deep: { list: ['a'] } };
    export default class Box<T> extends Map<string, T> {
      #hidden = 1;
      private secret = 2;
      readonly kind = 'box';
      size2 = 0;
      constructor(readonly id: string) { super(); }
      /** Gets. */
      get width(): number { return this.#hidden; }
      clear2() { this.clear(); }
    }
    export * from './all.js';
  `;
  expect(shown(text)).toEqual([
    "export * from './all.js'",
    'type Cell = string | number',
    'interface Inner { cells: Cell[]; }',
    'export const OPTIONS = { sep: string; deep: { list: string[] } }',
    "export const SEPARATOR = ';'",
    'export const WIDE: string',
    "export default class Box<T> extends Map<string, T> { #private; private secret; readonly kind = 'box'; size2 = number; constructor(readonly id: string); /** Gets. */ get width(): number; clear2(): void }",
    "import { Row } from './row.js'",
    'export const show = function(x: Inner): string',
    '/** Splits text. @throws if it is empty */ export function split(text: string, separator?: string): Row[]',
  ]);
  expect(
    read(text)
      ?.map((one) => one.deciding)
      .join(''),
  ).toBe('');
});

test.each<[what: string, before: string, after: string, path?: string]>([
  [
    'a body',
    'export function f(a: number): number { return a; }',
    'export function f(a: number): number { return 1 + a; }',
  ],
  [
    'a private constant',
    "const S = ','; export function f(): string { return S; }",
    "const S = ';'; export function f(): string { return S; }",
  ],
  [
    'a default value',
    "export function f(s = ','): string { return s; }",
    "export function f(s = ';'): string { return s; }",
  ],
  ['the value of an annotated constant', "export const S: string = ',';", "export const S: string = ';';"],
  ['the value of a variable', 'export let n = 1;', 'export let n = 2;'],
  [
    'comments and blank space',
    'export function f( ): void {} // x',
    '/* y */\nexport function\nf(): void {\n}',
  ],
  [
    'an import that no declaration uses',
    "import a from 'a'; export const n = 1;",
    "import b from 'b'; export const n = 1;",
  ],
  ['the order', 'export const a = 1; export const b = 2;', 'export const b = 2; export const a = 1;'],
  ['a body that returns nothing', 'export function f() { go(); }', 'export function f() { stop(); }'],
  [
    'a private member',
    'export class A { #a = 1; private b = 2; m(): number { return 1; } }',
    'export class A { #a = 2; private b = 3; m(): number { return this.b; } }',
  ],
  [
    'what implements overloads',
    'export function f(a: string): void; export function f(a: unknown) { return a; }',
    'export function f(a: string): void; export function f(a: unknown) { return 1; }',
  ],
  [
    'documentation of what is not exported',
    '/** a */ function g(): void {} export const x: typeof g = g;',
    '/** b */ function g(): void {} export const x: typeof g = g;',
  ],
  [
    'a body with a documented type',
    '/** @returns {string} */ export function f() { return a; }',
    '/** @returns {string} */ export function f() { return b; }',
    'a.mjs',
  ],
  [
    'a body behind CommonJS',
    '/** @returns {string} */ function f() { return a; } module.exports = { f };',
    '/** @returns {string} */ function f() { return b; } module.exports = { f };',
    'a.cjs',
  ],
])('%s is no change, also for the compiler', (_what, before, after, path) => {
  expect(read(before, path)).toBeDefined();
  expect(read(after, path)).toEqual(read(before, path));
  expect(emitted(after, path)).toEqual(emitted(before, path));
});

test.each<[what: string, before: string, after: string, path?: string]>([
  ['a parameter', 'export function f(a: number): void {}', 'export function f(a: string): void {}'],
  ['a literal that is a type', "export const S = ',';", "export const S = ';';"],
  ['blank space in a literal', "export const S = ' ';", "export const S = '  ';"],
  ['a body that decides the type', 'export function f() { return 1; }', "export function f() { return ''; }"],
  ['where a statement ends', 'export function f() { return\n1; }', 'export function f() { return 1; }'],
  [
    'a private constant in such a body',
    'const S = 1; export function f() { return S; }',
    "const S = ''; export function f() { return S; }",
  ],
  [
    'a constant behind others',
    'const A = 1; const B = A; export const C = B;',
    'const A = 2; const B = A; export const C = B;',
  ],
  [
    'a type that is not exported',
    'interface A { a: string } export function f(): A { throw 1; }',
    'interface A { a: number } export function f(): A { throw 1; }',
  ],
  [
    'where a name comes from',
    "import { A } from './a.js'; export function f(): A { throw 1; }",
    "import { A } from './b.js'; export function f(): A { throw 1; }",
  ],
  [
    'a private member that a public one shows',
    'export class A { #a = 1; get b() { return this.#a; } }',
    "export class A { #a = ''; get b() { return this.#a; } }",
  ],
  [
    'what a constructor assigns',
    'export class A { a; constructor() { this.a = 1; } }',
    "export class A { a; constructor() { this.a = ''; } }",
  ],
  [
    'a function as an object',
    'export function f(): void {} f.a = 1;',
    "export function f(): void {} f.a = '';",
  ],
  [
    'a default export as an object',
    'export default function f(): void {} f.a = 1;',
    "export default function f(): void {} f.a = '';",
  ],
  [
    'documentation of a name',
    '/** In cm. */ export function f(): number { return 1; }',
    '/** In mm. */ export function f(): number { return 1; }',
  ],
  [
    'documentation of a name in a list',
    '/** In cm. */ function f(): number { return 1; } export { f };',
    '/** In mm. */ function f(): number { return 1; } export { f };',
  ],
  [
    'a global declaration',
    'export {}; declare global { var a: string; }',
    'export {}; declare global { var a: number; }',
  ],
  ['an import for its effects', "import './a.js'; export {};", "import './b.js'; export {};"],
  ['a constant object', "export const O = { a: 'x' } as const;", "export const O = { a: 'y' } as const;"],
  [
    'an arrow function that may give never',
    'export const f = () => { for (;;); };',
    'export const f = () => {};',
  ],
  [
    'a computed type',
    'export type A = (typeof L)[number]; const L = [1] as const;',
    'export type A = (typeof L)[number]; const L = [2] as const;',
  ],
  ['an enum', 'export enum A { a = 1 }', 'export enum A { a = 2 }'],
  [
    'a member of a class that is removed',
    'export class A { a(): void {} b(): void {} }',
    'export class A { a(): void {} }',
  ],
  [
    'a documented type',
    '/** @param {string} a */ export function f(a) {}',
    '/** @param {number} a */ export function f(a) {}',
    'a.js',
  ],
  [
    'a type in a comment',
    '/** @typedef {string} T */\nexport {};',
    '/** @typedef {number} T */\nexport {};',
    'a.js',
  ],
  [
    'a cast in a comment',
    'export const a = /** @type {string} */ (b);',
    'export const a = /** @type {number} */ (b);',
    'a.js',
  ],
  [
    'a body without a documented type',
    'export function f(a) { return a; }',
    'export function f(a) { return 1; }',
    'a.js',
  ],
  [
    'a member that a method declares',
    'export class A { /** @returns {void} */ m() { this.x = 1; } }',
    "export class A { /** @returns {void} */ m() { this.x = ''; } }",
    'a.js',
  ],
  [
    'a function that is a class',
    'export function F() { this.a = 1; }',
    "export function F() { this.a = ''; }",
    'a.js',
  ],
  ['a name of CommonJS', 'exports.a = 1;', 'exports.b = 1;', 'a.cjs'],
  [
    'a function behind a name of CommonJS',
    'function f(a) {} exports.f = f;',
    'function f(a, b) {} exports.f = f;',
    'a.cjs',
  ],
  [
    'a constant with the name of a type',
    'const A = z({ a: 1 }); export type A = I<typeof A>;',
    'const A = z({ b: 1 }); export type A = I<typeof A>;',
  ],
  [
    'a constant called statement',
    'const statement = 1; export const f = () => statement; f.a = 1;',
    'const statement = 2; export const f = () => statement; f.a = 1;',
  ],
])('%s is a change', (_what, before, after, path) => {
  expect(read(before, path)).toBeDefined();
  expect(read(after, path)).not.toEqual(read(before, path));
});

test.each<[what: string, text: string, path?: string]>([
  ['is no program', '}} export const = ;'],
  ['declares everything globally', 'var a = 1;'],
  ['is a script', 'console.log(1);', 'a.js'],
  ['is a declaration file', 'export {}; declare const a: string;', 'a.d.ts'],
  ['exports in another way', 'if (a) module.exports = 1;', 'a.cjs'],
  ['exports and hands its exports on', 'exports.a = 1; fill(exports);', 'a.cjs'],
])('of a file that %s all of the text counts', (_what, text, path) => {
  expect(read(text, path)).toBeUndefined();
});
