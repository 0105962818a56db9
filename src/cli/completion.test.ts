/** Completion in real shells, at a real terminal: what the tab key puts there, and that no name is read as code. */

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBuilt, PACKAGE, TemporaryProject } from '../test/rig/command-line.js';
import { Terminal } from '../test/rig/terminal.js';

const BACKLOG = `# id: T99 is no task
tasks:
  - id: T01
    outputs: [out/one.txt]
    run: echo 1 > out/one.txt
  - { id: session-expiry, outputs: [out/two.txt], run: "echo 2 > out/two.txt" }
`;
/** A folder of logs that a hostile repository could bring along. */
const HOSTILE = 'zz $(touch pwned) `touch pwned`; touch pwned #';

let project: TemporaryProject;
let programs: string;

beforeAll(() => {
  ensureBuilt();
  project = new TemporaryProject({
    'specs/feature-001-auth/BACKLOG.yaml': BACKLOG,
    'specs/welcome.spec.md': '---\noutputs: [out/w.txt]\nrun: echo 3 > out/w.txt\n---\n',
    'specs/broken/BACKLOG.yaml': 'tasks: [\n',
    'templates/crud-own/template.yaml': 'description: ours\n',
  });
  for (const name of [HOSTILE, 'line\nbreak']) project.write(`.conductor/logs/${name}/events.ndjson`, '');
  programs = join(project.root, 'programs');
  mkdirSync(programs);
  const program = join(programs, 'conductor');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${PACKAGE}/bin/conductor.js" "$@"\n`);
  chmodSync(program, 0o755);
});

afterAll(() => project?.dispose());

async function completed(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await project.conductor('complete', ...words);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [kind, ...lines] = stdout.trimEnd().split('\n');
  return kind === 'words' ? lines.map((line) => line.split('\t')[0] as string) : [`(${kind})`];
}

describe('what can be typed next', () => {
  test.each<[string, string[], string[]]>([
    ['commands', ['zsh', '--', 'bu'], ['build']],
    ['no hidden command', ['zsh', '--', 'comp'], ['completion']],
    ['options', ['zsh', '--', 'build', '--f'], ['--force', '--frozen', '--fail-fast']],
    ['options that are not given yet', ['zsh', '--', 'build', '--force', '--f'], ['--frozen', '--fail-fast']],
    ['values of an option', ['zsh', '--', 'graph', '--format', ''], ['text', 'mermaid', 'dot', 'json']],
    ['a value in one word', ['fish', '--', 'graph', '--format=t'], ['--format=text']],
    ['a value as bash has it', ['bash', '--', 'graph', '--format', '=', 't'], ['text']],
    [
      'a value as bash has it, still empty',
      ['bash', '--', 'graph', '--format', '='],
      ['text', 'mermaid', 'dot', 'json'],
    ],
    ['nothing for a number', ['zsh', '--', 'build', '--workers', ''], []],
    [
      'targets',
      ['zsh', '--', 'build', '--force', 'feature-001-auth/', ''],
      [
        'broken',
        'feature-001-auth',
        'welcome',
        'feature-001-auth/T01',
        'feature-001-auth/session-expiry',
        'welcome/main',
      ],
    ],
    [
      'labels alone where a task is asked for',
      ['zsh', '--', 'explain', 'f'],
      ['feature-001-auth/T01', 'feature-001-auth/session-expiry'],
    ],
    ['only one task', ['zsh', '--', 'explain', 'feature-001-auth/T01', ''], []],
    ['builds and tasks of the log, those that are one line', ['zsh', '--', 'log', 'z'], [HOSTILE]],
    ['schemas', ['zsh', '--', 'schema', 'b'], ['backlog']],
    [
      'templates, the project’s own among them',
      ['zsh', '--', 'new', '--template', 'crud-'],
      ['crud-feature', 'crud-own'],
    ],
    ['shells', ['zsh', '--', 'completion', ''], ['bash', 'zsh', 'fish']],
    ['words after an opening quote', ['bash', '--', 'explain', '"wel'], ['welcome/main']],
    ['targets after a double dash', ['zsh', '--', 'build', '--', 'we'], ['welcome', 'welcome/main']],
    ['nothing for an unknown command', ['zsh', '--', 'bild', '--x=y', '--x='], []],
  ])('%s', async (_what, words, expected) => {
    expect(await completed(...words)).toEqual(expected);
  });

  test('it works where the specs are elsewhere, and where there are none', async () => {
    const other = new TemporaryProject({
      // A program of somebody else's: a press of the tab key must not run it.
      'conductor.config.mjs': `import { writeFileSync } from 'node:fs';\nwriteFileSync('started', '');\nexport default { specs: 'plans' };\n`,
      'plans/a/BACKLOG.yaml': BACKLOG,
    });
    try {
      expect((await other.conductor('complete', 'zsh', '--', 'explain', '')).stdout).toBe(
        'words\na/T01\na/session-expiry\n',
      );
      expect(existsSync(other.path('started'))).toBe(false);
      other.remove('plans');
      expect((await other.conductor('complete', 'zsh', '--', 'explain', '')).stdout).toBe('words\n');
    } finally {
      other.dispose();
    }
  });
});

const SHELLS = {
  bash: { args: ['--norc', '--noprofile', '-i'], load: 'eval "$(conductor completion bash)"' },
  zsh: {
    args: ['-f', '-i'],
    load: 'autoload -Uz compinit && compinit -u -D && eval "$(conductor completion zsh)"',
  },
  fish: { args: ['--no-config', '-i'], load: 'conductor completion fish | source' },
} as const;

describe.each(Object.entries(SHELLS))('in %s', (shell, { args, load }) => {
  let terminal: Terminal;

  beforeAll(async () => {
    const env = {
      PATH: `${programs}:${process.env.PATH}`,
      HOME: project.home,
      TERM: 'xterm',
      PS1: '$ ',
      LANG: 'C.UTF-8',
    };
    terminal = new Terminal(shell, args, { cwd: project.dir, env });
    terminal.type(`${load}; echo is-"loaded"\r`);
    // What is typed before the next prompt is there may be thrown away.
    await terminal.shows(/is-loaded[\s\S]*[$#>] /, 0);
  });

  afterAll(() => terminal?.dispose());

  test('the tab key completes a command, an option and a label', async () => {
    for (const [typed, rest] of [
      ['explai', /explain /],
      ['explain feature-001-auth/s', /session-expiry /],
      ['graph --format=mer', /maid/],
      ['build --froz', /en /],
    ] as const) {
      const before = terminal.length;
      terminal.type(`conductor ${typed}\t`);
      await terminal.shows(rest, before);
      // Ctrl-U empties the line, and the next one begins clean.
      terminal.type('\u0015');
    }
  });

  test('a hostile name is put there as text, and runs nothing', async () => {
    const before = terminal.length;
    terminal.type('conductor log zz\t');
    await terminal.shows(/pwned[\s\S]*pwned/, before);
    terminal.type('\r');
    terminal.type('echo the-"end"\r');
    await terminal.shows(/the-end/, before);
    expect(existsSync(project.path('pwned'))).toBe(false);
    // The name arrived whole: the log of that build, which is empty, was asked for.
    expect(terminal.since(before)).not.toMatch(/no task or feature/);
  });
});
