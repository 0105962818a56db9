/** blame, versions, checkout and regenerate as a person types them. */

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Ended, TemporaryProject } from '../test/rig/command-line.js';
import { backlogYaml } from '../test/rig/rig-backlog.js';

const AGENT = `
import { mkdirSync, writeFileSync } from 'node:fs';
mkdirSync('src', { recursive: true });
writeFileSync('src/a.ts', 'export const a = ' + (process.env.VARIANT ?? '1') + ';\\n');
writeFileSync(process.env.CONDUCTOR_USAGE_FILE, JSON.stringify({ costUsd: 0.25, tokensIn: 10, tokensOut: 5 }));
`;
const spec = (more: object = {}) =>
  backlogYaml('f', {
    T1: {
      inputs: [],
      outputs: ['src/a.ts'],
      spec_refs: ['PLAN.md#the-a'],
      verify: ['test -s src/a.ts'],
      ...more,
    },
    T2: { inputs: ['hand.txt'], outputs: ['b.txt'], run: 'echo b > b.txt' },
  });

let project: TemporaryProject;
beforeAll(async () => {
  project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'hand.txt': 'by hand\n',
    'specs/f/PLAN.md': '# Plan\n\n## The a\n\nIt is one.\n',
    'specs/f/BACKLOG.yaml': spec(),
  });
  const agent = `${project.root}/agent.mjs`;
  project.write('../agent.mjs', AGENT);
  project.write(
    'conductor.config.mjs',
    `export default { sandbox: 'off', agent: { driver: 'command', command: ['node', ${JSON.stringify(agent)}], env: ['VARIANT'], reportsCost: true, model: 'm-1' } };\n`,
  );
  const first = await project.conductor('build');
  expect(first.text).toContain('built 2');
  project.commit();
});
afterAll(() => project.dispose());

const run = (...args: string[]): Promise<Ended> => project.start(args, { VARIANT: '2' }).ended;

test('blame tells who made a file, also of one that was edited since', async () => {
  project.write('src/a.ts', 'export const a = 3;\n');
  const shown = await run('blame', 'src/a.ts');
  expect(shown.code).toBe(0);
  expect(shown.stdout).toContain('made by   f/T1  Task T1');
  expect(shown.stdout).toContain('spec      specs/f/BACKLOG.yaml:3 (version 1.0.0)');
  expect(shown.stdout).toContain('sections  PLAN.md#the-a');
  expect(shown.stdout).toContain('prompts/implementation-feature.md (shipped), agent implementer');
  expect(shown.stdout).toContain('agent, node, model m-1');
  expect(shown.stdout).toMatch(/1 attempt, .*\$0\.25, 15 tokens, on \d{4}-/);
  expect(shown.stdout).toContain('gates     test -s src/a.ts');
  expect(shown.stdout).toContain('edited by hand: +1 -1');

  expect((await run('accept', 'f/T1')).code).toBe(0);
  const accepted = (await run('blame', 'src/a.ts')).stdout;
  expect(accepted).toContain('accepted: recorded as a person edited it');
  expect(accepted).toMatch(/before {4}agent, node, model m-1; 1 attempt/);
  expect((await run('blame', 'b.txt')).stdout).toContain('echo b > b.txt');
  expect((await run('blame', 'hand.txt')).stdout).toMatch(/hand-written[\s\S]*read by {3}f\/T2/);
  const json = JSON.parse((await run('blame', 'src/a.ts', '--json')).stdout);
  expect(json.tasks[0]).toMatchObject({ label: 'f/T1', role: 'owns', making: { recipe: 'accepted' } });
  expect(await run('blame', 'src/b.ts')).toMatchObject({ code: 2, stdout: '' });
  project.commit();
});

test('versions lists them and checkout goes back', async () => {
  const shown = await run('versions', 'f');
  expect(shown.stdout).toMatch(/^1\.0\.1 .*\n {2}~ T1 {2}accepted .*\n1\.0\.0 .*\$0\.25.*\n/);
  const json = JSON.parse((await run('versions', 'f', '--json')).stdout);
  expect(json.versions.map(({ version }: { version: string }) => version)).toEqual(['1.0.1', '1.0.0']);
  const back = await run('checkout', 'f@1.0.0');
  expect(back).toMatchObject({ code: 0, stderr: '' });
  expect(project.read('src/a.ts')).toBe('export const a = 1;\n');
  expect((await run('status')).stdout).toContain('2 fresh');
  expect(await run('checkout', 'f@9.9.9')).toMatchObject({ code: 2 });
  expect(await run('checkout', 'f')).toMatchObject({ code: 2 });
  expect(await run('versions', 'nope')).toMatchObject({ code: 2 });
});

test('regenerate prints a table, JSON and a page, and wants to be told what', async () => {
  expect(await run('regenerate')).toMatchObject({ code: 2, stdout: '' });
  const store = await run('regenerate', '--all');
  expect(store.code).toBe(0);
  expect(store.stdout).toContain('2 identical in');
  const fresh = await run('regenerate', 'f/T1', '--fresh', '--html', '--json');
  const report = JSON.parse(fresh.stdout);
  expect(report).toMatchObject({ schema: 1, runs: 1, usage: { costUsd: 0.25 } });
  expect(report.tasks[0]).toMatchObject({ label: 'f/T1', source: 'made', identical: false });
  expect(project.read('src/a.ts')).toBe('export const a = 1;\n');
  expect(project.read('.conductor/reports/regenerate.html')).toContain('<table class="diff">');
  mkdirSync(project.path('out'));
  await run('regenerate', '--all', '--html', 'out/page.html');
  expect(existsSync(project.path('out/page.html'))).toBe(true);
  const applied = await run('regenerate', 'f/T1', '--fresh', '--apply');
  expect(applied.stdout).toContain('published');
  expect(readFileSync(project.path('src/a.ts'), 'utf8')).toBe('export const a = 2;\n');
  expect((await run('status')).stdout).toContain('2 fresh');
});
