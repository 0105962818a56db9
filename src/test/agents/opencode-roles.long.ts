/** What sessions of the real OpenCode server are offered and may write, by what is expected of them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Agent, Expected } from '../../agent/agent.js';
import { loadDefinitions } from '../../agent/prompts/definitions.js';
import { PACKAGE } from '../rig/command-line.js';
import { createDriverRig, type DriverRig, writeInto } from '../rig/driver-rig.js';
import { plugins } from '../rig/opencode-rig.js';

// A server takes a second to start, and many on a busy machine.
vi.setConfig({ testTimeout: 300_000 });

const FOLDER = join(PACKAGE, '.opencode/agent');
const FILES: Expected = { kind: 'files', outputs: ['src/**/*.ts', '!src/b.ts'], edits: ['app.ts'] };
const DOCUMENT: Expected = { kind: 'document', path: 'specs/f/PLAN.md' };
const DONE = { say: 'Done.' };

let rig: DriverRig;
let agent: Agent;

beforeAll(async () => {
  rig = await createDriverRig();
  agent = rig.make({ limits: { steps: 20 } }, undefined, { files: plugins() });
  const shipped = new Map(
    readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), 'utf8')]),
  );
  const own = new Map([['mine.md', shipped.get('reviewer.md') as string]]);
  const loaded = await loadDefinitions(shipped, own);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  agent.useDefinitions?.(loaded.value);
});
afterAll(async () => {
  await agent.close?.();
  await rig[Symbol.asyncDispose]();
});

const asked = (name: string) => rig.model.requests.filter(({ script }) => script === name);

test('file tools refuse what the task may not write, at once, and say what it may', async () => {
  const dir = rig.nextDir;
  const patch = '*** Begin Patch\n*** Add File: stray.txt\n+x\n*** End Patch';
  const run = await rig.start(
    [
      writeInto(dir, 'src/lib/a.ts'),
      writeInto(dir, 'src/b.ts'),
      writeInto(dir, 'package.json'),
      { call: 'edit', args: { filePath: 'notes.txt', oldString: 'x', newString: 'y' } },
      { call: 'edit', args: { filePath: 'app.ts', oldString: 'old', newString: 'new' } },
      { call: 'apply_patch', args: { patchText: patch } },
      DONE,
    ],
    { agentName: 'implementer', expected: FILES },
    agent,
    { 'app.ts': 'old\n', 'notes.txt': 'x\n' },
  );
  expect(await run.exit).toMatchObject({ kind: 'finished' });
  expect(readdirSync(run.dir, { recursive: true }).map(String).sort()).toEqual([
    'app.ts',
    'notes.txt',
    'src',
    'src/lib',
    'src/lib/a.ts',
  ]);
  expect(readFileSync(join(run.dir, 'app.ts'), 'utf8')).toBe('new\n');
  expect(readFileSync(join(run.dir, 'notes.txt'), 'utf8')).toBe('x\n');
  const heard = JSON.stringify(asked(run.name).at(-1)?.messages);
  expect(heard).toContain('package.json is not a file that this task may write, and nothing was changed');
  expect(heard).toContain('src/b.ts is not a file that this task may write');
  expect(heard).toContain('notes.txt is not a file that this task may write');
  expect(heard).toContain('It may write `src/**/*.ts`, `!src/b.ts`. It may change `app.ts`.');
  expect(heard).toContain('Scratch files go to /tmp, by a command.');
  expect(heard).toContain('call `task_needs`');
});

const READERS = ['glob', 'grep', 'read'];
const REPORTS = ['task_blocked', 'task_needs', 'task_progress', 'task_read', 'task_unchanged'];

// With `todowrite`, and for documents `bash` and the reports, each request had 17 KB of schemas.
test.each([
  ['implementer', FILES, ['bash', 'edit', ...READERS, ...REPORTS, 'write'], 15_000],
  ['planner-spec', DOCUMENT, ['edit', ...READERS, 'write'], 7500],
  ['planner-tasks', DOCUMENT, ['edit', ...READERS, 'write'], 7500],
  ['reviewer', { kind: 'document', path: 'REVIEW.json' }, ['edit', ...READERS, 'write'], 7500],
  ['rebase', { kind: 'document', path: 'REBASE.json' }, ['edit', ...READERS, 'write'], 7500],
] as const)(
  'a session of %s is offered the tools that it needs',
  async (agentName, expected, names, most) => {
    const run = await rig.start([DONE], { agentName, expected }, agent);
    await run.exit;
    const tools = asked(run.name)[0]?.tools ?? [];
    expect(tools.map((tool) => tool.function.name)).toEqual(names);
    expect(Buffer.byteLength(JSON.stringify(tools))).toBeLessThan(most);
  },
);

test('a document is all that its session may write', async () => {
  const dir = rig.nextDir;
  const expected = { kind: 'document', path: 'REVIEW.json' } as const;
  const steps = [writeInto(dir, 'OTHER.json'), writeInto(dir, 'REVIEW.json'), DONE];
  const run = await rig.start(steps, { agentName: 'reviewer', expected }, agent);
  expect(await run.exit).toMatchObject({ kind: 'finished' });
  expect(readdirSync(run.dir)).toEqual(['REVIEW.json']);
  expect(JSON.stringify(asked(run.name).at(-1)?.messages)).toContain(
    'Write `REVIEW.json`, and nothing else.',
  );
});

test("a project's own definition says itself what it permits", async () => {
  const run = await rig.start([DONE], { agentName: 'mine', expected: DOCUMENT }, agent);
  await run.exit;
  const names = asked(run.name)[0]?.tools.map((tool) => tool.function.name);
  expect(names).toEqual(expect.arrayContaining(['bash', 'todowrite']));
});
