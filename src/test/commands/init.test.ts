/** Holds that `conductor init` makes a project that builds at once, in repositories of several kinds, over nothing. */

import { symlinkSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { filesBelow, PACKAGE, TemporaryProject } from '../rig/command-line.js';

const projects: TemporaryProject[] = [];
afterEach(() => {
  for (const one of projects.splice(0)) one.dispose();
});

function project(files: Readonly<Record<string, string>> = {}): TemporaryProject {
  const one = new TemporaryProject(files);
  projects.push(one);
  return one;
}

const own = (one: TemporaryProject) => filesBelow(one.dir, ['.git', '.conductor', 'node_modules']);

test('an empty repository becomes a project whose example builds at once', async () => {
  const one = project();
  const made = await one.conductor('init', '--yes');
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toContain('npx conductor-build build');
  expect(made.stdout).not.toContain('# Lock files');
  expect(one.read('.gitignore')).toBe('.conductor/\n');
  expect(one.read('.gitattributes')).toBe(
    [
      '# Lock files of conductor: merged task by task, and folded in reviews.',
      'specs/**/.metadata.json merge=conductor-lock linguist-generated',
      'specs/**/*.spec.metadata.json merge=conductor-lock linguist-generated',
      '',
    ].join('\n'),
  );
  expect(one.git('config', 'merge.conductor-lock.driver').trim()).toBe(
    'npx conductor-build merge-lock %O %A %B %P',
  );
  // The package is in no node_modules here: an import of it would be an error in every editor.
  expect(one.read('conductor.config.ts')).toMatch(/^export default \{$/m);

  const built = await one.conductor('build');
  expect([built.code, built.text]).toEqual([
    0,
    expect.stringMatching(/built +feature-001-welcome\/T01[\s\S]*built 1 in/),
  ]);
  expect(one.read('docs/conductor.md')).toContain('`npx conductor-build build` brings everything up to date');
  expect((await one.conductor('build')).text).toContain('nothing to do');

  one.remove('specs/feature-001-welcome');
  one.remove('templates/welcome');
  one.write(
    'specs/feature-002-more/BACKLOG.yaml',
    'tasks: [{ id: T1, inputs: [], outputs: [a], run: touch a }]\n',
  );
  expect((await one.conductor('build')).code).toBe(0);
  expect(Object.keys(own(one))).not.toContain('docs/conductor.md');
});

test('gates of package.json work on what is installed, and the config is typed where the package is', async () => {
  const one = project({
    'package.json': JSON.stringify({
      type: 'commonjs',
      scripts: { test: 'node test.js', lint: 'nothing --watch' },
    }),
    'test.js': "require('node:assert').equal(require('needed'), 42);\n",
    'node_modules/needed/index.js': 'module.exports = 42;\n',
    '.gitignore': 'node_modules',
  });
  symlinkSync(PACKAGE, one.path('node_modules/conductor-build'));
  const made = await one.conductor('init', '--yes');
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toContain('npx conductor build');
  const config = one.read('conductor.config.ts');
  expect(config).toContain('import { defineConfig } from "conductor-build";');
  expect(config).toContain('build: ["npm test"]');
  expect(config).toContain('link: ["node_modules"]');
  expect(one.read('.gitignore')).toBe('node_modules\n.conductor/\n');
  expect(one.read('specs/feature-001-welcome/BACKLOG.yaml')).toContain(
    '$schema=../../node_modules/conductor-build/schemas/backlog.schema.json',
  );
  const built = await one.conductor('build', '--json');
  expect(built.code).toBe(0);
  expect(built.stdout).toContain('"type":"gate.finished","gate":"npm test","ok":true');

  one.write('node_modules/needed/index.js', 'module.exports = 41;\n');
  one.write('test.js', `${one.read('test.js')}// changed\n`);
  expect((await one.conductor('build')).text).toContain('a gate failed');
});

test('what is there is left as it is and named; a second time nothing is written', async () => {
  const one = project({
    'conductor.config.ts': 'export default {};\n',
    'specs/mine/BACKLOG.yaml': 'tasks: []\n',
    'prompts/steering.md': 'mine\n',
    '.gitignore': 'dist\r\n.conductor/',
  });
  const before = own(one);
  const made = await one.conductor('init', '--yes', '--agents');
  expect(made.code).toBe(0);
  expect(made.stdout).toContain('kept     conductor.config.ts');
  expect(made.stdout).toContain('kept     prompts/steering.md');
  expect(own(one)).toMatchObject(before);
  expect(Object.keys(own(one))).toContain('.opencode/agent/implementer.md');
  expect(one.read('specs/mine/BACKLOG.yaml')).toBe('tasks: []\n');
  const after = own(one);
  expect((await one.conductor('init', '--yes', '--agents')).stdout).not.toContain('wrote');
  expect(own(one)).toEqual(after);
});

test('gates are for a config that is written now: beside one that is there they are refused, and the page names its own', async () => {
  const one = project({
    'conductor.config.ts': "export default { gates: { build: ['test -d .'] } };\n",
    Makefile: 'test: all\n\techo tested\n',
    '.gitattributes': [
      'specs/**/.metadata.json merge=conductor-lock linguist-generated',
      'specs/**/*.spec.metadata.json merge=conductor-lock linguist-generated',
      '',
    ].join('\n'),
  });
  const before = own(one);
  const refused = await one.conductor('init', '--gate', 'true');
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining(
      'conductor.config.ts exists already, and --gate is only for a config that init writes',
    ),
  ]);
  expect(own(one)).toEqual(before);
  const made = await one.conductor('init', '--yes');
  expect([made.code, made.stderr]).toEqual([0, '']);
  // Its entries are there, so that the comment alone is not added.
  expect(made.stdout).not.toContain('.gitattributes');
  expect(own(one)).toMatchObject(before);
  const spec = one.read('specs/feature-001-welcome/BACKLOG.yaml');
  expect(spec).toContain('- "test -d ."');
  expect(spec).not.toContain('make test');
});

test('without a terminal the gates must be decided', async () => {
  const one = project({ Makefile: 'test: all\n\techo tested\n' });
  const asked = await one.conductor('init');
  expect([asked.code, asked.stderr]).toEqual([
    2,
    expect.stringContaining('--yes uses the commands that were found (make test)'),
  ]);
  expect(Object.keys(own(one))).toEqual(['Makefile']);
  expect((await one.conductor('init', '--no-gates', '--no-example')).code).toBe(0);
  expect(Object.keys(own(one))).toEqual(['.gitattributes', '.gitignore', 'Makefile', 'conductor.config.ts']);
});

test('a gate whose program is not there undoes all of it', async () => {
  const one = project({ '.gitignore': 'dist\n' });
  const before = own(one);
  const refused = await one.conductor('init', '--gate', 'no-such-program --all');
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining('`no-such-program` is not where a gate looks for it'),
  ]);
  expect(own(one)).toEqual(before);
});

test('outside a repository it says what to do', async () => {
  const one = project();
  one.remove('.git');
  const refused = await one.conductor('init', '--yes');
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringMatching(/not in a git repository[\s\S]*git init/),
  ]);
  expect(own(one)).toEqual({});
});

test('a section for agents goes behind what AGENTS.md has, once', async () => {
  const one = project({ 'AGENTS.md': '# Ours\n\nBe kind.' });
  const made = await one.conductor('init', '--no-gates', '--no-example', '--instructions');
  expect([made.code, made.stderr]).toEqual([0, '']);
  expect(made.stdout).toContain('a section for agents to AGENTS.md');
  const text = one.read('AGENTS.md');
  expect(text).toMatch(/^# Ours\n\nBe kind\.\n\n## Specs and conductor\n/);
  expect(text).toContain('`npx conductor-build validate`');
  expect((await one.conductor('init', '--no-gates', '--no-example', '--instructions')).code).toBe(0);
  expect(one.read('AGENTS.md')).toBe(text);
});
