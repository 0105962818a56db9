/** Holds that `new` and `init` ask on a real terminal for what is missing, and that a cancelled command has changed nothing. */

import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { ensureBuilt, filesBelow, PACKAGE, TemporaryProject } from '../rig/command-line.js';
import { Terminal } from '../rig/terminal.js';

const ENTER = '\r';
const DOWN = '\u001b[B';
const CTRL_C = '\u0003';

const cleanup: { dispose(): void }[] = [];
afterEach(() => {
  for (const one of cleanup.splice(0).reverse()) one.dispose();
});

const TEMPLATE = {
  'templates/greeting/template.yaml': [
    'description: Says hello',
    'variables:',
    '  who: { description: Who is greeted, schema: { type: string, format: name }, example: World }',
    '  tone: { description: How, schema: { enum: [warm, cold], default: warm } }',
    '  loud: { description: Whether it is shouted, schema: { type: boolean, default: false } }',
    '  hidden: { description: Never asked, ask: false, schema: { type: string, default: quiet } }',
  ].join('\n'),
  'templates/greeting/spec/BACKLOG.yaml.hbs': [
    'tasks:',
    '  - id: T1',
    '    inputs: []',
    '    render: [{ template: greeting/hello.txt.hbs, to: hello.txt, with: { text: {{json who}} } }]',
    '# {{tone}} {{loud}} {{hidden}}',
  ].join('\n'),
  'templates/greeting/build/hello.txt.hbs': 'Hello {{text}}\n',
};

function project(files: Readonly<Record<string, string>> = {}): TemporaryProject {
  const one = new TemporaryProject(files);
  cleanup.push(one);
  return one;
}

function conductor(one: TemporaryProject, ...args: string[]): Terminal {
  ensureBuilt();
  const env = { PATH: process.env.PATH as string, HOME: one.home, TERM: 'xterm' };
  const terminal = new Terminal(process.execPath, [join(PACKAGE, 'bin/conductor.js'), ...args], {
    cwd: one.dir,
    env,
  });
  cleanup.push(terminal);
  return terminal;
}

/** Waits for a question and answers it; what was shown before it does not count. */
async function answer(terminal: Terminal, question: RegExp, keys: string): Promise<void> {
  await terminal.shows(question, 0);
  terminal.type(keys);
}

test('new asks for the template, the name and every variable, says what is wrong, and writes', async () => {
  const one = project(TEMPLATE);
  const terminal = conductor(one, 'new', '--template', 'greeting');
  await answer(terminal, /What is the name of the feature/, `First Words${ENTER}`);
  const from = terminal.length;
  await terminal.shows(/did you mean `first-words`/, 0);
  terminal.type(`${'\u007f'.repeat(11)}first-words${ENTER}`);
  await terminal.shows(/Who is greeted/, from);
  terminal.type(`class${ENTER}`);
  await terminal.shows(/`class` is a reserved word/, from);
  terminal.type(`${'\u007f'.repeat(5)}Ada${ENTER}`);
  await answer(terminal, /How[\s\S]*cold/, `${DOWN}${ENTER}`);
  await answer(terminal, /Whether it is shouted/, `y`);
  expect(await terminal.ended()).toBe(0);
  expect(one.read('specs/feature-001-first-words/BACKLOG.yaml')).toContain('text: "Ada"');
  expect(one.read('specs/feature-001-first-words/BACKLOG.yaml')).toContain('# cold true quiet');
  expect(terminal.since(0)).not.toContain('Never asked');
});

test('new alone lets choose a template, the project’s own among them', async () => {
  const one = project(TEMPLATE);
  const terminal = conductor(one, 'new');
  await answer(terminal, /Which template[\s\S]*greeting/, CTRL_C);
  expect(await terminal.ended()).toBe(130);
});

test('Ctrl-C at a late question ends with 130, and nothing was written', async () => {
  const one = project(TEMPLATE);
  const before = filesBelow(one.dir, ['.git']);
  const terminal = conductor(one, 'new', '--template', 'greeting', '--name', 'first');
  await answer(terminal, /Who is greeted/, `Ada${ENTER}`);
  await answer(terminal, /How[\s\S]*cold/, CTRL_C);
  expect(await terminal.ended()).toBe(130);
  expect(terminal.since(0)).toContain('nothing was written');
  expect(filesBelow(one.dir, ['.git'])).toEqual(before);
});

test('new asks nothing when all that must be given is given', async () => {
  const one = project(TEMPLATE);
  const terminal = conductor(one, 'new', '--template', 'greeting', '--name', 'first', '--set', 'who=Ada');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.since(0)).not.toContain('?');
  expect(one.read('specs/feature-001-first/BACKLOG.yaml')).toContain('# warm false quiet');
});

test('init proposes the gates that it found, and writes those that are left chosen', async () => {
  const one = project({
    'package.json': JSON.stringify({ scripts: { test: 'node --test', lint: 'node --check a.js' } }),
  });
  const terminal = conductor(one, 'init');
  // The cursor is on the first one; a space takes it out.
  await answer(
    terminal,
    /must pass before conductor publishes[\s\S]*npm run lint[\s\S]*npm test/,
    ` ${ENTER}`,
  );
  await answer(terminal, /Write an example/, ENTER);
  await answer(terminal, /Copy agent definitions/, ENTER);
  await answer(terminal, /merge/, ENTER);
  await answer(terminal, /Add a section to AGENTS\.md/, ENTER);
  expect(await terminal.ended()).toBe(0);
  const config = one.read('conductor.config.ts');
  expect(config).toContain('build: ["npm test"]');
  expect(config).not.toContain('npm run lint');
  expect(terminal.since(0)).toContain('Next:');
});

test('init left with Ctrl-C has changed nothing', async () => {
  const one = project();
  const terminal = conductor(one, 'init');
  await answer(terminal, /must pass before conductor publishes/, CTRL_C);
  expect(await terminal.ended()).toBe(130);
  expect(filesBelow(one.dir, ['.git'])).toEqual({});
});
