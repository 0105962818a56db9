/** From a request to merged, gated code: the real command line, the real OpenCode server, a scripted model. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  createScriptedModel,
  type RecordedRequest,
  type ScriptedModel,
} from '../../agent/scripted-model/model-server.js';
import { textOf } from '../../agent/scripted-model/request.js';
import type { BuildEvent } from '../../model/event.js';
import { TemporaryProject } from '../rig/command-line.js';
import { KEY, scriptedAgentConfig, writeStep as write } from '../rig/opencode-rig.js';

let model: ScriptedModel;
let project: TemporaryProject;

const PROMPTS = {
  spec: /^# Requirements of /,
  arch: /^# Structure of /,
  qa: /^# Proof of /,
  plan: /^# One plan for /,
  backlog: /^# Tasks of /,
};
/** What the user said, without what OpenCode adds. */
const said = (request: RecordedRequest | { messages: RecordedRequest['messages'] }) =>
  request.messages
    .filter(({ role }) => role === 'user')
    .map(textOf)
    .join('\n');
/** Which planner a request is of; undefined: a worker. */
const plannerOf = (request: Parameters<typeof said>[0]) =>
  Object.entries(PROMPTS).find(([, head]) => head.test(said(request).trimStart()))?.[0];

beforeEach(async () => {
  model = await createScriptedModel({
    key: KEY,
    choose: (request) => {
      const planner = plannerOf(request);
      return planner === undefined ? undefined : planner;
    },
  });
  project = new TemporaryProject({
    'package.json': '{ "type": "module" }\n',
    'src/greet.js': "export const greet = (name) => 'hello ' + name;\n",
    'feature-request.md': '# Shouting\n\nGreet somebody loudly.\n',
    'conductor.config.mjs': `export default ${JSON.stringify({
      agent: scriptedAgentConfig(model),
      gates: { build: ['node --test'] },
    })};\n`,
  });
  project.commit();
});
afterEach(async () => {
  await model.close();
  project.dispose();
});

const folder = 'specs/feature-request';
const shout = (mark: string) =>
  `import { greet } from './greet.js';\nexport const shout = (name) => greet(name).toUpperCase() + '${mark}';\n`;
const check = (mark: string) =>
  `import assert from 'node:assert';\nimport test from 'node:test';\nimport { shout } from '../src/shout.js';\n` +
  `test('it is loud', () => assert.equal(shout('ada'), 'HELLO ADA${mark}'));\n`;

/** What the planners write; `mark` is what the request asks for. */
function scriptPlan(mark: string): void {
  const planned = (name: string, text: string) =>
    model.script(name, [
      { hold: 'side by side' },
      write(`${folder}/plan-${name}.md`, text),
      { say: 'Done.' },
    ]);
  planned(
    'spec',
    `## Requirements\n\nR1: a greeting in capitals, ended with "${mark}". PLANNER-ONLY-WORDS\n`,
  );
  planned(
    'arch',
    `## Parts\n\nsrc/shout.js exports shout(name), ended with "${mark}"; its test is a part of its own.\n`,
  );
  planned('qa', `## Cases\n\nshout("ada") is all capitals, then "${mark}".\n`);
  model.script('plan', [
    write(
      `${folder}/PLAN.md`,
      `## Requirements\n\n### R1 Shout\n\nA greeting in capitals, ended with "${mark}". PLANNER-ONLY-WORDS\n`,
    ),
    { say: 'Done.' },
  ]);
  const backlog = `title: Shouting
tasks:
  - id: T01
    title: Shout
    description: "shout(name) greets in capitals, then '${mark}'. [script:shout]"
    inputs: [src/greet.js]
    outputs: [src/shout.js]
    verify: ["node -e \\"import('./src/shout.js').then((m) => m.shout('a'))\\""]
  - id: T02
    title: About
    description: "Say in README.md what this is. [script:readme]"
    type: documentation
    inputs: [src/greet.js]
    outputs: [README.md]
  - id: T03
    title: Test it
    description: "Test that shout is loud and ends with '${mark}'. [script:test]"
    depends_on: [T01]
    inputs: [src/greet.js]
    outputs: [test/shout.test.js]
    verify: [node --test]
`;
  const wrong = backlog.replace('depends_on: [T01]', 'depends_on: [T10]');
  model.script(
    'backlog',
    [write(`${folder}/BACKLOG.yaml`, wrong), { say: 'Done.' }],
    [write(`${folder}/BACKLOG.yaml`, backlog), { say: 'Done.' }],
  );
  model.script('shout', [write('src/shout.js', shout(mark)), { say: 'Done.' }]);
  model.script('readme', [write('README.md', 'Greetings.\n'), { say: 'Done.' }]);
  model.script('test', [write('test/shout.test.js', check(mark)), { say: 'Done.' }]);
}

const run = (...args: string[]) => project.start(args, { MODEL_KEY: KEY });

/** The events of every command so far, in the order of their logs. */
function logged(): BuildEvent[] {
  const logs = project.path('.conductor/logs');
  return readdirSync(logs)
    .sort()
    .flatMap((name) =>
      readFileSync(join(logs, name, 'events.ndjson'), 'utf8')
        .trim()
        .split('\n'),
    )
    .map((line) => JSON.parse(line) as BuildEvent);
}

test('a request becomes merged, gated code; the same again asks nobody; another request keeps what it can', async () => {
  scriptPlan('!');
  const first = run('run', 'feature-request.md', '--yes');
  await Promise.race([model.held('side by side', 3), first.ended]);
  const open = model.requests.filter(({ kind }) => kind === 'turn').map(plannerOf);
  expect(open.sort()).toEqual(['arch', 'qa', 'spec']);
  model.release('side by side');
  const done = await first.ended;
  expect(done.text).toContain('conductor: built 3');
  expect(done.code).toBe(0);
  // What a person would have been asked about: files, commands, size.
  expect(done.stdout).toContain('writes  src/shout.js');
  expect(done.stdout).toContain('runs    node --test');
  expect(done.stdout).toMatch(/3 tasks to build, 3 by agents: prompts of about/);
  expect(project.read('test/shout.test.js')).toBe(check('!'));
  expect(project.read(`${folder}/REQUEST.md`)).toBe(project.read('feature-request.md'));

  // Every planning session is gone before the first worker starts, and no worker got a word of one.
  const events = logged();
  const closed = events.find((event) => event.type === 'plan.closed');
  const worker = events.find((event) => event.type === 'task.started' && event.task.endsWith('/T01'));
  expect(closed).toMatchObject({ sessions: 6 });
  expect(events.indexOf(closed as BuildEvent)).toBeLessThan(events.indexOf(worker as BuildEvent));
  const merged = events.find((event) => event.type === 'gate.finished' && event.task === undefined);
  expect(merged).toMatchObject({ gate: 'node --test', ok: true });
  expect(closed?.at).toBeLessThanOrEqual(worker?.at ?? 0);
  const turns = model.requests.filter(({ kind }) => kind === 'turn');
  const planning = new Set(turns.filter(plannerOf).map(({ session }) => session));
  const working = turns.filter((request) => !plannerOf(request));
  expect(planning.size).toBe(6);
  expect(working.filter(({ session }) => planning.has(session))).toEqual([]);
  expect(working.filter(({ messages }) => JSON.stringify(messages).includes('PLANNER-ONLY'))).toEqual([]);
  expect(done.text).not.toContain(KEY);

  const calls = model.calls;
  const again = await run('run', 'feature-request.md').ended;
  expect(again.text).toContain('nothing to do');
  expect(again.code).toBe(0);
  expect(model.calls).toBe(calls);

  project.write('feature-request.md', '# Shouting\n\nGreet somebody loudly, with a question.\n');
  scriptPlan('?');
  const changed = await run('run', 'feature-request.md', '--yes').ended;
  expect(changed.code).toBe(0);
  expect(changed.stdout).toContain('2 changed (T01, T03), 1 kept');
  expect(project.read('src/shout.js')).toBe(shout('?'));
  const asked = model.requests.slice(calls).map(({ script }) => script);
  expect(asked).not.toContain('readme');
  expect(asked).toContain('shout');
}, 240_000);
