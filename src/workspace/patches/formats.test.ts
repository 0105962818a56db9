/** Merges of known formats: what both sides add is there once, and the merged text is one that the format allows. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../io/document/document.js';
import { mergeByFormat } from './formats.js';
import { importsOf } from './import-statements.js';

async function merge(path: string, current: string, before: string, after: string) {
  const sides = { current: Buffer.from(current), before: Buffer.from(before), after: Buffer.from(after) };
  return (await mergeByFormat(path, sides))?.toString('utf8');
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('');

describe('JSON', () => {
  const base = {
    name: 'x',
    scripts: { test: 'vitest' },
    dependencies: { b: '1.0.0', d: '1.0.0' },
    files: ['dist'],
  };
  const withDependency = (name: string, version = '1.0.0') =>
    json({
      ...base,
      dependencies: Object.fromEntries(Object.entries({ ...base.dependencies, [name]: version }).sort()),
    });

  test.each([
    ['two dependencies, each in its place', withDependency('a'), withDependency('c'), ['a', 'b', 'c', 'd']],
    ['two that would stand at one place', withDependency('e'), withDependency('f'), ['b', 'd', 'e', 'f']],
    ['the same one is one', withDependency('e'), withDependency('e'), ['b', 'd', 'e']],
  ])('%s', async (_name, current, after, names) => {
    for (const [one, other] of [
      [current, after],
      [after, current],
    ] as const) {
      const merged = await merge('package.json', one, json(base), other);
      expect(Object.keys(JSON.parse(merged ?? '{}').dependencies)).toEqual(names);
      expect(merged).toBe(json(JSON.parse(merged ?? '{}')));
    }
  });

  test('versions that differ are a conflict, and so is one value with two changes', async () => {
    expect(
      await merge('package.json', withDependency('e', '1.0.0'), json(base), withDependency('e', '2.0.0')),
    ).toBeUndefined();
    const scripts = (command: string) => json({ ...base, scripts: { test: command } });
    expect(await merge('package.json', scripts('a'), json(base), scripts('b'))).toBeUndefined();
    const gone = json({ ...base, scripts: undefined });
    expect(await merge('package.json', gone, json(base), scripts('b'))).toBeUndefined();
  });

  test('keys of objects that are new on both sides are put together, lists are sets', async () => {
    const current = json({ ...base, engines: { node: '20' }, files: ['dist', 'bin'] });
    const after = json({ ...base, engines: { npm: '10' }, files: ['dist', 'docs'] });
    const merged = JSON.parse((await merge('package.json', current, json(base), after)) ?? '{}');
    expect(merged.engines).toEqual({ node: '20', npm: '10' });
    expect(merged.files).toEqual(['dist', 'bin', 'docs']);
  });

  test('comments, indentation and line ends of the file stay', async () => {
    const text = '{\r\n\t// why\r\n\t"a": 1,\r\n\t"c": 3\r\n}\r\n';
    const merged = await merge(
      'tsconfig.json',
      text.replace('"a": 1,', '"a": 1,\r\n\t"b": 2,'),
      text,
      text.replace('"c": 3', '"c": 3,\r\n\t"d": 4'),
    );
    expect(merged).toBe('{\r\n\t// why\r\n\t"a": 1,\r\n\t"b": 2,\r\n\t"c": 3,\r\n\t"d": 4\r\n}\r\n');
  });
});

describe('imports', () => {
  const body = '\nexport const table = [];\n';
  test.each([
    [
      'the same name, added at two places',
      'a.ts',
      `import { z } from 'z';\nimport { a } from './a';\n${body}`,
      `import { z } from 'z';\n${body}`,
      `import { a } from './a';\nimport { z } from 'z';\n${body}`,
      `import { z } from 'z';\nimport { a } from './a';\n${body}`,
    ],
    [
      'two insertions at one place that share a line',
      'a.ts',
      `import { z } from 'z';\nimport { s } from './s';\nimport { a } from './a';\n${body}`,
      `import { z } from 'z';\n${body}`,
      `import { z } from 'z';\nimport { b } from './b';\nimport { s } from './s';\n${body}`,
      `import { z } from 'z';\nimport { s } from './s';\nimport { a } from './a';\nimport { b } from './b';\n${body}`,
    ],
    [
      'names of one module',
      'a.tsx',
      `import { a, b } from 'm';\n${body}`,
      `import { a } from 'm';\n${body}`,
      `import { a, c } from 'm';\n${body}`,
      `import { a, b, c } from 'm';\n${body}`,
    ],
    [
      'names of one module, one a line',
      'a.ts',
      `import {\n  a,\n  b,\n} from 'm';\n${body}`,
      `import {\n  a,\n} from 'm';\n${body}`,
      `import {\n  a,\n  c,\n} from 'm';\n${body}`,
      `import {\n  a,\n  b,\n  c,\n} from 'm';\n${body}`,
    ],
    [
      'in a file without any, below its comment',
      'a.ts',
      `// head\nimport { a } from 'a';\nimport { s } from 's';\n${body}`,
      `// head\n${body}`,
      `// head\nimport { b } from 'b';\nimport { s } from 's';\n${body}`,
      `// head\nimport { a } from 'a';\nimport { s } from 's';\nimport { b } from 'b';\n${body}`,
    ],
    [
      'one that the other side has taken out',
      'a.ts',
      `import { a, b } from 'm';\nimport { x } from 'x';\n${body}`,
      `import { a } from 'm';\nimport { x } from 'x';\n${body}`,
      `import { c } from 'm';\n${body}`,
      `import { b, c } from 'm';\n${body}`,
    ],
    [
      'of Python',
      'a.py',
      'import os\nfrom m import a, b\n\nx = 1\n',
      'from m import a\n\nx = 1\n',
      'import os\nfrom m import a, c\n\nx = 1\n',
      'import os\nfrom m import a, b, c\n\nx = 1\n',
    ],
  ])('%s', async (_name, path, current, before, after, expected) => {
    expect(await merge(path, current, before, after)).toBe(expected);
  });

  test('one name for two things is a conflict', async () => {
    const [one, two] = ["import { a } from './x';\n", "import { a } from './y';\n"];
    expect(await merge('a.ts', one + body, body, two + body)).toBeUndefined();
  });

  test('what a side has twice itself is left to it', async () => {
    const before = `import { a } from 'x';\nimport { a } from 'x';\n${body}`;
    expect(await merge('a.ts', `${before}one();\n`, before, `two();\n${before}`)).toBe(
      `two();\n${before}one();\n`,
    );
  });
});

describe('lists with one entry a line', () => {
  test.each([
    [
      'Cargo.toml',
      '[dependencies]\n',
      'serde = "1"\n',
      'serde = "1"\ntokio = "1"\n',
      '[dependencies]\nserde = "1"\ntokio = "1"\n',
    ],
    ['Cargo.toml', '[dependencies]\n', 'serde = "1"\n', 'serde = "2"\n', undefined],
    // The list ends with its last entry: what follows are keys.
    ...['"b"]', '"b[x]"] # all', "'b]' ]"].map((last): [string, string, string, string, string] => [
      'pyproject.toml',
      `[project]\ndependencies = [\n  "a[x]",\n  ${last}\n`,
      'name = "n"\n',
      'name = "n"\nreadme = "r"\n',
      `[project]\ndependencies = [\n  "a[x]",\n  ${last}\nname = "n"\nreadme = "r"\n`,
    ]),
    [
      'go.mod',
      'module m\n\nrequire (\n\tx v1\n',
      '\ta v1\n)\n',
      '\ta v1\n\tb v1\n)\n',
      'module m\n\nrequire (\n\tx v1\n\ta v1\n\tb v1\n)\n',
    ],
    ['requirements.txt', 'x==1\n', 'Flask==1\n', 'flask==2\n', undefined],
    ['.gitignore', 'dist/\n', 'tmp/\nlogs/\n', 'cache/\ntmp/\n', 'dist/\ntmp/\nlogs/\ncache/\n'],
    [
      'src/routes.ts',
      'const t = [\n',
      '  one,\n  both,\n',
      '  two,\n  both,\n',
      'const t = [\n  one,\n  both,\n  two,\n',
    ],
    ['a.yaml', 'jobs:\n', '  a: 1\n', '  a: 2\n', undefined],
    // Several documents and tags of a program: not a spec, but YAML.
    ['a.yaml', 'x: !Ref y\n---\njobs:\n', '  a: 1\n', '  a: 2\n', undefined],
    ['a.yaml', 'on:\n', '  - push\n', '  - push\n  - pull\n', 'on:\n  - push\n  - pull\n'],
  ])('%s (%#)', async (path, head, ours, theirs, expected) => {
    const tail = path === 'go.mod' ? ')\n' : path.endsWith('.ts') ? '];\n' : '';
    const of = (text: string) => head + (tail !== '' && text.endsWith(tail) ? text : text + tail);
    const wanted = expected === undefined || expected.endsWith(tail) ? expected : expected + tail;
    expect(await merge(path, of(ours), of(''), of(theirs))).toBe(wanted);
  });

  test('lines that say nothing alone are never taken out', async () => {
    const block = (name: string) => `function ${name}() {\n  work();\n}\n`;
    const merged = await merge('a.c', `x\n${block('a')}`, 'x\n', `x\n${block('b')}`);
    expect(merged?.match(/work\(\);/g)?.length).toBeGreaterThanOrEqual(1);
    expect(merged?.match(/}/g)?.length).toBe(merged?.match(/{/g)?.length);
  });
});

describe('whatever independent changes', () => {
  const names = fc.uniqueArray(fc.constantFrom(...'abcdefghijkl'), { maxLength: 8 });
  const added = fc.record({ base: names, ours: names, theirs: names });
  const version = (name: string) => `${name.charCodeAt(0)}.0.0`;
  const sorted = (...all: readonly string[][]) => [...new Set(all.flat())].sort();

  test('dependencies are merged alike in both orders, valid and sorted', async () => {
    await fc.assert(
      fc.asyncProperty(added, async ({ base, ours, theirs }) => {
        const manifest = (...all: string[][]) =>
          json({
            name: 'x',
            dependencies: Object.fromEntries(sorted(...all).map((name) => [name, version(name)])),
          });
        const [b, c, a] = [manifest(base), manifest(base, ours), manifest(base, theirs)];
        const merged = await merge('package.json', c, b, a);
        expect(merged).toBe(await merge('package.json', a, b, c));
        expect(merged).toBe(manifest(base, ours, theirs));
      }),
      { numRuns: 40 },
    );
  });

  test('imports are merged alike in both orders, each name once', async () => {
    await fc.assert(
      fc.asyncProperty(added, fc.boolean(), async ({ base, ours, theirs }, isOneModule) => {
        const file = (...all: string[][]) => {
          const used = sorted(...all);
          const block = isOneModule
            ? used.length === 0
              ? ''
              : `import { ${used.join(', ')} } from 'm';\n`
            : used.map((name) => `import { ${name} } from './${name}';\n`).join('');
          return `${block}\nexport const x = 1;\n`;
        };
        const [b, c, a] = [file(base), file(base, ours), file(base, theirs)];
        const merged = await merge('a.ts', c, b, a);
        const bound = importsOf('script', merged ?? '').flatMap(({ bindings }) =>
          bindings.map(({ local }) => local),
        );
        expect(bound.sort()).toEqual(sorted(base, ours, theirs));
        const other = importsOf('script', (await merge('a.ts', a, b, c)) ?? '');
        expect(other.flatMap(({ bindings }) => bindings.map(({ local }) => local)).sort()).toEqual(bound);
      }),
      { numRuns: 40 },
    );
  });

  test('a merged YAML file can be read, or is refused', async () => {
    await fc.assert(
      fc.asyncProperty(added, async ({ base, ours, theirs }) => {
        const file = (...all: string[][]) => lines('env:', ...all.flat().map((name) => `  ${name}: 1`));
        const merged = await merge('a.yml', file(sorted(base, ours)), file(base), file(sorted(base, theirs)));
        if (merged !== undefined) expect((await parseYaml(merged, '')).ok).toBe(true);
      }),
      { numRuns: 20 },
    );
  });
});
