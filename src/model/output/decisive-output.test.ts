/** Outputs that the real programs printed, each with what a person would look for in it. */

import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { decisiveOutput, MAX_DECISIVE_BYTES, sourcePlaces } from './decisive-output.js';
import { outputLines } from './output-lines.js';

const sample = (name: string) => readFile(new URL(`samples/${name}.txt`, import.meta.url), 'utf8');

/** By sample: what has to be in the decisive part, and what may not. */
const EXPECTED: Record<string, { has: readonly string[]; not?: readonly string[] }> = {
  vitest: {
    has: [
      "Cannot find module './missing.mjs'",
      'store.test.mjs > the store > adds two numbers',
      '- 5\n+ -1',
      '-   "alias": "lovelace",\n-   "days": 7,\n+   "alias": "ada",\n+   "days": 6,',
      '3 failed',
    ],
    not: ['✓ passes', '\u001b'],
  },
  jest: {
    has: ['the store › adds two numbers', 'Expected: 5\n    Received: -1', '-   "days": 7,', 'store.js:3:30'],
    not: ['✓ passes'],
  },
  'node-spec': {
    has: ['test at store.node.test.js:5:3', '-1 !== 5', "-   alias: 'lovelace'", 'does not throw'],
    not: ['node:internal', '✔ passes'],
  },
  'node-tap': {
    has: ['not ok 1 - adds two numbers', '-1 !== 5', "-   alias: 'lovelace'", 'not ok 3 - does not throw'],
    not: ['node:internal', 'ok 4 - passes\n      ---'],
  },
  mocha: {
    has: ['adds two numbers:', '--1\n      +5', '-  "days": 6', 'exports.boom (store.js:3:30)'],
    not: ['✔ passes'],
  },
  tsc: { has: ["src/main.ts(1,16): error TS2305: Module '\"./store\"' has no exported member 'gone'."] },
  'tsc-pretty': { has: ['src/main.ts:1:16 - error TS2305', "1 import { size, gone } from './store';"] },
  eslint: { has: ['/project/lint.js', "'missing' is not defined"] },
  biome: {
    has: ['src/bad.ts:3:7 lint/suspicious/noDoubleEquals', '> 3 │ if (a == 2) { debugger }', 'noDebugger'],
    not: ['Formatter would have printed', 'lint/style/useConst  FIXABLE\n'],
  },
  pytest: {
    has: [
      '>       assert add(2, 3) == 5\nE       assert -1 == 5',
      "E         {'days': 6} != {'days': 7}",
      "E       TypeError: 'NoneType' object is not subscriptable",
    ],
    not: ['plugins: hypothesis'],
  },
  'go-test': {
    has: [
      'store_test.go:7: Add(2, 3) = -1; want 5',
      '    --- FAIL: TestTable/zero',
      'panic: runtime error: index out of range [3] with length 0',
      '/project/store_test.go:19',
    ],
  },
  'go-build': { has: ['./store.go:3:37: undefined: missing'] },
  'cargo-test': {
    has: ['---- tests::adds_two_numbers stdout ----', 'left: -1\n right: 5', 'src/lib.rs:17:14', '2 failed'],
    not: ['rust_begin_unwind'],
  },
  'cargo-build': {
    has: ['error[E0425]: cannot find value `missing`', '2 |     a - b + "x" + missing', 'error[E0277]'],
    not: ['/rustc/library'],
  },
};

describe('the decisive part of an output', () => {
  test.each(Object.entries(EXPECTED))('of %s is found below a long log', async (name, { has, not = [] }) => {
    const noise = Array.from({ length: 2000 }, (_, at) => `[info] step ${at} went well`).join('\n');
    const text = decisiveOutput(`${noise}\n${await sample(name)}`);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_DECISIVE_BYTES);
    for (const part of has) expect(text).toContain(part);
    for (const part of not) expect(text).not.toContain(part);
    expect(text).not.toContain('step 12 went well');
  });

  test('compilers that name a place without its source get the source line', async () => {
    const lines: Record<string, string> = { 'src/main.ts:2': 'export const twice = size * two;' };
    const text = decisiveOutput(await sample('tsc'), (path, line) => lines[`${path}:${line}`]);
    expect(text).toContain("Cannot find name 'two'.\n    2 | export const twice = size * two;");
    expect(sourcePlaces(await sample('go-build'))).toContainEqual({ path: './store.go', line: 3 });
    expect(sourcePlaces(await sample('eslint'))).toContainEqual({ path: '/project/lint.js', line: 3 });
  });

  test('of a long difference the changed lines stay', () => {
    const same = Array.from({ length: 400 }, (_, at) => `    "key${at}": ${at},`);
    const text = decisiveOutput(
      [
        ' FAIL  a.test.ts > keeps all',
        'AssertionError: expected { …(400) } to deeply equal { …(400) }',
        '',
        '- Expected',
        '+ Received',
        '',
        '  {',
        ...same,
        '-   "last": 1,',
        '+   "last": 2,',
        ...same,
        '  }',
        '',
        ' ❯ a.test.ts:3:1',
        '⎯⎯⎯⎯⎯⎯⎯⎯[1/1]⎯',
      ].join('\n'),
    );
    expect(text).toContain('-   "last": 1,\n+   "last": 2,');
    expect(text).toContain('a.test.ts > keeps all');
    expect(text).toContain('❯ a.test.ts:3:1');
  });

  test('failures that find no place are named', () => {
    const failures = Array.from(
      { length: 40 },
      (_, at) => `  ● suite › test ${at}\n\n${'    why\n'.repeat(40)}`,
    );
    const text = decisiveOutput(`${failures.join('\n')}\nTests: 40 failed, 40 total\n`);
    expect(text).toMatch(/\d+ more, not shown here: ● suite › test \d+; /);
    expect(text).toContain('Tests: 40 failed');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_DECISIVE_BYTES);
  });

  test('of an unknown program the beginning, what looks like an error and the end stay', () => {
    const quiet = Array.from({ length: 3000 }, (_, at) => `line ${at}`);
    const text = decisiveOutput(
      ['usage of thing', ...quiet, 'ERROR: coverage 50 % is below 80 %', ...quiet, 'the end'].join('\n'),
    );
    expect(text).toMatch(/^usage of thing\n[\s\S]*ERROR: coverage 50 % is below 80 %[\s\S]*\nthe end$/);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_DECISIVE_BYTES);
  });

  test('a short output stays whole, an exception with its source line too', () => {
    expect(decisiveOutput('one\n\u001b[31mtwo\u001b[0m\n')).toBe('one\ntwo');
    const thrown =
      '/project/a.js:3\n  boom();\n  ^\n\nTypeError: boom is not a function\n    at main (/project/a.js:3:3)\n    at Module._compile (node:internal/modules/cjs/loader:1554:14)\n';
    const text = decisiveOutput(`${'ok\n'.repeat(2000)}${thrown}\nNode.js v20.19.0\n`);
    expect(text).toMatch(/^\/project\/a\.js:3\n {2}boom\(\);\n {2}\^\n\nTypeError: boom is not a function/);
    expect(text).not.toContain('node:internal');
  });

  test('bytes are counted, not characters', () => {
    const text = decisiveOutput(`${'error: ü'.repeat(5000)}\n`.repeat(50));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_DECISIVE_BYTES);
    expect(text).not.toContain('\ufffd');
  });
});

test('links are taken out, whichever way they end, and nothing between two of them', () => {
  const [esc, bel] = [String.fromCharCode(27), String.fromCharCode(7)];
  const link = (end: string) => `${esc}]8;;file:///a.ts${end}a.ts${esc}]8;;${end}`;
  expect(outputLines(`${link(`${esc}\\`)} kept ${link(bel)} kept too`)).toEqual(['a.ts kept a.ts kept too']);
  const begin = process.cpuUsage();
  outputLines(`${esc}]8;;x`.repeat(100_000));
  expect(process.cpuUsage(begin).user / 1000).toBeLessThan(3000);
});
