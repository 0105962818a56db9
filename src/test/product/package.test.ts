/**
 * The package as `npm pack` makes it, installed into another repository: its tarball is unpacked into `node_modules`,
 * and the dependencies are linked from this repository, so that no network is needed.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBuilt, filesBelow, PACKAGE, TemporaryProject } from '../rig/command-line.js';

let project: TemporaryProject;
let installed: string;

beforeAll(() => {
  ensureBuilt();
  project = new TemporaryProject();
  const env = { PATH: process.env.PATH, HOME: project.home };
  // The scripts are left out: dist is there, and this test must not write it while others read it.
  const packed = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--offline', '--pack-destination', project.root],
    { cwd: PACKAGE, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  installed = project.path('node_modules/conductor-build');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', join(project.root, filename), '-C', installed, '--strip-components=1']);
  linkDependencies();
  mkdirSync(project.path('node_modules/.bin'));
  symlinkSync('../conductor-build/bin/conductor.js', project.path('node_modules/.bin/conductor'));
  execFileSync('chmod', ['+x', join(installed, 'bin/conductor.js')]);
});

afterAll(() => project?.dispose());

/** What `npm install` would fetch: every package that the package's own dependencies lead to, and no other. */
function linkDependencies(): void {
  interface Manifest {
    readonly dependencies?: Record<string, string>;
    readonly optionalDependencies?: Record<string, string>;
  }
  const wanted = [join(installed, 'package.json')];
  for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const from = join(PACKAGE, 'node_modules', name);
      const to = project.path(join('node_modules', name));
      if (existsSync(to) || !existsSync(from)) continue;
      mkdirSync(join(to, '..'), { recursive: true });
      symlinkSync(from, to);
      wanted.push(join(from, 'package.json'));
    }
  }
}

function npx(...args: string[]): string {
  return execFileSync('npx', ['--offline', '--no', '--', ...args], {
    cwd: project.dir,
    env: { PATH: process.env.PATH, HOME: project.home, NO_COLOR: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('the package holds what it needs and no source, test or map', () => {
  const files = Object.keys(filesBelow(installed));
  for (const needed of [
    'package.json',
    'LICENSE',
    'bin/conductor.js',
    'dist/start.cjs',
    'dist/main.cjs',
    'dist/later/questions.cjs',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/pool-worker.js',
    'dist/outline-worker.js',
    'dist/command-runner.js',
    'schemas/backlog.schema.json',
  ])
    expect(files).toContain(needed);
  expect(files.filter((path) => /\.test\.[jt]s$|^src\/|\.map$|^node_modules\//.test(path))).toEqual([]);
  const text = files.map((path) => readFileSync(join(installed, path), 'utf8'));
  expect(
    files.filter((_, i) => text[i]?.includes(PACKAGE)),
    'paths of this machine',
  ).toEqual([]);
});

test('its library entry gives defineConfig, with types', async () => {
  const { exports } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const types = readFileSync(join(installed, exports['.'].types), 'utf8');
  expect(types).toContain('defineConfig');
  project.write(
    'use.mjs',
    "import { defineConfig } from 'conductor-build'; console.log(JSON.stringify(defineConfig({ workers: 2 })));\n",
  );
  const said = execFileSync(process.execPath, ['use.mjs'], { cwd: project.dir, encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual({ workers: 2 });
  project.remove('use.mjs');
});

test('npx conductor build builds an example there', () => {
  project.write('.gitignore', 'node_modules/\n.conductor/\nout/\n');
  project.write('package.json', '{ "name": "somebody", "private": true }\n');
  project.write(
    'conductor.config.ts',
    [
      "import { type ConductorConfig, defineConfig } from 'conductor-build';",
      "const name: string = 'not empty';",
      "const config: ConductorConfig = { workers: 2, gates: { task: [{ name, run: 'test -s out/hello.txt' }] } };",
      'export default defineConfig(config);',
      '',
    ].join('\n'),
  );
  project.write('templates/hello.hbs', 'Hello {{name}}\n');
  project.write(
    'specs/hello/BACKLOG.yaml',
    [
      '# yaml-language-server: $schema=../../node_modules/conductor-build/schemas/backlog.schema.json',
      'tasks:',
      '  - id: T01',
      '    title: Greeting',
      '    inputs: []',
      '    outputs: [out/hello.txt]',
      '    render: [{ template: hello.hbs, to: out/hello.txt, with: { name: world } }]',
      '  - id: T02',
      '    title: Louder',
      '    depends_on: [T01]',
      '    inputs: []',
      '    outputs: [out/loud.txt]',
      '    run: tr a-z A-Z < out/hello.txt > out/loud.txt',
      '',
    ].join('\n'),
  );
  project.commit();
  expect(npx('conductor', 'validate')).toBe('conductor: 1 feature with 2 tasks: no problems\n');
  expect(npx('conductor', 'build')).toMatch(/conductor: built 2 in /);
  expect(filesBelow(project.path('out'))).toEqual({
    'hello.txt': 'f:Hello world\n',
    'loud.txt': 'f:HELLO WORLD\n',
  });
  expect(npx('conductor', 'build')).toBe('conductor: nothing to do (2 fresh)\n');
  // Editors find the schema that the lock file names.
  const lock = JSON.parse(project.read('specs/hello/.metadata.json')) as { $schema: string };
  expect(existsSync(project.path(join('specs/hello', lock.$schema)))).toBe(true);
  expect(readdirSync(project.dir)).not.toContain('dist');
  expect(project.git('status', '--porcelain')).toBe('?? specs/hello/.metadata.json\n');
});
