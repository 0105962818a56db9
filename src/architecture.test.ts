/** Checks the architecture: layers, adapters, cycles, sizes of files and folders, names from outside. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';
import { bannedInName, bannedInText } from './test/rig/banned-words.js';

const SRC = fileURLToPath(new URL('.', import.meta.url));

/** A module may import the modules below it. Modules of one layer do not import each other, except as named here. */
const LAYERS: Readonly<Record<string, number>> = {
  base: 0,
  model: 1,
  io: 2,
  ui: 2,
  specs: 3,
  templates: 3,
  store: 3,
  workspace: 3,
  agent: 3,
  plan: 3,
  report: 3,
  project: 4,
  analysis: 4,
  execution: 5,
  build: 6,
  commands: 7,
  cli: 8,
};

/** Imports between modules of one layer: importer, imported, and the reason. */
const SIDEWAYS: readonly (readonly [from: string, to: string, why: string])[] = [
  ['analysis', 'project', 'a verdict is computed for tasks of a loaded project'],
];

/** The files that may import a package or start processes: its adapters. A name that ends in `/` is a folder. */
const ADAPTERS: Readonly<Record<string, readonly string[]>> = {
  ajv: ['io/document/ajv.ts', 'io/document/schema-message.ts'],
  'mdast-util-from-markdown': ['io/document/markdown-items.ts'],
  'mdast-util-to-string': ['io/document/markdown-items.ts'],
  yaml: [
    'io/document/yaml.ts',
    'io/document/compose.ts',
    'io/document/document.ts',
    'io/document/salvage.ts',
    'io/document/yaml-edit.ts',
  ],
  'jsonc-parser': ['io/document/json-edit.ts'],
  handlebars: ['io/template/template.ts'],
  piscina: ['io/pool/thread-pool.ts'],
  'simple-git': ['io/git/porcelain.ts'],
  jiti: ['io/module.ts'],
  diff: ['io/text-diff.ts', 'ui/parts/diff.tsx'],
  preact: ['ui/'],
  uplot: ['ui/parts/chart.tsx'],
  'change-case': ['io/template/template-functions.ts'],
  pluralize: ['io/template/template-functions.ts'],
  '@clack/prompts': ['cli/questions.ts'],
  chokidar: ['commands/watch/file-events.ts'],
  commander: ['cli/main.ts', 'cli/program.ts', 'cli/definitions/'],
  '@aws-sdk/client-s3': ['io/network/s3.ts'],
  bullmq: ['io/queue/'],
  ioredis: ['io/queue/'],
  '@agentclientprotocol/sdk': ['agent/acp/connection.ts'],
  '@modelcontextprotocol/sdk': ['io/network/mcp.ts'],
  typescript: ['io/typescript.ts', 'io/typescript-contract/'],
  '@opencode-ai/sdk': ['agent/opencode/client.ts'],
  'node:child_process': [
    'io/process/file-lock.ts',
    'io/process/file-system-sync.ts',
    'io/process/process.ts',
    'io/process/runner-process.ts',
    'io/process/editor.ts',
    'io/git/git-process.ts',
    'io/git/reading/sync-git.ts',
    'io/git/coprocess.ts',
    'io/git/direct/local-remote.ts',
    'io/process/sandbox/sandbox.ts',
  ],
};

const MAX_PARAMETERS = 4;

/** A file below this many lines that one other file alone imports is read with that one, and stands in it. */
const SMALL = 40;

/** Small files of their own, and why. A name that ends in `/` is a folder. */
const SMALL_FILES: Readonly<Record<string, string>> = {
  'base/': 'generic pieces that know nothing of conductor',
  'cli/commands/': 'one file a command',
  'agent/command-meter.ts': 'what counts as usage is judged apart from how a program is run',
  'agent/opencode/server/lifeline.ts': 'what Linux alone offers',
  'agent/opencode/session/blocked.ts': 'the other side of a tool that a plugin defines',
  'agent/report-file.ts': 'the other side of a file that agents write',
  'analysis/converted-files.ts': 'facts.ts has no room, and this is asked of few projects',
  'analysis/verdict-warnings.ts': 'reads verdicts, which the files of its size here are part of',
  'build/hand-edits/accept-files.ts': 'each way to record an edit is a file',
  'commands/clean.ts': 'a use case of its own',
  'commands/page/left.ts': 'pure, beside files that read the project',
  'commands/watch/parts.ts': 'what all of a watch shares',
  'io/git/ignored.ts': 'the one question to ignore rules',
  'plan/outline-worker.ts': 'the entry of a thread',
  'project/tracked-secrets.ts': 'asks git, which the rest of loading does not',
  'report/doctor.ts': 'the text of a command',
  'io/document/compiled-schema.ts': 'the bundle has compiled functions in its place',
  'report/live/event-log.ts': 'a reporter beside the others',
};

/** Where promises of a list are awaited at once, whose length no limit of ours holds, and why that is no danger. */
const AWAITED_AT_ONCE: Readonly<Record<string, string>> = {
  'base/bounded.ts': 'the limiter itself',
  'build/running-tasks.ts': 'waits for what runs, which the workers limit',
  'build/session-state.ts': 'waits for superseded builds of a watch, of which one goes on at a time',
  'commands/plan/plan-writing.ts': 'one document for each planner, and there are three planners',
  'commands/projects/build-projects.ts': 'waits for builds that a limiter starts',
  'commands/projects/watch-projects.ts': 'a watch has all its projects open',
  'commands/worker/worker-loop.ts': 'waits for the jobs of one worker, which its concurrency limits',
  'io/queue/job-board.ts': 'closes connections that are open: one for each kind of worker',
  'io/queue/job-source.ts': 'closes connections that are open: one for each kind of worker',
  'report/live/reporter.ts': 'reporters of one build: at most one for each form of output',
  'store/tiered-results.ts': 'waits for what is being sent, which the remotes limit',
  'workspace/small-trees/small-tree.ts': 'asks one git process for the sizes of at most 200 files',
};

/** Of a table of files and folders, the one that names the file. */
function entryFor(file: string, table: Iterable<string>): string | undefined {
  return [...table].find((one) => (one.endsWith('/') ? file.startsWith(one) : file === one));
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const parsedFiles = new Map<string, ts.SourceFile>();

function parsedOf(file: string, text: string): ts.SourceFile {
  const known = parsedFiles.get(file) ?? ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  parsedFiles.set(file, known);
  return known;
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !/\.(test|long)\.tsx?$/.test(entry.name))
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
  if (path.startsWith('..') || path.endsWith('.css')) return undefined;
  const source = path.replace(/\.js$/, '.ts');
  return existsSync(join(SRC, source)) ? source : path.replace(/\.js$/, '.tsx');
}

const moduleOf = (file: string) => file.split('/')[0] as string;
const layerOf = (file: string) => LAYERS[moduleOf(file)];
const isSideways = (file: string, to: string) =>
  SIDEWAYS.some(([from, target]) => from === moduleOf(file) && target === moduleOf(to));

test('every folder of src is a module with a layer', () => {
  const unknown = sources.filter(({ file }) => file.includes('/') && layerOf(file) === undefined);
  expect(unknown.map(({ file }) => file)).toEqual([]);
});

test('imports go down only, and modules of one layer do not import each other', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports.flatMap((specifier) => {
      const to = target(file, specifier);
      if (to === undefined || layerOf(file) === undefined) return [];
      const down = (layerOf(to) ?? 9) < (layerOf(file) as number);
      return moduleOf(file) === moduleOf(to) || down || isSideways(file, to) ? [] : [`${file} imports ${to}`];
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

test('each package has one adapter', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports.flatMap((specifier) => {
      const name = specifier.startsWith('@')
        ? specifier.split('/').slice(0, 2).join('/')
        : (specifier.split('/')[0] as string);
      if (specifier.startsWith('.') || (name.startsWith('node:') && !ADAPTERS[name])) return [];
      return ADAPTERS[name]?.some((adapter) =>
        adapter.endsWith('/') ? file.startsWith(adapter) : file === adapter,
      )
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

test('no function takes more than four parameters: what travels together is an object with a name', () => {
  const wrong: string[] = [];
  for (const { file, text } of sources) {
    const tree = parsedOf(file, text);
    const walk = (node: ts.Node) => {
      if (ts.isFunctionLike(node) && node.parameters.length > MAX_PARAMETERS) {
        const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
        wrong.push(`${file}:${line + 1} takes ${node.parameters.length}`);
      }
      ts.forEachChild(node, walk);
    };
    walk(tree);
  }
  expect(wrong).toEqual([]);
});

/** As long as it is written: a list without `...`, a constant, or what `map` makes of one of these. */
function isShortList(node: ts.Node | undefined): boolean {
  if (node === undefined) return false;
  if (ts.isArrayLiteralExpression(node)) return !node.elements.some(ts.isSpreadElement);
  if (ts.isIdentifier(node)) return /^[A-Z][A-Z_]*$/.test(node.text);
  const isMapped =
    ts.isCallExpression(node) &&
    ts.isPropertyAccessExpression(node.expression) &&
    node.expression.name.text === 'map';
  return isMapped && isShortList((node.expression as ts.PropertyAccessExpression).expression);
}

test('what is awaited at once is bounded: `mapBounded` goes through a list of data', () => {
  const found = new Set<string>();
  for (const { file, text } of sources) {
    const walk = (node: ts.Node) => {
      const isAll =
        ts.isCallExpression(node) && /^Promise\.(all|allSettled|any)$/.test(node.expression.getText());
      if (isAll && !isShortList(node.arguments[0])) found.add(file);
      ts.forEachChild(node, walk);
    };
    walk(parsedOf(file, text));
  }
  expect([...found].sort()).toEqual(Object.keys(AWAITED_AT_ONCE).sort());
});

/** The types of these files alone: packages are not read, and what comes from them has none. */
function typesOfSources(): { readonly checker: ts.TypeChecker; readonly trees: readonly ts.SourceFile[] } {
  const { config } = ts.readConfigFile(join(SRC, '../tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, join(SRC, '..'));
  const all = { ...options, jsx: ts.JsxEmit.Preserve, types: [], noEmit: true };
  const host = ts.createCompilerHost(all);
  const isOutside = (path: string) => path.includes('/node_modules');
  const { fileExists } = host;
  host.fileExists = (path) => !isOutside(path) && fileExists(path);
  host.directoryExists = (path) => !isOutside(path) && ts.sys.directoryExists(path);
  const files = sources.map(({ file }) => join(SRC, file));
  const program = ts.createProgram(files, all, host);
  const trees = files.flatMap((file) => program.getSourceFile(file) ?? []);
  return { checker: program.getTypeChecker(), trees };
}

test('a name is looked up in a record that is a part of data with `ownValue`: any name may be that of what every object has', () => {
  const { checker, trees } = typesOfSources();
  expect(trees.length).toBe(sources.length);
  const isName = (key: ts.Type) => (key.flags & (ts.TypeFlags.String | ts.TypeFlags.TemplateLiteral)) !== 0;
  const isRecord = (object: ts.Type) =>
    checker.getIndexInfoOfType(checker.getNonNullableType(object), ts.IndexKind.String) !== undefined;
  const wrong: string[] = [];
  for (const tree of trees) {
    const walk = (node: ts.Node) => {
      if (
        ts.isElementAccessExpression(node) &&
        ts.isPropertyAccessExpression(node.expression) &&
        !ts.isLiteralExpression(node.argumentExpression) &&
        isName(checker.getTypeAtLocation(node.argumentExpression)) &&
        isRecord(checker.getTypeAtLocation(node.expression))
      )
        wrong.push(`${tree.fileName.slice(SRC.length)}: ${node.getText(tree)}`);
      ts.forEachChild(node, walk);
    };
    walk(tree);
  }
  expect(wrong).toEqual([]);
});

test('a small file has more than one importer, or a reason in the list above', () => {
  const importers = new Map<string, number>();
  for (const { file, imports } of sources) {
    for (const to of new Set(imports.map((one) => target(file, one)))) {
      if (to !== undefined) importers.set(to, (importers.get(to) ?? 0) + 1);
    }
  }
  const small = sources
    .filter(({ file, text }) => text.split('\n').length - 1 < SMALL && importers.get(file) === 1)
    .map(({ file }) => file)
    .filter((file) => !entryFor(file, Object.values(ADAPTERS).flat()));
  expect(small.filter((file) => !entryFor(file, Object.keys(SMALL_FILES)))).toEqual([]);
});

test('no folder holds more than 25 files directly', () => {
  const counts = new Map<string, number>();
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const folder = entry.parentPath.slice(SRC.length).replaceAll('\\', '/');
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  expect([...counts].filter(([, count]) => count > 25)).toEqual([]);
});

test('every file says in its first sentence what it knows', () => {
  expect(sources.filter(({ text }) => !text.startsWith('/**')).map(({ file }) => file)).toEqual([]);
});

/** The page runs in a browser: it has a clock of its own, in one place. */
const PAGE_CLOCK = 'ui/parts/now.ts';

test('the page knows the model and nothing else of conductor', () => {
  const wrong = sources.flatMap(({ file, imports }) =>
    imports.flatMap((specifier) => {
      const to = target(file, specifier);
      const isOurs = to === undefined || ['ui', 'model'].includes(moduleOf(to));
      return moduleOf(file) !== 'ui' || isOurs ? [] : [`${file} imports ${to}`];
    }),
  );
  expect(wrong).toEqual([]);
});

test('console, the exit of the process and the clock belong to the command line', () => {
  const uses = /\bconsole\.|\bprocess\.(exit|argv|stdout|stderr|exitCode)\b|\bDate\.now\(\)|\bnew Date\(\)/;
  const wrong = sources.filter(
    ({ file, text }) =>
      !file.startsWith('cli/') &&
      file !== PAGE_CLOCK &&
      uses.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

test('process.env is read where programs are started and in the command line only', () => {
  const wrong = sources.filter(
    ({ file, text }) => !/^(cli|io)\//.test(file) && /\bprocess\.env\b/.test(text),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

test('file names are kebab-case nouns, and none is called util', () => {
  const wrong = sources.filter(
    ({ file }) =>
      !/^([a-z]+(-[a-z]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.d)?\.tsx?$/.test(file) ||
      /util|helper|manager/.test(file),
  );
  expect(wrong.map(({ file }) => file)).toEqual([]);
});

test('names of files and identifiers contain no banned word', () => {
  const wrong = new Set<string>();
  const check = (file: string, name: string) => {
    for (const { word, instead } of bannedInName(name))
      wrong.add(`${file}: \`${name}\` contains "${word}"; use: ${instead}`);
  };
  for (const { file, text } of sources) {
    check(file, file);
    const walk = (node: ts.Node) => {
      if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) check(file, node.text);
      ts.forEachChild(node, walk);
    };
    walk(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, false));
  }
  expect([...wrong]).toEqual([]);
});

test('documents contain no banned word', () => {
  const root = join(SRC, '..');
  const pages = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name));
  const wrong = [...pages, 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md'].flatMap((page) =>
    bannedInText(readFileSync(join(root, page), 'utf8')).map(
      ({ word, instead }) => `${page} contains "${word}"; use: ${instead}`,
    ),
  );
  expect([...new Set(wrong)]).toEqual([]);
});

test('banned words are found in each part and form of a name, and not in other words', () => {
  const found = (name: string) => bannedInName(name).map(({ word }) => word);
  expect(['Glance', 'mendAll', 'SETTLED', 'settling', 'partial-glances', '#wishes'].map(found)).toEqual([
    ['glance'],
    ['mend'],
    ['settle'],
    ['settle'],
    ['glance'],
    ['wish'],
  ]);
  expect(['recommend', 'wishlist', 'allSettled', 'stormy'].flatMap(found)).toEqual([]);
  expect(bannedInText('He mends `wish` it.\n```\nstorm\n```\necho').map(({ word }) => word)).toEqual([
    'mend',
  ]);
});
