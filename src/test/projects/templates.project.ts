/** The shipped templates for Python, Go and sh, with the real tools: instantiated, built, and used as people would. */

import { spawnSync } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import { type FeatureRequest, TemplateProject } from '../templates/template-project.js';

const FIELDS = 'amount:integer!,currency:string!,due:date,rate:number,paid:boolean';
const projects: TemplateProject[] = [];
afterEach(() => {
  for (const one of projects.splice(0)) one.dispose();
});

async function built(files: Readonly<Record<string, string>>, ...features: FeatureRequest[]) {
  const project = new TemplateProject({ '.gitignore': '.conductor/\n__pycache__\n', ...files });
  projects.push(project);
  await project.build(features);
  expect(project.noise()).toEqual([]);
  expect((await project.conductor('build')).text).toMatch(/nothing to do/);
  return project;
}

/** A change of a template that makes wrong code must be seen by a gate. */
async function expectGate(project: TemplateProject, template: string, right: string, wrong: string) {
  const text = project.read(template);
  expect(text).toContain(right);
  project.write(template, text.replace(right, wrong));
  const broken = await project.conductor('build');
  expect(broken.code).toBe(1);
  expect(broken.text).toMatch(/a gate failed/);
}

const value = (template: string, name: string, module: string, fields: string): FeatureRequest => ({
  template,
  name,
  set: { module, about: 'An "amount" in a currency', fields },
});

const hasPython = spawnSync('python3', ['--version']).status === 0;
const hasPytest = hasPython && spawnSync('python3', ['-c', 'import pytest']).status === 0;

describe.runIf(hasPython)('Python (needs python3)', () => {
  test('a package and a command, with unittest', async () => {
    const project = await built(
      {},
      value('python-module', 'money', 'Money', FIELDS),
      value('python-module', 'address', 'postal address', 'street:string'),
      {
        template: 'python-cli',
        name: 'count',
        set: {
          command: 'word count',
          about: "Counts people's words",
          options: 'minLength:integer,json:boolean,title:string!,since:date,ratio:number!',
          operand: 'file',
        },
      },
      { template: 'python-cli', name: 'tidy', set: { command: 'tidy', about: 'Tidies' } },
    );
    expect(project.generated()).toEqual(
      expect.arrayContaining([
        'src/money/__init__.py',
        'src/postal_address/value.py',
        'src/word_count/__main__.py',
        'tests/test_money.py',
        'tests/test_word_count.py',
      ]),
    );
    const run = spawnSync('python3', ['-B', '-m', 'word_count', '--title=a b', '--ratio', '0.5', 'one'], {
      cwd: project.dir,
      env: { PATH: process.env.PATH, PYTHONPATH: 'src' },
      encoding: 'utf8',
    });
    expect(run.stdout).toContain("operands: ['one']\nratio: 0.5\n");
    await expectGate(project, 'templates/python-module/value.py.hbs', ' and not isinstance(value, bool)', '');
  });

  test.runIf(hasPytest)('with pytest, where the project names it (needs pytest)', async () => {
    const project = await built(
      { 'requirements-dev.txt': 'pytest==8.0\n' },
      value('python-module', 'money', 'Money', FIELDS),
    );
    expect(project.read('specs/feature-001-money/BACKLOG.yaml')).toContain('-m pytest -q');
  });
});

const hasGo = spawnSync('go', ['version']).status === 0;

describe.runIf(hasGo)('Go (needs go)', () => {
  test('a package without a go.mod, and as a part of a module', async () => {
    const project = await built({}, value('go-package', 'address', 'postal address', FIELDS));
    expect(spawnSync('gofmt', ['-l', 'internal'], { cwd: project.dir, encoding: 'utf8' }).stdout).toBe('');
    project.write('go.mod', 'module example.org/acme\n\ngo 1.18\n');
    expect((await project.conductor('build')).code).toBe(0);
    await expectGate(
      project,
      'templates/go-package/errors.go.hbs',
      'math.IsNaN(value) || math.IsInf(value, 0)',
      'math.IsNaN(value) || math.IsInf(value, 0) || value > 0',
    );
  });
});

test('a script for sh runs, tells everything that is wrong, and has gates that see a fault', async () => {
  const project = await built(
    {},
    {
      template: 'shell-script',
      name: 'count',
      set: {
        command: 'word count',
        about: "Counts people's words",
        options: 'minLength:integer!,json:boolean,title:string',
        operand: 'file',
      },
    },
    { template: 'shell-script', name: 'tidy', set: { command: 'tidy', about: 'Tidies `all` of $HOME' } },
  );
  expect(project.generated()).toEqual([
    'scripts/tidy.sh',
    'scripts/tidy.test.sh',
    'scripts/word-count.sh',
    'scripts/word-count.test.sh',
  ]);
  const run = (...argv: string[]) => spawnSync('sh', argv, { cwd: project.dir, encoding: 'utf8' });
  expect(run('scripts/tidy.sh', '--help').stdout).toMatch(/^Tidies `all` of \$HOME\n/);
  const wrong = run('scripts/word-count.sh', '--min-length', 'many', '--colour');
  expect([wrong.status, wrong.stdout]).toEqual([2, '']);
  expect(wrong.stderr.split('\n').slice(0, 3)).toEqual([
    'word-count: --colour is no option',
    "word-count: --min-length needs a whole number, not 'many'",
    'word-count: name at least one file',
  ]);
  await expectGate(project, 'templates/shell-script/script.sh.hbs', 'exit 2', 'exit 1');
});
