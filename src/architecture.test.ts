/** Holds the house: floors, doors, sizes, cycles. Reads import lines only. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('.', import.meta.url));

const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  model: 1,
  io: 2,
  specs: 3,
  templates: 3,
  store: 3,
  workspace: 3,
  agent: 3,
  plan: 3,
  report: 3,
  engine: 4,
  cli: 5,
};

/** Who may import what does not belong to the house. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  ajv: ['io/ajv.ts', 'io/schema-message.ts'],
  yaml: ['io/yaml.ts', 'io/document.ts', 'io/yaml-edit.ts'],
  handlebars: ['io/template.ts'],
  piscina: ['io/pool.ts'],
  'simple-git': ['io/git/porcelain.ts'],
  jiti: ['io/module.ts'],
  diff: ['io/text-diff.ts'],
  picomatch: ['model/pattern.ts'],
  'change-case': ['io/template-functions.ts'],
  pluralize: ['io/template-functions.ts'],
  '@clack/prompts': ['cli/questions.ts'],
  chokidar: ['engine/watch/file-events.ts'],
  commander: ['cli/main.ts', 'cli/program.ts', 'cli/definitions/'],
  '@aws-sdk/client-s3': ['io/s3.ts'],
  typescript: ['io/typescript.ts'],
  'env-paths': ['cli/wire.ts'],
  '@opencode-ai/sdk': ['agent/opencode/client.ts'],
  'node:child_process': [
    'io/process.ts',
    'io/editor.ts',
    'io/git/run.ts',
    'io/git/coprocess.ts',
    'io/sandbox.ts',
  ],
};

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
  .map((entry) => join(entry.parentPath, entry.name).slice(SRC.length).replaceAll('\\', '/'))
  .filter((file) => !file.startsWith('test/'))
  .map((file) => {
    const text = readFileSync(join(SRC, file), 'utf8');
    return { file, text, imports: importsOf(text) };
  });

function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)['"]([^'"]+)['"]/gm)].map(
    (match) => match[1] as string,
  );
}

/** A relative import as a path below `src`; undefined for packages and files outside. */
function target(file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = normalize(join(dirname(file), specifier)).replaceAll('\\', '/');
  return path.startsWith('..') ? undefined : path.replace(/\.js$/, '.ts');
}

const floorOf = (file: string) => FLOORS[file.split('/')[0] as string];

test('imports go down only, and rooms of one floor do not know each other', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports.flatMap((specifier) => {
      const to = target(file, specifier);
      if (to === undefined || floorOf(file) === undefined) return [];
      const sameRoom = file.split('/')[0] === to.split('/')[0];
      const down = (floorOf(to) ?? 9) < (floorOf(file) as number);
      return sameRoom || down ? [] : [`${file} imports ${to}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test('there is no cycle of files, type imports included', () => {
  const graph = new Map(
    sources.map(({ file, imports }) => [file, imports.flatMap((one) => target(file, one) ?? [])]),
  );
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (file: string, path: readonly string[]) => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  expect(cycles).toEqual([]);
});

test('each package has one door', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports.flatMap((specifier) => {
      const name = specifier.startsWith('@')
        ? specifier.split('/').slice(0, 2).join('/')
        : (specifier.split('/')[0] as string);
      if (specifier.startsWith('.') || (name.startsWith('node:') && !DOORS[name])) return [];
      return DOORS[name]?.some((door) => (door.endsWith('/') ? file.startsWith(door) : file === door))
        ? []
        : [`${file} imports ${specifier}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test('no file has more than 300 lines', () => {
  const long = sources
    .map(({ file, text }) => [file, text.split('\n').length - 1] as const)
    .filter(([, lines]) => lines > 300);
  expect(long).toEqual([]);
});

test('every file says in its first sentence what it knows', () => {
  expect(sources.filter(({ text }) => !text.startsWith('/**')).map(({ file }) => file)).toEqual([]);
});

test('console, the exit of the process and the clock belong to the command line', () => {
  const uses = /\bconsole\.|\bprocess\.(exit|argv|stdout|stderr|exitCode)\b|\bDate\.now\(\)|\bnew Date\(\)/;
  const wrong = sources.filter(
    ({ file, text }) => !file.startsWith('cli/') && uses.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

test('process.env is read where programs are started and in the command line only', () => {
  const wrong = sources.filter(
    ({ file, text }) => !/^(cli|io)\//.test(file) && /\bprocess\.env\b/.test(text),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

test('file names are kebab-case nouns, and no room is called util', () => {
  const wrong = sources.filter(
    ({ file }) =>
      !/^([a-z]+(-[a-z]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file) || /util|helper|manager/.test(file),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});
