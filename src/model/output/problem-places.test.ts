/** Places that tools name: of real outputs, of single lines, and of what only looks like a place. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { problemPlaces } from './problem-places.js';

const sample = (name: string) =>
  problemPlaces(readFileSync(new URL(`samples/${name}.txt`, import.meta.url), 'utf8')).map(
    ({ path, line, column, message }) => `${path}:${line}:${column ?? ''} ${message.slice(0, 40)}`,
  );

const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  biome: [
    'src/bad.ts:1:8 This import is unused.',
    'src/bad.ts:2:1 This let declares a variable that is onl',
    'src/bad.ts:3:7 Using == may be unsafe if you are relyin',
    'src/main.ts:1:1 Sort the imported names.',
  ],
  'cargo-build': ['src/lib.rs:2:19 error[E0425]: cannot find value `missing'],
  'cargo-test': [
    'src/lib.rs:11:9 assertion `left == right` failed: sum of',
    'src/lib.rs:17:14 called `Option::unwrap()` on a `None` va',
  ],
  eslint: [
    "/project/lint.js:2:7 'unused' is assigned a value but never u",
    "/project/lint.js:3:7 Expected '===' and instead saw '=='",
  ],
  'go-build': ['store.go:3:37 undefined: missing', 'store.go:4:13 cannot use "s" (untyped string constant)'],
  'go-test': ['store_test.go:7: Add(2, 3) = -1; want 5', 'store_test.go:13: got "a", want "b"'],
  jest: [
    'store.test.js:4:23 the store › adds two numbers',
    'store.test.js:7:20 the store › knows a user',
    'store.js:3:30 TypeError: Cannot read properties of und',
  ],
  mocha: [
    'store.mocha.js:5:12 AssertionError [ERR_ASSERTION]: -1 == 5',
    'store.mocha.js:8:12 AssertionError [ERR_ASSERTION]: Expected',
    'store.js:3:30 TypeError: Cannot read properties of und',
  ],
  'node-spec': [
    '/project/store.node.test.js:6:12 AssertionError [ERR_ASSERTION]: Expected',
    '/project/store.node.test.js:9:12 AssertionError [ERR_ASSERTION]: Expected',
    '/project/store.js:3:30 TypeError [Error]: Cannot read propertie',
  ],
  'node-tap': [
    '/project/store.node.test.js:5:3 adds two numbers',
    '/project/store.node.test.js:8:3 knows a user',
    '/project/store.node.test.js:11:3 does not throw',
    '/project/store.node.test.js:4:1 the store',
  ],
  pytest: ['test_store.py:5: AssertionError', 'test_store.py:9: AssertionError', 'store.py:10: TypeError'],
  tsc: [
    `src/main.ts:1:16 error TS2305: Module '"./store"' has no `,
    "src/main.ts:2:29 error TS2304: Cannot find name 'two'.",
    'src/store.ts:6:25 error TS2561: Object literal may only sp',
    "src/store.ts:8:14 error TS2322: Type 'string' is not assig",
  ],
  vitest: [
    "broken.test.mjs:1:1 Error: Cannot find module './missing.mjs",
    'store.test.mjs:5:23 AssertionError: expected -1 to be 5 // O',
    "store.test.mjs:8:20 AssertionError: expected { name: 'Ada', ",
    'store.mjs:3:35 TypeError: Cannot read properties of und',
  ],
};

test.each(Object.keys(SAMPLES))('the output of %s', (name) => {
  expect(sample(name)).toEqual(SAMPLES[name]);
});

test('the same problems are found in coloured output', () => {
  expect(sample('tsc-pretty')).toEqual(SAMPLES.tsc);
});

const LINES: readonly (readonly [
  line: string,
  path?: string,
  number?: number,
  column?: number | undefined,
  message?: string,
])[] = [
  ['src/a.c:3:5: error: expected ;', 'src/a.c', 3, 5, 'error: expected ;'],
  ['src/a.c:3:5: warning: unused'],
  ['src/a.c:2:1: note: declared here'],
  ['app/a.py:12: error: Incompatible types  [assignment]', 'app/a.py', 12, undefined, 'error: Incompatible'],
  ['app/a.py:1:8: F401 `os` imported but unused', 'app/a.py', 1, 8, 'F401 `os` imported but unused'],
  ['A.java:7: error: cannot find symbol', 'A.java', 7, undefined, 'error: cannot find symbol'],
  ['[ERROR] /w/src/A.java:[7,12] cannot find symbol', '/w/src/A.java', 7, 12, 'cannot find symbol'],
  ['src/A.cs(7,12): error CS1002: ; expected', 'src/A.cs', 7, 12, 'error CS1002: ; expected'],
  ['PHP Parse error:  unexpected token in src/a.php on line 4', 'src/a.php', 4, undefined, 'Parse error:'],
  ['check.sh: line 3: nonsense: command not found', 'check.sh', 3, undefined, 'nonsense: command not found'],
  ['src/a.js: line 2, col 3, Error - no-undef', 'src/a.js', 2, 3, 'no-undef'],
  ['see http://example.org:80: all is well'],
  ['12:30:05: started'],
  ['listening on localhost:3000: ready'],
];

test.each(LINES.map((one) => ({ one, line: one[0] })))('$line', ({ one }) => {
  const [line, path, number, column, message = ''] = one;
  const [place] = problemPlaces(line);
  if (path === undefined) expect(place).toBeUndefined();
  else {
    expect(place).toMatchObject({ path, line: number });
    expect(place?.column).toBe(column);
    expect(place?.message).toContain(message);
  }
});

test('an error of Python is at the last frame of its traceback', () => {
  const text =
    'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n    f()\n  File "b.py", line 9, in f\n    raise ValueError("x")\nValueError: x\n';
  expect(problemPlaces(text)).toEqual([
    { path: 'b.py', line: 9, column: undefined, message: 'ValueError: x' },
  ]);
});

test('an error that a package throws is at the first line of the project that called it', () => {
  const python =
    'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\n    f()\n  File "/w/.venv/lib/python3.12/site-packages/x/b.py", line 9, in f\n    raise ValueError("x")\nValueError: x\n';
  const node =
    'TypeError: no id\n    at check (/w/node_modules/x/src/check.js:2:9)\n    at main (/w/src/main.js:7:3)\n    at /w/src/run.js:1:1\n';
  expect(problemPlaces(python)).toMatchObject([{ path: 'a.py', line: 3, message: 'ValueError: x' }]);
  expect(problemPlaces(node)).toEqual([
    { path: '/w/src/main.js', line: 7, column: 3, message: 'TypeError: no id' },
  ]);
});

test('one place is named once, and a flood of places is cut', () => {
  const line = (n: number) => `src/a.c:${n}:1: error: one`;
  expect(problemPlaces(`${line(1)}\n${line(1)}`)).toHaveLength(1);
  expect(problemPlaces(Array.from({ length: 500 }, (_, n) => line(n + 1)).join('\n'))).toHaveLength(50);
});
