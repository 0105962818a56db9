/** `conductor absorb` and `adopt --describe`: the proposal is shown, a person is asked, and only a yes changes anything. */

import { spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { filesBelow, PACKAGE, TemporaryProject, until } from '../test/rig/command-line.js';
import { backlogYaml } from '../test/rig/rig-backlog.js';

const AGENT = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const prompt = readFileSync(process.env.CONDUCTOR_PROMPT_FILE, 'utf8');
if (prompt.includes('absorb.json'))
  writeFileSync('absorb.json', JSON.stringify({ summary: 'It is two.', acceptance: ['a is two'] }));
else if (prompt.includes('REVIEW.json')) {
  const criteria = [{ criterion: 'It is.', met: true, where: 'src/x.ts:1' }];
  writeFileSync('REVIEW.json', JSON.stringify({ verdict: 'accept', criteria, findings: [] }));
} else if (prompt.includes('DESCRIPTION.json'))
  writeFileSync('DESCRIPTION.json', JSON.stringify({ description: 'Drafted.', acceptance: ['It is.'] }));
else writeFileSync('a.txt', 'one\\n');
`;

let project: TemporaryProject;
beforeAll(async () => {
  project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'specs/f/BACKLOG.yaml': backlogYaml('f', { T1: { inputs: [], outputs: ['a.txt'] } }),
  });
  project.write('../agent.mjs', AGENT);
  const command = JSON.stringify(['node', `${project.root}/agent.mjs`]);
  project.write(
    'conductor.config.mjs',
    `export default { sandbox: 'off', agent: { driver: 'command', command: ${command} } };\n`,
  );
  expect((await project.conductor('build')).code).toBe(0);
  project.write('a.txt', 'two\n');
});
afterAll(() => project.dispose());

/** What a person sees who answers the question. */
async function answered(answer: string): Promise<{ code: number; screen: string }> {
  const terminal = spawn(process.execPath, [`${PACKAGE}/bin/conductor.js`, 'absorb', 'f/T1'], {
    cwd: project.dir,
    cols: 100,
    rows: 30,
    env: { PATH: process.env.PATH ?? '', HOME: project.home, TERM: 'xterm-256color' },
  });
  let screen = '';
  let code: number | undefined;
  terminal.onData((data) => {
    screen += data;
  });
  terminal.onExit(({ exitCode }) => {
    code = exitCode;
  });
  await until('the question', () => screen.includes('Apply this?'), 30_000);
  terminal.write(answer);
  await until('the end', () => code !== undefined, 30_000);
  return { code: code as number, screen };
}

test('a no changes nothing, a yes changes the spec and accepts the edit', async () => {
  const spec = project.read('specs/f/BACKLOG.yaml');
  const no = await answered('\r');
  expect(no.code).toBe(1);
  expect(no.screen).toContain('\u001b[32m+    acceptance:\u001b[39m');
  expect(no.screen).toContain('nothing was changed');
  expect(project.read('specs/f/BACKLOG.yaml')).toBe(spec);

  const away = await project.conductor('absorb', 'f/T1');
  expect(away).toMatchObject({ code: 1 });
  expect(away.stderr).toContain('--yes');

  const yes = await answered('y');
  expect(yes.code).toBe(0);
  expect(project.read('specs/f/BACKLOG.yaml')).toContain('a is two');
  expect((await project.conductor('status')).stdout).toContain('1 fresh');
  expect(project.read('a.txt')).toBe('two\n');
});

test('in the editor a person writes the change; what is not valid is kept for another try', async () => {
  project.write('a.txt', 'three\n');
  project.write('../edit.sh', '#!/bin/sh\nsed -i "s/$WORDS/" "$1"\n');
  const edit = (words: string) =>
    project.start(['absorb', 'f/T1', '--editor'], { EDITOR: `sh ${project.root}/edit.sh`, WORDS: words })
      .ended;
  const wrong = await edit('title: "Task/titel: "Task');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('your text is kept in');
  expect((await edit('nothing/nothing')).stderr).toContain('the spec is unchanged');
  const right = await edit('a is two/a is three');
  expect(right.code).toBe(0);
  expect(project.read('specs/f/BACKLOG.yaml')).toContain('a is three');
  expect((await project.conductor('status')).stdout).toContain('1 fresh');
  const missing = await project.start(['absorb', 'f/T1', '--editor'], { EDITOR: 'no-such-editor' }).ended;
  expect(missing.code).toBe(2);
});

test('a draft of `adopt --describe` to which nobody agrees is shown once, and nothing is written', async () => {
  project.write('src/x.ts', 'export const x = 1;\n');
  const away = await project.conductor('adopt', 'src', '--describe', '--as', 'x');
  expect(away.code).toBe(1);
  expect(away.text.split('description: Drafted.')).toHaveLength(2);
  expect(away.text).toContain('nothing was written');
  expect(Object.keys(filesBelow(`${project.dir}/specs`)).filter((path) => path.startsWith('x'))).toEqual([]);
});
