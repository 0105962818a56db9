/** Merged imports keep their comments and the order that programs rely on, or are a conflict. */

import { describe, expect, test } from 'vitest';
import { mergeByFormat } from './formats.js';
import { importsOf } from './import-statements.js';

async function merge(path: string, current: string, before: string, after: string) {
  const sides = { current: Buffer.from(current), before: Buffer.from(before), after: Buffer.from(after) };
  return (await mergeByFormat(path, sides))?.toString('utf8');
}

const body = '\nexport const x = 1;\n';
const A = "import { a } from 'a';\n";
const M = "import { m } from 'm';\n";
const MINE = "import { m, one } from 'm';\n";
const PATCH = "import { m, two } from 'm';\n";
const BOTH = "import { m, one, two } from 'm';\n";

describe('comments', () => {
  test.each([
    [
      'above the import behind one that the patch takes out',
      `${MINE}${A}// why\nimport 'b';\n`,
      `${M}${A}// why\nimport 'b';\n`,
      `${PATCH}// why\nimport 'b';\n`,
    ],
    ['that the patch adds above an import', MINE, M, `${PATCH}// new\n${A}`],
    ['that the patch adds behind an import', MINE, M, `${PATCH}import { a } from 'a'; // new\n`],
    [
      'in a list of names',
      "import {\n  m, one, // why\n} from 'm';\n",
      "import {\n  m, // why\n} from 'm';\n",
      "import {\n  m, two, // why\n} from 'm';\n",
    ],
    ['above the first import', `// of m\n${MINE}`, `// of m\n${M}`, `// of m\nimport 'p';\n${PATCH}`],
  ])('%s are a conflict', async (_name, current, before, after) => {
    expect(await merge('a.ts', current + body, before + body, after + body)).toBeUndefined();
  });

  test('that nobody changes stay', async () => {
    const head = '// License.\n\n';
    const tail = `// of a, and "b"\n${A}`;
    const [mine, before, patch] = [MINE, M, PATCH].map((text) => head + text + tail + body);
    const merged = await merge('a.ts', mine as string, before as string, patch as string);
    expect(merged).toBe(head + BOTH + tail + body);
  });

  test('are no names', () => {
    const [statement] = importsOf('script', "import {\n  a, // one, two\n  /* c, */ b,\n} from 'm';\n");
    expect(statement?.bindings.map(({ text }) => text)).toEqual(['a', 'b']);
  });
});

describe('imports whose order matters', () => {
  const FUTURE = 'from __future__ import annotations\n';
  test.each([
    ['one that the patch puts first', 'a.ts', A + M, M, `import 'p';\n${M}`, `import 'p';\n${A}${M}`],
    [
      'also in a sorted block',
      'a.ts',
      A + MINE,
      A + M,
      `import 'p';\n${A}${PATCH}`,
      `import 'p';\n${A}${BOTH}`,
    ],
    [
      'two in their order',
      'a.ts',
      A + M,
      M,
      `import 'q';\nimport 'p';\n${M}`,
      `import 'q';\nimport 'p';\n${A}${M}`,
    ],
    [
      'before the import that follows it',
      'a.ts',
      `${A}${MINE}`,
      A + M,
      `${A}import 'p';\n${PATCH}`,
      `${A}import 'p';\n${BOTH}`,
    ],
    [
      'at the end where it was last',
      'a.ts',
      M + A,
      M,
      `${M}import './x.css';\n`,
      `${M}${A}import './x.css';\n`,
    ],
    [
      'of both sides',
      'a.ts',
      `${M}import './a.css';\n`,
      M,
      `${M}import './b.css';\n`,
      `${M}import './a.css';\nimport './b.css';\n`,
    ],
    [
      'from the future',
      'a.py',
      'import abc\nimport os\n',
      'import os\n',
      `${FUTURE}import os\n`,
      `${FUTURE}import abc\nimport os\n`,
    ],
    [
      'others stay behind them',
      'a.py',
      `${FUTURE}from m import a, b\n`,
      `${FUTURE}from m import a\n`,
      `${FUTURE}from m import a, c\nfrom .x import y\n`,
      `${FUTURE}from m import a, b, c\nfrom .x import y\n`,
    ],
    [
      'a move of one is a conflict',
      'a.ts',
      `${MINE}import 'p';\n`,
      `${M}import 'p';\n`,
      `import 'p';\n${PATCH}`,
      undefined,
    ],
  ])('%s', async (_name, path, current, before, after, expected) => {
    const rest = path.endsWith('.py') ? '\nx = 1\n' : body;
    expect(await merge(path, current + rest, before + rest, after + rest)).toBe(
      expected === undefined ? undefined : expected + rest,
    );
  });
});

test.each([
  ['continued on the next line', (name: string) => `from m import a, \\\n    b, ${name}\n`],
  ['with a statement behind it', (name: string) => `from m import a, ${name}; x = 1\n`],
])('an import of Python %s is merged by lines alone', async (_name, of) => {
  expect(importsOf('python', of('c'))).toEqual([]);
  expect(
    await merge('a.py', `import os\n${of('c')}`, `import os\n${of('x')}`, `import os\n${of('d')}`),
  ).toBeUndefined();
});
