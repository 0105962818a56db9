/** Holds that every command explains itself: help with examples that can be typed, and a word for slips of the hand. */

import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandsOf, TemporaryProject } from '../test/rig/command-line.js';
import { createProgram } from './program.js';

const program = createProgram(() => {});
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

test.each(commandsOf(program))(
  '%s --help says what it does, what it takes, and shows examples that can be typed',
  (name, command) => {
    const help = helpOf(command);
    expect(command.description()).toMatch(/^[^A-Z].*[^.]$/s);
    for (const option of command.options) expect(option.description, option.flags).toBeTruthy();
    for (const argument of command.registeredArguments)
      expect(argument.description, argument.name()).toBeTruthy();
    const lines = (help.split('\nExamples:\n')[1] ?? '')
      .split('\n')
      .filter((line) => line.includes(`conductor ${name}`));
    expect(lines.length).toBeGreaterThan(0);
    const flags = new Set(command.options.flatMap(({ short, long }) => [short, long]));
    for (const line of lines) {
      const words = (line.split(`conductor ${name}`)[1] ?? '').replace(/["')]*\s+#.*$/, '').split(/\s+/);
      const options = words.filter((word) => /^--?[a-z]/.test(word)).map((word) => word.split('=', 1)[0]);
      for (const option of options) expect(flags, line).toContain(option);
    }
  },
);

test('a command that is made alone, because it was called, is the same as among all', () => {
  const all = createProgram(() => {});
  for (const command of all.commands) {
    const name = command.name();
    const made = createProgram(() => {}, undefined, name).commands;
    // The command behind the completion scripts looks through all.
    if (name === 'complete') expect(made).toHaveLength(all.commands.length);
    else expect(made.length, name).toBeLessThanOrEqual(2);
    const alone = made.find((one) => one.name() === name);
    if (alone === undefined) throw new Error(`${name} is missing`);
    expect(new Map(commandsOf(alone).map(([of, one]) => [of, helpOf(one)]))).toEqual(
      new Map(commandsOf(command).map(([of, one]) => [of, helpOf(one)])),
    );
  }
  for (const word of ['bild', 'help', '--help', 'constructor'])
    expect(createProgram(() => {}, undefined, word).commands).toHaveLength(all.commands.length);
});

let project: TemporaryProject;
beforeAll(() => {
  const backlog = 'tasks:\n  - id: T01\n    outputs: [out.txt]\n    inputs: []\n    run: echo 1 > out.txt\n';
  project = new TemporaryProject({ 'specs/feature-001-auth/BACKLOG.yaml': backlog });
});
afterAll(() => project?.dispose());

test.each<[string[], RegExp]>([
  [['bild'], /Did you mean build\?/],
  [['build', '--forse'], /Did you mean (one of )?--force/],
  [['graph', '--format', 'mermade'], /Did you mean mermaid\?/],
  [['completion', 'fissh'], /Did you mean fish\?/],
  [['schema', 'baklog'], /did you mean backlog\?/],
  [['build', 'feature-001-atuh'], /nearest {2}feature-001-auth/],
  [['explain', 'feature-001-auth/T1'], /nearest {2}feature-001-auth\/T01/],
])('%j is told what was meant', async (args, meant) => {
  const { code, text } = await project.conductor(...args);
  expect(code).toBe(2);
  expect(text).toMatch(meant);
});

test('a mistyped task of the log and a mistyped template of a spec are told what was meant', async () => {
  expect((await project.conductor('build')).code).toBe(0);
  const log = await project.conductor('log', 'feature-001-auth/T0l');
  expect(log.code).toBe(2);
  expect(log.stderr).toMatch(/nearest {2}feature-001-auth\/T01/);
  project.write('templates/crud/model.ts.hbs', 'x\n');
  project.write(
    'specs/b/BACKLOG.yaml',
    'tasks:\n  - id: T1\n    render: [{ template: crud/modle.ts.hbs, to: m.ts }]\n',
  );
  const build = await project.conductor('build');
  expect(build.code).toBe(2);
  expect(build.text).toContain('hint: did you mean `crud/model.ts.hbs`?');
});
