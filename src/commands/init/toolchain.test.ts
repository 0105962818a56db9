import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { projectLanguages } from './project-languages.js';
import { detectToolchain } from './toolchain.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-toolchain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const detect = (missing: readonly string[] = [], project = folder) =>
  detectToolchain(project, folder, (program) => !missing.includes(program));
const commands = async () => (await detect()).gates.map(({ command }) => command);

test.each<[Record<string, string>, string | undefined]>([
  [{}, undefined],
  [{ 'package.json': '{}' }, 'npm'],
  [{ 'package.json': '{ not json' }, 'npm'],
  [{ 'package.json': '{}', 'pnpm-lock.yaml': '' }, 'pnpm'],
  [{ 'package.json': '{}', 'yarn.lock': '' }, 'yarn'],
  [{ 'package.json': '{}', 'bun.lock': '' }, 'bun'],
  [{ 'package.json': '{"packageManager":"pnpm@9.1.0"}', 'package-lock.json': '{}' }, 'pnpm'],
  [{ 'package.json': '{"packageManager":"odd@1"}', 'yarn.lock': '' }, 'yarn'],
])('the package manager of %j', async (files, expected) => {
  write(files);
  expect((await detect()).packageManager).toBe(expected);
});

test('the lock file of a workspace stands at the root of the repository', async () => {
  write({ 'pnpm-lock.yaml': '', 'packages/a/package.json': '{"scripts":{"test":"vitest run"}}' });
  const found = await detect([], join(folder, 'packages/a'));
  expect([found.packageManager, found.gates.map(({ command }) => command)]).toEqual(['pnpm', ['pnpm test']]);
});

test.each<[string, Record<string, string>, string[]]>([
  [
    'scripts, the cheap ones first',
    { 'package.json': '{"scripts":{"test":"a","type-check":"b","lint":"c"}}' },
    ['npm run lint', 'npm run type-check', 'npm test'],
  ],
  [
    'bun has a test runner of its own',
    { 'package.json': '{"scripts":{"test":"vitest"}}', 'bun.lock': '' },
    ['bun run test'],
  ],
  [
    'not what npm init writes',
    { 'package.json': '{"scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}' },
    [],
  ],
  ['not what never ends', { 'package.json': '{"scripts":{"test":"jest --watch","lint":""}}' }, []],
  [
    'TypeScript without a script',
    { 'package.json': '{"devDependencies":{"typescript":"6"}}', 'tsconfig.json': '{}' },
    ['tsc --noEmit'],
  ],
  [
    'a Makefile',
    { Makefile: 'lint := x\ntest: build\n\tgo test\ntypecheck : \n' },
    ['make typecheck', 'make test'],
  ],
  [
    'a Makefile before the language',
    { Makefile: 'test:\n', 'Cargo.toml': '' },
    ['cargo check --offline --all-targets', 'make test'],
  ],
  ['Rust', { 'Cargo.toml': '' }, ['cargo check --offline --all-targets', 'cargo test --offline']],
  ['Python', { 'pyproject.toml': '[tool.ruff]\n[tool.pytest.ini_options]\n' }, ['ruff check', 'pytest']],
  ['Python in its own environment', { 'pytest.ini': '', '.venv/bin/pytest': '' }, ['.venv/bin/pytest']],
  [
    'a package.json beside another language',
    { 'package.json': '{"devDependencies":{"conductor-build":"1"}}', 'pyproject.toml': '[tool.pytest]\n' },
    ['pytest'],
  ],
  [
    'all languages that are there',
    {
      'package.json': '{"scripts":{"test":"vitest run"}}',
      'Cargo.toml': '',
      'pyproject.toml': '[project.optional-dependencies]\ndev = ["pytest"]\n',
      'tests/test_a.py': '',
    },
    ['cargo check --offline --all-targets', 'npm test', 'cargo test --offline', 'pytest'],
  ],
  [
    'make for all languages beside scripts, once',
    {
      'package.json': '{"scripts":{"test":"vitest run"}}',
      Makefile: 'test:\n\tnpm test\nlint:\n\truff check\n',
      'pytest.ini': '',
    },
    ['make lint', 'npm test', 'pytest'],
  ],
  ['unittest', { 'tests/test_a.py': 'import unittest\n' }, ['python3 -m unittest discover -s tests -t .']],
  ['a shell script that tests', { 'scripts/test.sh': '' }, ['sh scripts/test.sh']],
  ['bats', { 'test/a.bats': '' }, ['bats test']],
  ['nothing known', { 'main.c': '' }, []],
])('%s', async (_what, files, expected) => {
  write(files);
  expect(await commands()).toEqual(expected);
});

test('Go keeps its cache where a sandbox lets it write', async () => {
  write({ 'go.mod': 'module x\n' });
  expect(await commands()).toEqual([
    expect.stringMatching(/^GOCACHE=.* go vet/),
    expect.stringMatching(/ go test \.\/\.\.\.$/),
  ]);
  expect((await detect(['go'])).missing.map(({ program }) => program)).toEqual(['go', 'go']);
});

test('a program that is not there is named, and its gate left out', async () => {
  write({ 'package.json': '{"scripts":{"test":"a"}}', 'pnpm-lock.yaml': '' });
  const found = await detect(['pnpm']);
  expect(found.gates).toEqual([]);
  expect(found.missing).toMatchObject([{ gate: { command: 'pnpm test' }, program: 'pnpm' }]);
});

test('what is installed is linked', async () => {
  write({
    'package.json': '{"devDependencies":{"prettier":"3"}}',
    'packages/a/node_modules/x': '',
    '.venv/pyvenv.cfg': '',
  });
  const found = await detect();
  expect(found.links).toEqual(['node_modules', '.venv']);
  expect(found.dependencies).toEqual(new Set(['prettier']));
});

test('a project in a folder of a monorepo links what lies above it', async () => {
  write({
    'package.json': '{"workspaces":["apps/*"]}',
    'tsconfig.base.json': '{}',
    'README.md': '',
    'node_modules/vitest/package.json': '{}',
    'apps/web/package.json': '{"scripts":{"test":"vitest run"}}',
  });
  const { links } = await detect([], join(folder, 'apps/web'));
  expect(links).toEqual(['node_modules', '../../node_modules', '../../tsconfig.base.json']);
});

test("packages of Yarn's Plug'n'Play are installed for workspaces", async () => {
  write({ 'package.json': '{}', 'yarn.lock': '', '.pnp.cjs': '' });
  const found = await detect();
  expect([found.links, found.setup?.commands]).toEqual([[], ['yarn install --immutable']]);
});

test.each<[Record<string, string>, string[]]>([
  [{}, []],
  [{ 'package.json': '{}', 'a.py': '' }, ['javascript', 'python']],
  [{ 'package.json': '{"devDependencies":{"conductor-build":"1"}}', 'go.mod': '' }, ['go']],
  [{ 'package.json': '{"devDependencies":{"conductor-build":"1"}}' }, ['javascript']],
  [{ 'package.json': '{ not json', 'Cargo.toml': '' }, ['javascript', 'rust']],
  [{ 'scripts/a.sh': '' }, ['shell']],
  [{ 'test/run.sh': '', 'tests/test_a.py': '' }, ['python', 'shell']],
])('the languages of %j', async (files, expected) => {
  write(files);
  expect([...(await projectLanguages(folder))].sort()).toEqual(expected);
});
