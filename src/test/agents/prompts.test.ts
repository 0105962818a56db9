/** What an agent gets: as `conductor prompt` shows it, as the build gives it, and as large as it may be. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Agent } from '../../agent/agent.js';
import type { AgentDefinition } from '../../agent/prompts/definitions.js';
import { renderMeasured } from '../../agent/prompts/prompt-template.js';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { ok } from '../../base/result.js';
import { inspect } from '../../build/dry-run.js';
import { previewPrompts } from '../../commands/prompt-preview.js';
import type { Host } from '../../project/host.js';
import { describeFailure } from '../../report/failures/failure.js';
import { PACKAGE } from '../rig/command-line.js';
import { createRig, type Rig } from '../rig/rig.js';

const idle = () => new ScriptedAgent({ tripwire: true });

async function preview(rig: Rig, target: string) {
  const done = await previewPrompts(rig.host(idle()), target);
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

describe('the prompt that is shown', () => {
  test('is the one that the agent gets, gates and the change of the spec included', async () => {
    await using rig = await createRig({ config: { gates: { task: ['true'] } } });
    const task = { description: 'Write one.', inputs: [], outputs: ['one.txt'], verify: ['test -s one.txt'] };
    rig.backlog('f', { T1: task });
    const given: string[] = [];
    rig.answer('f/T1', (request) => {
      given.push(request.prompt);
      return { 'one.txt': `${given.length}` };
    });
    const [first] = await preview(rig, 'f/T1');
    await rig.build();
    rig.backlog('f', { T1: { ...task, description: 'Write one, again.' } });
    const [second] = await preview(rig, 'f/T1');
    await rig.build();
    expect(given).toEqual([first?.text, second?.text]);
    expect(first?.text).toContain('- `test -s one.txt`\n- `true`');
    expect(second?.text).toContain('+Write one, again.');
  });

  test('names what dependencies declare as long as they are not built, then their files', async () => {
    await using rig = await createRig();
    rig.backlog('f', {
      T1: { inputs: [], outputs: ['out/**'], run: 'mkdir -p out && echo 1 > out/a.txt' },
      T2: { inputs: [], depends_on: ['T1'], description: 'x', outputs: ['two.txt'] },
    });
    const [before] = await preview(rig, 'f/T2');
    expect(before).toMatchObject({ waitingFor: ['f/T1'], agent: 'implementer' });
    expect(before?.text).toContain('- f/T1: `out/**`');
    rig.answer('f/T2', { 'two.txt': '2' });
    await rig.build();
    const [after] = await preview(rig, 'f/T2');
    expect(after?.waitingFor).toEqual([]);
    expect(after?.text).toContain('- f/T1: `out/a.txt`');
  });

  test('comes from the template of the project where it has one', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } });
    rig.write({ 'prompts/implementation-feature.md': '---\nfor: us\n---\nPlease: {{description}}\n' });
    expect((await preview(rig, 'f/T1'))[0]?.text).toBe('Please: x\n');
  });

  test('has its instructions measured, and its material beside them', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } });
    const [bare] = await preview(rig, 'f/T1');
    rig.write({ 'specs/f/context.md': 'y'.repeat(5000) });
    const [rich] = await preview(rig, 'f/T1');
    expect(bare).toMatchObject({
      material: 0,
      limit: 3072,
    });
    // Its text, its names, its type and its output; the words of the template are not its own.
    expect(bare?.instructions).toBeGreaterThan('xf/T1implementation`one.txt`'.length);
    expect(bare?.instructions).toBeLessThan(60);
    expect(rich).toMatchObject({ material: 5000 });
    expect(rich?.instructions).toBe(bare?.instructions);
  });

  test('tells what narrow inputs hide: the manifest and one whole test, the names of a document, what runs in the end', async () => {
    await using rig = await createRig({ config: { gates: { build: ['npm test'] } } });
    const long = `${'// a long one\n'.repeat(400)}`;
    rig.write({
      'package.json': '{ "type": "module" }\n',
      'test/long.test.ts': long,
      'test/small.test.ts': 'test("small");\n',
      'specs/f/PLAN.md': '# Plan\n\nIn all examples r1 is a room.\n\n## Rooms\n\nr1 is free.\n',
      'src/app.ts': '',
    });
    const task = { inputs: [], outputs: ['test/new.ts'], spec_refs: ['PLAN.md#rooms'], description: 'x' };
    rig.backlog('f', {
      T1: { ...task, depends_on: ['T2', 'T3'] },
      T2: { inputs: [], outputs: ['test/only.test.ts'], run: 'touch test/only.test.ts' },
      T3: { inputs: [], edits: ['src/app.ts'], outputs: [], run: 'echo 1 > src/app.ts' },
    });
    const narrow = (await preview(rig, 'f/T1'))[0]?.text ?? '';
    expect(narrow).toContain('`package.json`:\n\n```\n{ "type": "module" }\n```');
    expect(narrow).toContain('`test/small.test.ts`:\n\n```\ntest("small");\n```');
    expect(narrow).not.toContain('a long one');
    expect(narrow).toContain('## The beginning of PLAN.md\n\nIn all examples r1 is a room.');
    expect(narrow).toContain('The sections "From …" are background');
    expect(narrow).toContain('these run once on everything together');
    expect(narrow).toContain('f/T3 has changed `src/app.ts`');
    expect(narrow).not.toContain(
      '## Build on\n\nFinished and not yours to change; use what they export, as they stand.\n\n- ',
    );
    expect(narrow).not.toContain('weaken no other');

    rig.backlog('f', { T1: { ...task, inputs: ['test/long.test.ts'], edits: ['test/small.test.ts'] } });
    const wider = (await preview(rig, 'f/T1'))[0]?.text ?? '';
    expect(wider).toContain('`package.json`:');
    expect(wider).not.toContain('test("small")');
    expect(wider).toContain('Where this task changes what a test in `test/small.test.ts` holds');
  });

  test('is no prompt where no agent works', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { inputs: [], outputs: ['one.txt'], run: 'echo 1 > one.txt' } });
    expect(await previewPrompts(rig.host(idle()), 'f')).toMatchObject({ error: { kind: 'usage' } });
  });
});

describe('a prompt that is too large', () => {
  test('fails its task before an agent is paid, naming the sections by size', async () => {
    await using rig = await createRig({ config: { promptBytes: 2000 } });
    rig.backlog('f', {
      T1: { description: 'x'.repeat(1500), inputs: [], outputs: ['one.txt'], acceptance: ['y'.repeat(700)] },
    });
    const story = await rig.buildWithoutAgent();
    const failure = story.failure('f/T1');
    expect(failure).toMatchObject({ kind: 'prompt-too-large', limit: 2000 });
    if (failure?.kind !== 'prompt-too-large') throw new Error(story.log());
    expect(failure.sections.slice(0, 2)).toEqual(['description: 1500 bytes', 'acceptance: 700 bytes']);
    const sizes = failure.sections.map((section) => Number(/: (\d+) bytes/.exec(section)?.[1]));
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(failure.bytes);
  });

  test('through its gates fails as well, and a higher limit lets it pass', async () => {
    const verify = Array.from({ length: 8 }, (_, i) => `true ${i}${'z'.repeat(270)}`);
    await using rig = await createRig({ config: { promptBytes: 2000 } });
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'], verify } });
    const story = await rig.buildWithoutAgent();
    expect(story.failure('f/T1')).toMatchObject({
      kind: 'prompt-too-large',
      sections: expect.arrayContaining([expect.stringMatching(/^gates: \d+ bytes$/)]),
    });
    rig.config = { ...rig.config, promptBytes: 3000 };
    rig.answer('f/T1', { 'one.txt': '1' });
    expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  });
});

describe('the agent definition', () => {
  const shippedAgents = async () =>
    new Map(
      readdirSync(join(PACKAGE, '.opencode/agent')).map((name) => [
        name,
        readFileSync(join(PACKAGE, '.opencode/agent', name), 'utf8'),
      ]),
    );

  /** Keys of tasks for an agent that works with definitions, and the definitions that it was told. */
  async function keys(rig: Rig) {
    const told: ReadonlyMap<string, AgentDefinition>[] = [];
    const agent: Agent = Object.assign(idle(), {
      useDefinitions: (all: ReadonlyMap<string, AgentDefinition>) => told.push(all),
    });
    const host: Host = {
      ...rig.host(idle()),
      createAgent: async () => ok(agent),
      shippedAgents,
    };
    const looked = await inspect(
      host,
      { targets: [], force: false, discardEdits: false },
      async ({ prepared, tasks }) => ({
        keys: Object.fromEntries(tasks.map(({ task, check }) => [task.label, check?.facts.key ?? ''])),
        models: Object.fromEntries(
          tasks.map(({ task }) => [task.label, prepared.gatherer.choiceOf(task, 1).model]),
        ),
      }),
    );
    return { looked, ...(looked.ok ? looked.value : { keys: {}, models: {} }), told };
  }

  test('of the project wins, is told to the agent, and its text is a part of its tasks’ keys alone', async () => {
    await using rig = await createRig();
    rig.backlog('f', {
      T1: { description: 'x', inputs: [], outputs: ['one.txt'] },
      T2: { description: 'x', inputs: [], outputs: ['two.md'], type: 'documentation' },
    });
    const before = await keys(rig);
    const own = (description: string, body: string) =>
      rig.write({
        '.opencode/agent/implementer.md': `---\ndescription: ${description}\npermission:\n  "*": deny\n---\n${body}\n`,
      });
    own('ours', 'Work.');
    const after = await keys(rig);
    expect(after.told[0]?.get('implementer')?.body).toBe('Work.');
    expect(after.told[0]?.get('documenter')?.body).toBe(before.told[0]?.get('documenter')?.body);
    expect(after.keys['f/T1']).not.toBe(before.keys['f/T1']);
    expect(after.keys['f/T2']).toBe(before.keys['f/T2']);
    own('described otherwise', 'Work.');
    expect((await keys(rig)).keys).toEqual(after.keys);
  });

  test('decides the model where the task does not, before the config', async () => {
    await using rig = await createRig({ config: { agent: { driver: 'opencode', model: 'p/config' } } });
    const task = (more: object) => ({ description: 'x', inputs: [], ...more });
    rig.backlog('f', {
      T1: task({ outputs: ['one.txt'], model: 'p/task' }),
      T2: task({ outputs: ['two.txt'] }),
      T3: task({ outputs: ['three.md'], type: 'documentation' }),
    });
    rig.write({
      '.opencode/agent/implementer.md':
        '---\ndescription: a\nmodel: p/definition\npermission:\n  "*": deny\n---\nWork.\n',
    });
    const first = await keys(rig);
    expect(first.models).toEqual({ 'f/T1': 'p/task', 'f/T2': 'p/definition', 'f/T3': 'p/config' });
    rig.config = { ...rig.config, agent: { driver: 'opencode', model: 'p/other' } };
    const second = await keys(rig);
    const changed = Object.keys(first.keys).filter((label) => first.keys[label] !== second.keys[label]);
    expect(changed).toEqual(['f/T3']);
  });

  test('that a task names and nobody wrote is refused at its place', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'], agent: 'implementr' } });
    const { looked } = await keys(rig);
    expect(looked).toMatchObject({
      error: {
        kind: 'invalid-specs',
        diagnostics: [
          { file: 'specs/f/BACKLOG.yaml', line: expect.any(Number), hint: 'did you mean implementer?' },
        ],
      },
    });
  });

  test('that is wrong is refused at its place', async () => {
    await using rig = await createRig();
    rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['one.txt'] } });
    rig.write({ '.opencode/agent/mine.md': '---\ndescription: a\npermission:\n  bash: ask\n---\nWork.\n' });
    expect((await keys(rig)).looked).toMatchObject({
      error: { kind: 'invalid-config', diagnostics: [{ file: '.opencode/agent/mine.md', line: 4 }] },
    });
  });
});

test('a prompt that is too large names the list that makes it so, and the remedy for that list', async () => {
  const paths = Array.from({ length: 300 }, (_, at) => `src/generated/file-${at}.ts`);
  const text =
    '---\nfor: tests\nvariables: [dependencies]\n---\n{{#each dependencies}}{{#each paths}}{{this}}{{/each}}{{/each}}';
  const dependencies = [
    { label: 'f/T1', paths: ['a.ts'] },
    { label: 'f/T2', paths },
  ];
  const measure = { material: [], limit: 1000 };
  const refused = await renderMeasured(new Map([['a.md', text]]), 'a.md', { dependencies }, measure);
  if (refused.ok || refused.error.kind !== 'prompt-too-large') throw new Error('it was not refused');
  expect(refused.error.sections[0]).toMatch(/^dependencies: \d+ bytes \(f\/T2: 300 files\)$/);
  const remedy = (sections: readonly string[]) =>
    describeFailure({ kind: 'prompt-too-large', bytes: 2, limit: 1, sections }).hint;
  expect(remedy(refused.error.sections)).toContain('`interface`');
  expect(remedy(['inputs: 900 bytes (40 entries)'])).toContain('a narrower glob');
  expect(remedy(['description: 900 bytes'])).toContain('shorten the spec');
});
