/** `conductor diff` and the drift in `conductor status`, as a person types them. */

import { expect, test } from 'vitest';
import { TemporaryProject } from '../rig/command-line.js';
import { backlogYaml } from '../rig/rig-backlog.js';

const task = (outputs: string[], run: string) => ({ inputs: [], outputs, run });

async function built(): Promise<TemporaryProject> {
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'conductor.config.mjs': "export default { sandbox: 'off' };\n",
    'specs/f/BACKLOG.yaml': backlogYaml('f', {
      T1: task(['out/**'], 'printf "one\\ntwo\\nthree\\n" > out/a.txt; echo b > out/b.txt'),
      T2: task(['two.txt'], 'echo 2 > two.txt'),
    }),
  });
  const first = await project.conductor('build');
  expect(first.text).toContain('built 2');
  return project;
}

test('diff and status show what was edited by hand, and nothing else', async () => {
  const project = await built();
  try {
    const nothing = await project.conductor('diff');
    expect(nothing).toMatchObject({ code: 0, stdout: '' });
    expect(nothing.stderr).toContain('no hand edits');

    project.write('out/a.txt', 'one\nTWO\nthree\nfour\u001b[31m\n');
    project.write('out/new.bin', 'a\0b');
    project.remove('out/b.txt');
    const shown = await project.conductor('diff', 'f/T1');
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain(
      '--- a/out/a.txt\n+++ b/out/a.txt\n@@ -1,3 +1,4 @@\n one\n-two\n+TWO\n three\n+four',
    );
    expect(shown.stdout).toContain('deleted file mode');
    expect(shown.stdout).not.toContain('\u001b');
    expect((await project.conductor('diff', 'f/T2')).stdout).toBe('');

    const stat = await project.conductor('diff', '--stat');
    expect(stat.stdout).toBe(
      'f/T1\n  out/a.txt    +2 -1\n  out/b.txt    +0 -1 gone\n  out/new.bin  no text new\n3 files changed, +2 -2\n',
    );
    const json = JSON.parse((await project.conductor('diff', '--json')).stdout);
    expect(json.tasks).toHaveLength(1);
    expect(json.tasks[0]).toMatchObject({
      label: 'f/T1',
      files: [
        { path: 'out/a.txt', change: 'changed', insertions: 2, deletions: 1, binary: false },
        { path: 'out/b.txt', change: 'removed' },
        { path: 'out/new.bin', change: 'added', binary: true },
      ],
    });

    const status = await project.conductor('status');
    expect(status.stdout).toContain('drifted: edited by hand: out/a.txt');
    expect(status.stdout).toMatch(/^ +out\/a\.txt +\+2 -1$/m);
    const rows = JSON.parse((await project.conductor('status', '--json')).stdout).tasks;
    expect(rows[0].drift[0]).toEqual({
      path: 'out/a.txt',
      change: 'changed',
      insertions: 2,
      deletions: 1,
      binary: false,
    });
    expect(rows[1].drift).toBeUndefined();
    const unknown = await project.conductor('diff', 'f/T9');
    expect(unknown).toMatchObject({ code: 2, stdout: '' });
  } finally {
    project.dispose();
  }
});
