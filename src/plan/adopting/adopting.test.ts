/** How files of several languages become groups, and what their first lines say. */

import { describe, expect, test } from 'vitest';
import { adoptedTasks } from './adopted-tasks.js';
import { groupFiles } from './file-groups.js';
import { leadingText } from './leading-text.js';
import { importedPaths, type SourceTree } from './source-imports.js';

function treeOf(files: Readonly<Record<string, string>>, goModules: [string, string][] = []): SourceTree {
  const paths = Object.keys(files);
  const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');
  return {
    has: (path) => paths.includes(path),
    filesIn: (folder) => paths.filter((path) => folderOf(path) === folder),
    goModules: new Map(goModules),
  };
}

function groups(files: Readonly<Record<string, string>>, goModules: [string, string][] = []) {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  const found = groupFiles(list, treeOf(files, goModules));
  return found.map(({ sources, tests, needs }) => [[...sources, ...tests].join(' '), needs]);
}

function imports(path: string, text: string, ...there: string[]): readonly string[] {
  const files = Object.fromEntries([path, ...there].map((one) => [one, '']));
  return importedPaths({ path, text }, treeOf(files, [['', 'example.org/shop']]));
}

describe('imports', () => {
  test.each([
    ["import { a } from './a.js'", ['src/a.ts']],
    ["import type { A } from '../src/a'", ['src/a.ts']],
    ["import './a'; export * from './d'", ['src/a.ts', 'src/d/index.ts']],
    ["const a = require('./a'), b = await import('./b.mjs')", ['src/a.ts', 'src/b.mts']],
    ["vi.mock('./a.js')\nnew URL('./data.json', import.meta.url)", ['src/a.ts', 'src/data.json']],
    ["// import './a.js'\n/* from './b.mjs' */ import {\n  d,\n} from './d/index.js'", ['src/d/index.ts']],
    ["import a from 'a'; import x from './none'; import y from '../../out'", []],
  ])('of a script: %j', (text, expected) => {
    const there = ['src/a.ts', 'src/b.mts', 'src/d/index.ts', 'src/data.json'];
    expect([...imports('src/x.ts', text, ...there)].sort()).toEqual(expected);
  });

  test('a script brings the types beside it', () => {
    expect(imports('x.js', "require('./a.js')", 'a.js', 'a.d.ts')).toEqual(['a.js', 'a.d.ts']);
  });

  test.each([
    ['import shop.cart', ['src/shop/cart.py']],
    ['from shop import cart, money as m', ['src/shop/cart.py', 'src/shop/money.py']],
    ['from shop.cart import (\n    Cart,  # the cart\n    total,\n)', ['src/shop/cart.py']],
    ['from . import money\nfrom .cart import Cart', ['src/shop/cart.py', 'src/shop/money.py']],
    ['from .. import other\nimport os, json', ['src/other.py']],
    ['from shop import Missing', ['src/shop/__init__.py']],
  ])('of Python: %j', (text, expected) => {
    const there = ['src/shop/__init__.py', 'src/shop/cart.py', 'src/shop/money.py', 'src/other.py'];
    expect([...imports('src/shop/x.py', text, ...there)].sort()).toEqual(expected);
  });

  test('of Go: the files of the package, and none of the standard library', () => {
    const text = 'package main\n\nimport (\n\t"fmt"\n\tm "example.org/shop/money"\n)\n';
    expect(imports('main.go', text, 'money/a.go', 'money/b.go', 'money/c.txt')).toEqual([
      'money/a.go',
      'money/b.go',
    ]);
  });

  test('of style sheets', () => {
    expect(imports('a.scss', "@use 'base.css'; @import url('./b.css');", 'base.css', 'b.css')).toEqual([
      'base.css',
      'b.css',
    ]);
  });
});

describe('groups', () => {
  test('a test stands with its file, also in a folder of tests; one that needs later files stands alone', () => {
    const files = {
      'src/a.ts': '',
      'src/b.ts': "import './a.js'",
      'src/c.ts': "import './b.js'",
      'src/a.test.ts': "import './a.js'; import './c.js'",
      'tests/b.spec.ts': "import '../src/b.js'",
      'src/__tests__/c.ts': "import '../c.js'",
    };
    expect(groups(files)).toEqual([
      ['src/a.ts', []],
      ['src/b.ts tests/b.spec.ts', [0]],
      ['src/c.ts src/__tests__/c.ts', [1]],
      ['src/a.test.ts', [0, 2]],
    ]);
  });

  test('files of one name, small folders and circles are one group each; large folders are not', () => {
    const files = {
      'app/list.tsx': "import './list.module.css'",
      'app/list.module.css': '',
      'app/small/one.ts': '',
      'app/small/two.ts': '',
      'app/large/one.ts': 'x'.repeat(9000),
      'app/large/two.ts': 'x'.repeat(9000),
      'app/x.ts': "import './y.js'",
      'app/y.ts': "import './z.js'",
      'app/z.ts': "import './x.js'; import './small/one.js'",
    };
    expect(groups(files)).toEqual([
      ['app/large/one.ts', []],
      ['app/large/two.ts', []],
      ['app/list.module.css app/list.tsx', []],
      ['app/small/one.ts app/small/two.ts', []],
      ['app/x.ts app/y.ts app/z.ts', [3]],
    ]);
  });

  test('a Go package is one group with its tests; tests of Python need the conftest.py above them', () => {
    const go = {
      'money/a.go': 'package money',
      'money/a_test.go': 'package money',
      'main.go': 'package main\nimport "example.org/shop/money"',
    };
    expect(groups(go, [['', 'example.org/shop']])).toEqual([
      ['money/a.go money/a_test.go', []],
      ['main.go', [0]],
    ]);
    const python = { 'pkg/a.py': '', 'tests/conftest.py': '', 'tests/test_a.py': 'from pkg.a import f' };
    expect(groups(python)).toEqual([
      ['tests/conftest.py', []],
      ['pkg/a.py tests/test_a.py', [0]],
    ]);
  });

  test('of languages whose imports are not read, all files of one ending are one group', () => {
    expect(groups({ 'src/main.rs': 'mod a;', 'src/a.rs': '', 'run.sh': '' })).toEqual([
      ['run.sh', []],
      ['src/a.rs src/main.rs', []],
    ]);
  });
});

test('ids are short and each once; paths with signs of patterns are literal; other tasks are named by their labels', () => {
  const files = {
    'src/a/index.ts': '',
    'src/b/index.ts': "import '../gen/made.js'",
    'src/b/[slug].ts': 'x'.repeat(20_000),
    'src/c/list.ts': '/** Lists {{all}} of them. */\nexport const list = [];\n',
    'lib/c/list.ts': '',
  };
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  const tree = treeOf({ ...files, 'src/gen/made.ts': '' });
  const tasks = adoptedTasks(list, tree, (path) => (path === 'src/gen/made.ts' ? 'gen/T1' : undefined));
  const shown = tasks.map(({ id, outputs, depends_on }) => [id, outputs[0], depends_on]);
  expect(shown).toEqual([
    ['list', 'lib/c/list.ts', undefined],
    ['a', 'src/a/index.ts', undefined],
    ['slug', 'src/b/[slug].ts', undefined],
    ['b', 'src/b/index.ts', ['gen/T1']],
    ['c-list', 'src/c/list.ts', undefined],
  ]);
  expect(tasks[4]?.description).toBe('Lists { {all}} of them. It offers `list`.');
});

test.each([
  [
    'a.ts',
    '#!/usr/bin/env node\n/* eslint-disable */\n/**\n * Adds\n * numbers.\n *\n * @param a one\n */',
    'Adds numbers.',
  ],
  [
    'a.ts',
    "// Copyright 2020\n\n'use strict';\n// Adds numbers.\n// Always.\nexport {};",
    'Adds numbers. Always.',
  ],
  ['a.ts', 'export const a = 1; // one\n', undefined],
  [
    'a.py',
    '#!/usr/bin/env python\n# coding: utf-8\n"""Adds numbers.\n\nWell.\n"""\n',
    'Adds numbers.\n\nWell.',
  ],
  ['a.py', '# Adds numbers.\nimport os\n', 'Adds numbers.'],
  ['a.go', '// Package money adds numbers.\npackage money\n', 'Package money adds numbers.'],
])('what %s says of itself', (path, text, expected) => {
  expect(leadingText(path, text)).toBe(expected);
});
