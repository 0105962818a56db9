/** What programs print that cannot start, and what they print that fail because the task is not done yet. */

import { expect, test } from 'vitest';
import { cannotStart, type ToCome } from './cannot-start.js';

const nothing: ToCome = { path: () => false, ending: () => false };
const only = (path: string): ToCome => ({
  path: (one) => one === path || one.endsWith(`/${path}`),
  ending: (pattern) => pattern.test(path),
});

/** Exit code, output, the sentence, and what of the task's own files makes it a gate that fails as it should. */
const CASES: readonly (readonly [exit: number, output: string, why: string, own?: string])[] = [
  [127, 'sh: 1: nonsense: not found\n', 'nonsense is not installed'],
  [127, '/bin/sh: 1: ./check.sh: not found\n', './check.sh does not exist', './check.sh'],
  [127, 'bash: line 1: nonsense: command not found\n', 'nonsense is not installed'],
  [127, 'bash: line 1: ./check.sh: No such file or directory\n', './check.sh does not exist', './check.sh'],
  [
    127,
    'bash: scripts/check.sh: No such file or directory\n',
    'scripts/check.sh does not exist',
    'scripts/check.sh',
  ],
  [127, '\n> x\n> vitest run\n\nsh: 1: vitest: not found\n', 'vitest is not installed', 'package.json'],
  [127, 'pyenv: python3.12: command not found\n', 'python3.12 is not installed'],
  [127, '', 'a program of it was not found'],
  [126, 'sh: 1: ./c.sh: Permission denied\n', './c.sh cannot be executed', './c.sh'],
  [
    2,
    'sh: 0: cannot open scripts/check.sh: No such file\n',
    'scripts/check.sh does not exist',
    'scripts/check.sh',
  ],
  [2, "sh: 0: Can't open scripts/check.sh\n", 'scripts/check.sh does not exist', 'scripts/check.sh'],
  [127, "sh: 0: Can't open scripts/check.sh\n", 'scripts/check.sh does not exist', 'scripts/check.sh'],
  [
    1,
    "Error: EROFS: read-only file system, mkdir '/w/node_modules/.vite'\n",
    'it may not write /w/node_modules/.vite',
  ],
  [1, "OSError: [Errno 30] Read-only file system: '/w/.cache/x'\n", 'it may not write /w/.cache/x'],
  [1, "Error: EACCES: permission denied, open '/home/a/.cache/x'\n", 'it may not write /home/a/.cache/x'],
  [
    1,
    'failed to initialize build cache at /root/.cache/go-build: mkdir /root/.cache: read-only file system\n',
    'failed to initialize build cache at /root/.cache/go-build: mkdir /root/.cache: read-only file system',
  ],
  [1, 'npm error Missing script: "test"\nnpm error\n', 'package.json has no script test', 'package.json'],
  [1, 'npm ERR! missing script: test\n', 'package.json has no script test', 'package.json'],
  [1, 'npm ERR! Missing script: "check"\n', 'package.json has no script check', 'package.json'],
  [
    254,
    "npm error code ENOENT\nnpm error enoent Could not read package.json: Error: ENOENT: no such file or directory, open '/w/package.json'\n",
    'package.json does not exist',
    'package.json',
  ],
  [
    1,
    'npm error npx canceled due to missing packages and no YES option: ["vitest@4.1.12"]\n',
    'vitest@4.1.12 is not installed',
    'package.json',
  ],
  [
    1,
    'npm error code EAI_AGAIN\nnpm error FetchError: request to https://example.org/vitest failed\n',
    'npm wants to download a package, and there is no network',
  ],
  [
    1,
    "error TS5058: The specified path does not exist: 'tsconfig.json'.\n",
    'tsconfig.json does not exist',
    'tsconfig.json',
  ],
  [
    1,
    "error TS5057: Cannot find a tsconfig.json file at the specified directory: 'app'.\n",
    'there is no tsconfig.json in app',
    'app/tsconfig.json',
  ],
  [
    1,
    'Version 6.0.3\ntsc: The TypeScript Compiler - Version 6.0.3\n',
    'there is no tsconfig.json',
    'tsconfig.json',
  ],
  [2, "error TS5083: Cannot read file '/w/base.json'.\n", '/w/base.json does not exist', 'base.json'],
  [
    2,
    `error TS18003: No inputs were found in config file '/w/tsconfig.json'. Specified 'include' paths were '["src"]'.\n`,
    '/w/tsconfig.json names no source file that is there',
    'src/main.ts',
  ],
  [
    2,
    "error TS2688: Cannot find type definition file for 'node'.\n",
    'the types of node are not installed',
    'package.json',
  ],
  [
    1,
    'failed to load config from /w/vitest.config.ts\n\nError: Build failed\n',
    '/w/vitest.config.ts cannot be loaded',
    'vitest.config.ts',
  ],
  [
    1,
    "Error: Can't find a root directory while resolving a config file path.\nProvided path to resolve: nope.json\ncwd: /w\n",
    'nope.json does not exist',
    'nope.json',
  ],
  [
    1,
    '● Validation Error:\n\n  Preset ts-jest not found.\n',
    'jest refuses its config: Preset ts-jest not found',
    'package.json',
  ],
  [
    2,
    "ESLint couldn't find an eslint.config.(js|mjs|cjs) file.\n",
    'eslint finds no config',
    'eslint.config.js',
  ],
  [
    1,
    "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'vitest' imported from /w/a.mjs\n",
    'vitest is not installed',
    'package.json',
  ],
  [
    1,
    "Error: Cannot find module '/w/scripts/check.js'\n{\n  code: 'MODULE_NOT_FOUND',\n  requireStack: []\n}\n",
    '/w/scripts/check.js does not exist',
    'scripts/check.js',
  ],
  [1, "Could not find '/w/test/x.test.js'\n", '/w/test/x.test.js does not exist', 'test/x.test.js'],
  [1, '/usr/bin/python3: No module named pytest\n', 'pytest is not installed'],
  [1, "/usr/bin/python3: No module named 'app.checks'\n", 'app.checks is not installed', 'app/checks.py'],
  [1, "E   ModuleNotFoundError: No module named 'pytest'\n", 'pytest is not installed'],
  [
    2,
    "python3: can't open file '/w/tests/run.py': [Errno 2] No such file or directory\n",
    '/w/tests/run.py does not exist',
    'tests/run.py',
  ],
  [
    4,
    'ERROR: file or directory not found: tests/test_a.py\n',
    'tests/test_a.py does not exist',
    'tests/test_a.py',
  ],
  [
    101,
    'error: could not find `Cargo.toml` in `/w` or any parent directory\n',
    'Cargo.toml does not exist',
    'Cargo.toml',
  ],
  [101, 'error: no such command: `clippy`\n', 'cargo has no command clippy'],
  [
    1,
    'pattern ./...: directory prefix . does not contain main module or its selected dependencies\n',
    'go.mod does not exist',
    'go.mod',
  ],
  [
    1,
    'go: example.org/x@v1: Get "https://proxy": dial tcp: lookup proxy.golang.org: no such host\n',
    'it wants to download packages, and there is no network',
  ],
  [2, 'make: *** No targets specified and no makefile found.  Stop.\n', 'there is no Makefile', 'Makefile'],
];

test('a gate that cannot start is told by what its program prints, with what to do', () => {
  for (const [exit, output, why] of CASES) {
    const found = cannotStart(exit, output, nothing);
    expect([output, found?.why]).toEqual([output, why]);
    expect(found?.advice).not.toBe('');
  }
});

test('of a long output only what says it is shown', () => {
  const help = Array.from({ length: 200 }, (_, at) => `line ${at}`).join('\n');
  const early = cannotStart(
    1,
    `Version 6.0.3\ntsc: The TypeScript Compiler - Version 6.0.3\n${help}`,
    nothing,
  );
  expect(early?.shown).toMatch(/^Version 6\.0\.3\n.*\nline 0\n[\s\S]*line 9$/);
  const late = cannotStart(127, `${help}\nsh: 1: nonsense: not found\n`, nothing);
  expect(late?.shown).toMatch(/^line 19[5-9][\s\S]*nonsense: not found$/);
});

test('what the task itself writes is missing before it is done: that gate fails as it should', () => {
  for (const [exit, output, , own] of CASES) {
    if (own !== undefined)
      expect([output, cannotStart(exit, output, only(own))]).toEqual([output, undefined]);
  }
});

test('failing tests, compilers that find errors, and missing modules of the project are no broken gates', () => {
  const outputs: readonly (readonly [number, string])[] = [
    [1, 'TAP version 13\nnot ok 1 - adds two numbers\n'],
    [1, "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/w/src/x.js' imported from /w/test/x.test.mjs\n"],
    [1, "Error: Cannot find module './store'\nRequire stack:\n- /w/test/store.test.js\n"],
    [
      2,
      "src/main.ts(1,16): error TS2307: Cannot find module './store' or its corresponding type declarations.\n",
    ],
    [1, "ModuleNotFoundError: No module named 'shop'\n"],
    [1, 'No test files found, exiting with code 1\n'],
    [1, "AssertionError: expected 'EACCES: permission denied, open /etc/shadow' to be undefined\n"],
    [101, 'error[E0432]: unresolved import `crate::store`\n'],
    [1, 'undefined: Store\nFAIL\texample.org/shop [build failed]\n'],
    [1, ''],
    // What a test says of its own subject.
    [1, 'not ok 1 - says why\n  npm error Missing script: "test"\n'],
    [1, "AssertionError: expected 'Could not read package.json' to be 'x'\n\n      Tests  1 failed (1)\n"],
    [1, "error TS5058: The specified path does not exist: 'a'.\n  3 passing (4ms)\n  1 failing\n"],
    [1, "can't open file 'a': [Errno 2]\n===== 1 failed, 2 passed in 0.1s =====\n"],
    [2, 'grep: out.txt: No such file or directory\n'],
    // A file that the code under test writes.
    [1, "not ok 1 - keeps rows\n  Error: EROFS: read-only file system, open '/data/x'\n"],
    [1, "E   OSError: [Errno 30] Read-only file system: '/data/x'\n===== 1 failed in 0.1s =====\n"],
  ];
  for (const [exit, output] of outputs)
    expect([output, cannotStart(exit, output, nothing)]).toEqual([output, undefined]);
});

test('a cache that the runner of tests cannot write stops them all, whatever else a test says', () => {
  const output =
    "not ok 1 - keeps rows\n  EROFS: read-only file system, open '/data/x'\nError: EROFS: read-only file system, mkdir '/w/node_modules/.vite'\n";
  expect(cannotStart(1, output, nothing)?.why).toBe('it may not write /w/node_modules/.vite');
});
