/** `conductor prompt` as a person types it: what goes to which stream. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TemporaryProject } from '../test/rig/command-line.js';

let project: TemporaryProject;
beforeAll(() => {
  project = new TemporaryProject({
    'specs/notes/BACKLOG.yaml': `tasks:
  - id: T01
    title: First
    description: Write the first file.
    outputs: [one.txt]
    verify: [test -s one.txt]
  - id: T02
    title: Second
    depends_on: [T01]
    type: documentation
    description: Describe it.
    outputs: [two.md]
  - id: T03
    title: Third
    outputs: [three.txt]
    run: echo 3 > three.txt
`,
  });
});
afterAll(() => project.dispose());

describe('conductor prompt', () => {
  test('prints the prompt alone on stdout, and its size on stderr', async () => {
    const { code, stdout, stderr } = await project.conductor('prompt', 'notes/T01');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^# First\n[\s\S]*Write the first file\.[\s\S]*- `test -s one\.txt`\n$/);
    const size =
      /^notes\/T01: (\d+) of 3072 bytes of the task itself, 0 bytes of reference material; agent implementer\n$/;
    // The words of the template are not the task's.
    expect(Number(size.exec(stderr)?.[1])).toBeGreaterThan('Write the first file.'.length);
    expect(Number(size.exec(stderr)?.[1])).toBeLessThan(Buffer.byteLength(stdout) / 2);
  });

  test('says what is not built yet', async () => {
    const { stderr } = await project.conductor('prompt', 'notes/T02');
    expect(stderr).toMatch(/agent documenter\nnot built yet: notes\/T01; .*\n$/);
  });

  test('prints JSON with everything', async () => {
    const { code, stdout } = await project.conductor('prompt', 'notes', '--json');
    expect(code).toBe(0);
    const { prompts } = JSON.parse(stdout);
    expect(prompts.map((one: { label: string }) => one.label)).toEqual(['notes/T01', 'notes/T02']);
    expect(prompts[0]).toMatchObject({
      agent: 'implementer',
      prompt: expect.stringContaining('# First'),
      bytes: { instructions: expect.any(Number), material: 0, limit: 3072 },
      waitingFor: [],
    });
  });

  test.each([
    ['a target that names several', 'notes', /names 2 tasks of agents: notes\/T01, notes\/T02/],
    ['a task without an agent', 'notes/T03', /a template or a command builds it/],
    ['a task that does not exist', 'notes/T04', /notes\/T04/],
  ])('refuses %s', async (_what, target, message) => {
    const { code, stdout, stderr } = await project.conductor('prompt', target);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
  });
});
