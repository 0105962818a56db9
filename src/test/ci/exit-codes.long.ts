/** Every row of the table of exit codes in docs/ci.md, with the real commands. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { PACKAGE, TemporaryProject } from '../rig/command-line.js';

const PAGE = readFileSync(join(PACKAGE, 'docs/ci.md'), 'utf8');
const BACKLOG = 'specs/f/BACKLOG.yaml';

const task = (id: string, word: string, gate = 'true') =>
  `  - id: ${id}\n    inputs: []\n    outputs: [${id}.txt]\n    run: echo ${word} > ${id}.txt\n    verify: ['${gate}']\n`;
const specs = (...tasks: readonly string[]) => `title: f\ntasks:\n${tasks.join('')}`;

/** How a project gets into the state that a row of the table names. */
const STATES: Readonly<Record<string, (project: TemporaryProject) => Promise<void> | void>> = {
  'is as a build leaves it': () => {},
  'has a stale task without a stored result': (project) =>
    project.write(BACKLOG, specs(task('T1', 'new'), task('T2', 'two'))),
  'has a stale task with a stored result': async (project) => {
    const before = project.read(BACKLOG);
    project.write(BACKLOG, specs(task('T1', 'other'), task('T2', 'two')));
    await project.conductor('build');
    project.git('checkout', '-q', '--', '.');
    await project.conductor('build');
    expect(project.read(BACKLOG)).toBe(before);
    project.write(BACKLOG, specs(task('T1', 'other'), task('T2', 'two')));
  },
  'has an output that was edited by hand': (project) => project.write('T1.txt', 'by hand\n'),
  'has a task whose gate fails': (project) =>
    project.write(BACKLOG, specs(task('T1', 'one', 'exit 3'), task('T2', 'two'))),
  'has a file left over that no task owns': (project) => project.write(BACKLOG, specs(task('T1', 'one'))),
  'has specs that are not valid': (project) => project.write(BACKLOG, 'title: f\ntasks: 3\n'),
};

test('every row of the table of exit codes', async () => {
  const [, table = ''] = /^## Exit codes\n\n([\s\S]*?)\n\n/m.exec(PAGE) ?? [];
  const [head = [], , ...rows] = table.split('\n').map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const commands = head.slice(1).map((cell) => /`([^`]+)`/.exec(cell)?.[1]?.split(' ') ?? []);
  expect(rows.map(([state]) => state)).toEqual(Object.keys(STATES));
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    [BACKLOG]: specs(task('T1', 'one'), task('T2', 'two')),
  });
  onTestFinished(() => project.dispose());
  expect((await project.conductor('build')).code).toBe(0);
  project.commit();
  for (const [state = '', ...codes] of rows) {
    const found: (number | null)[] = [];
    for (const command of commands) {
      project.git('checkout', '-q', '-f', '--', '.');
      await STATES[state]?.(project);
      found.push((await project.conductor(...command)).code);
    }
    expect({ state, codes: found.map(String) }).toEqual({ state, codes });
  }
});
