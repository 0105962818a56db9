/** From `git clone` to a published feature: libraries with vitest and Prettier, and monorepos of pnpm and yarn. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ExistingProject } from './existing-project.js';

const NPM = ['install', '--no-audit', '--no-fund', '--prefer-offline'];

const SUM = {
  'src/sum.ts': 'export const sum = (a: number, b: number): number => a + b;\n',
  'src/sum.test.ts':
    "import { expect, test } from 'vitest';\nimport { sum } from './sum.js';\ntest('sums', () => expect(sum(1, 2)).toBe(3));\n",
};

test.each(['1.6.1', '2.1.9', '4.1.12'])('a library with vitest %s and a config file', async (version) => {
  using project = new ExistingProject({
    ...SUM,
    'package.json': JSON.stringify({
      name: 'library',
      type: 'module',
      scripts: { test: 'vitest run', typecheck: 'tsc -b' },
      devDependencies: { vitest: version, typescript: '5.9.3' },
    }),
    'vitest.config.ts':
      "import { defineConfig } from 'vitest/config';\nexport default defineConfig({ test: { include: ['src/**/*.test.ts'] } });\n",
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        ...{ strict: true, module: 'nodenext', target: 'es2022', skipLibCheck: true, composite: true },
        ...{ outDir: 'node_modules/.tmp/out', tsBuildInfoFile: 'node_modules/.tmp/tsbuildinfo' },
      },
      include: ['src'],
    }),
    '.gitignore': 'node_modules\n',
  });
  project.run('npm', ...NPM);
  const test = `import { expect, test } from 'vitest';\nimport { product } from './product.js';\ntest('multiplies', () => expect(product(2, 3)).toBe(6));\n`;
  const product = (sign: string) => `export const product = (a: number, b: number): number => a ${sign} b;\n`;
  await project.way(
    {
      edits: [],
      outputs: ['src/product.ts', 'src/product.test.ts'],
      check: 'npm test',
      wrong: { 'src/product.ts': product('+'), 'src/product.test.ts': test },
      right: { 'src/product.ts': product('*') },
    },
    [/npm run typecheck/, /npm test/],
  );
});

/** The folder of a program from the registry, installed once for all runs. */
function programFolder(name: string, version: string): string {
  const folder = join(homedir(), '.cache/conductor-test-programs', `${name}-${version}`);
  const programs = join(folder, 'node_modules/.bin');
  if (existsSync(join(programs, name))) return programs;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', [...NPM, '--save-exact', `${name}@${version}`], { cwd: folder, stdio: 'pipe' });
  return programs;
}

/** The runner is installed at the root only; `app` imports `core` by its name. */
const MONOREPO = {
  'package.json': JSON.stringify({
    ...{ name: 'top', private: true, type: 'module', scripts: { test: 'vitest run' } },
    devDependencies: { vitest: '3.2.4' },
  }),
  'pnpm-workspace.yaml': 'packages:\n  - "packages/*"\n  - "apps/*"\n',
  '.gitignore': 'node_modules\n',
  'packages/core/package.json': '{"name":"@acme/core","type":"module","exports":"./src/index.ts"}',
  'packages/core/src/index.ts': 'export const greet = (name: string): string => `Hello ${name}`;\n',
  'packages/app/package.json':
    '{"name":"@acme/app","type":"module","dependencies":{"@acme/core":"workspace:*"}}',
  'packages/app/src/page.ts':
    "import { greet } from '@acme/core';\nexport const page = (): string => greet('Ada');\n",
  'packages/app/src/page.test.ts':
    "import { expect, test } from 'vitest';\nimport { page } from './page.ts';\ntest('greets', () => expect(page()).toMatch(/^(Hello|Good day) Ada$/));\n",
};

const core = (word: string) => `export const greet = (name: string): string => \`${word} \${name}\`;\n`;

test('a monorepo of pnpm whose runner is hoisted: gates test the code of the workspace', async () => {
  const pnpm = programFolder('pnpm', '9.15.9');
  using project = new ExistingProject(MONOREPO, [pnpm]);
  project.run('pnpm', 'install', '--store-dir', join(project.clone.root, 'store'));
  await project.way(
    {
      edits: ['packages/core/src/index.ts'],
      outputs: ['packages/core/README.md'],
      check: 'pnpm test',
      // Only the test of another package, which imports this one by its name, can tell.
      wrong: { 'packages/core/src/index.ts': core('Bye'), 'packages/core/README.md': 'Greets.\n' },
      right: { 'packages/core/src/index.ts': core('Good day') },
    },
    [/pnpm test/],
  );
  expect(existsSync(project.clone.path('node_modules/.vite'))).toBe(false);
});

test('a monorepo of yarn 1: gates test the code of the workspace', async () => {
  const yarn = programFolder('yarn', '1.22.22');
  const { 'pnpm-workspace.yaml': _, ...files } = MONOREPO;
  using project = new ExistingProject(
    {
      ...files,
      'package.json': JSON.stringify({
        ...JSON.parse(MONOREPO['package.json']),
        workspaces: ['packages/*'],
      }),
      'packages/core/package.json':
        '{"name":"@acme/core","version":"1.0.0","type":"module","exports":"./src/index.ts"}',
      'packages/app/package.json':
        '{"name":"@acme/app","version":"1.0.0","type":"module","dependencies":{"@acme/core":"1.0.0"}}',
    },
    [yarn],
  );
  project.run('yarn', 'install', '--silent', '--cache-folder', join(project.clone.root, 'yarn-cache'));
  project.clone.git('add', 'yarn.lock');
  await project.way(
    {
      edits: ['packages/core/src/index.ts'],
      outputs: ['packages/core/README.md'],
      check: 'yarn test',
      wrong: { 'packages/core/src/index.ts': core('Bye'), 'packages/core/README.md': 'Greets.\n' },
      right: { 'packages/core/src/index.ts': core('Good day') },
    },
    [/yarn test/],
  );
});

test('an application in a folder of a monorepo: hoisted runner and root configs', async () => {
  const pnpm = programFolder('pnpm', '9.15.9');
  using project = new ExistingProject(
    {
      ...MONOREPO,
      'tsconfig.base.json': '{"compilerOptions":{"strict":true,"skipLibCheck":true,"noEmit":true}}',
      'apps/web/package.json':
        '{"name":"@acme/web","type":"module","scripts":{"test":"vitest run"},"dependencies":{"@acme/core":"workspace:*"}}',
      'apps/web/tsconfig.json': '{"extends":"../../tsconfig.base.json","include":["src"]}',
      'apps/web/src/title.ts':
        "import { greet } from '@acme/core';\nexport const title = (): string => greet('web');\n",
      'apps/web/src/title.test.ts':
        "import { expect, test } from 'vitest';\nimport { title } from './title.ts';\ntest('titles', () => expect(title()).toBe('Hello web'));\n",
    },
    [pnpm],
  );
  project.run('pnpm', 'install', '--store-dir', join(project.clone.root, 'store'));
  project.enter('apps/web');
  const foot = (text: string) => `export const foot = (): string => '${text}';\n`;
  const said = await project.way(
    {
      edits: [],
      outputs: ['src/foot.ts', 'src/foot.test.ts'],
      check: 'pnpm test',
      wrong: {
        'src/foot.ts': foot('bad'),
        'src/foot.test.ts':
          "import { expect, test } from 'vitest';\nimport { foot } from './foot.ts';\ntest('foot', () => expect(foot()).toBe('good'));\n",
      },
      right: { 'src/foot.ts': foot('good') },
    },
    [/pnpm test/],
  );
  expect(said).toContain('wrote');
  expect(project.clone.read('conductor.config.ts')).toMatch(
    /"\.\.\/\.\.\/node_modules"[\s\S]*tsconfig\.base/,
  );
});

test('a library with Prettier: what it formats is never drift, and its new settings ask no agent', async () => {
  using project = new ExistingProject({
    'package.json': JSON.stringify({
      ...{ name: 'library', private: true, type: 'module', scripts: { test: 'prettier --check src' } },
      devDependencies: { prettier: '3.6.2' },
    }),
    'src/sum.js': 'export const sum = (a, b) => a + b;\n',
    '.prettierrc': '{ "semi": true }\n',
    '.gitignore': 'node_modules\n',
  });
  project.run('npm', ...NPM);
  const product = 'export const product = (a, b) => a * b;\n';
  await project.way(
    {
      edits: [],
      outputs: ['src/product.js'],
      check: 'npm test',
      wrong: { 'src/product.js': 'export const product = (a,  b) => a*b' },
      right: { 'src/product.js': product },
    },
    [],
  );
  const config = project.clone.read('conductor.config.ts');
  const format = "  format: [{ run: 'npx prettier --write', files: '**/*.js' }],\n";
  project.clone.write(
    'conductor.config.ts',
    config.replace("  rebase: 'off',\n", (line) => line + format),
  );
  project.clone.write('.prettierrc', '{ "semi": false }\n');
  project.run('npx', 'prettier', '--write', 'src/sum.js');
  const built = await project.conductor('build');
  expect(built.code, built.text).toBe(0);
  expect(built.text).toMatch(/1 verified/);
  expect(project.clone.read('src/product.js')).toBe(product.replace(';', ''));
  project.run('npx', 'prettier', '--write', 'src');
  expect((await project.conductor('status', '--exit-code')).code).toBe(0);
});
