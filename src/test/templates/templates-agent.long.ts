/** The shipped templates whose work an agent does: the real command line, OpenCode and a scripted model. */

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createScriptedModel, type ScriptedModel } from '../../agent/scripted-model/model-server.js';
import type { ModelRequest } from '../../agent/scripted-model/request.js';
import { textOf } from '../../agent/scripted-model/request.js';
import { KEY, scriptedAgentConfig, writeStep } from '../rig/opencode-rig.js';
import { type FeatureRequest, TemplateProject } from './template-project.js';

// Whole builds with a server: far below this on an idle machine.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let model: ScriptedModel;
let project: TemplateProject;

beforeEach(async () => {
  // Each task is played by the script of its label.
  model = await createScriptedModel({ key: KEY, choose: labelOf });
  const config = { agent: scriptedAgentConfig(model), workers: 4 };
  project = new TemplateProject({ 'conductor.config.ts': `export default ${JSON.stringify(config)};\n` });
});
afterEach(async () => {
  await model.close();
  project.dispose();
});

/** The task that a session is about: the first label in what it was told. */
function labelOf({ messages }: ModelRequest): string | undefined {
  const told = messages.filter(({ role }) => role === 'user').map(textOf);
  return /\bfeature-\d+-[\w-]+\/T\d+\b/.exec(told.join('\n'))?.[0];
}

const build = () => project.start(['build'], { MODEL_KEY: KEY }).ended;
const done = { say: 'Done.' };

/** What a person would see of the last request for a task. */
function toldOf(label: string): string {
  const own = model.requests.filter((request) => request.script === label);
  return own.at(-1)?.messages.map(textOf).join('\n') as string;
}

test('a feature is made by an agent, task by task, as the templates make it', async () => {
  const set = { entity: 'Person', fields: 'fullName:string!,born:date,active:boolean' };
  const rendered = new TemplateProject();
  try {
    await rendered.build([{ template: 'crud-feature', name: 'people', set }]);
    const feature: FeatureRequest = {
      template: 'crud-feature',
      name: 'people',
      set: { ...set, agent: 'true' },
    };
    // Only what features share is rendered.
    expect((await project.new(feature)).text).not.toContain('templates/crud-feature');
    const files = rendered.generated();
    const owned = {
      T01: ['model.mjs', 'sample.mjs', 'model.test.mjs'],
      T02: ['validation.mjs', 'validation.test.mjs'],
      T03: ['store.mjs', 'store.test.mjs'],
      T04: ['handler.mjs', 'handler.test.mjs'],
      T05: ['server.mjs', 'server.test.mjs'],
      T06: ['README.md'],
    };
    for (const [id, names] of Object.entries(owned)) {
      const paths = names.map((name) => `src/people/${name}`);
      const calls = paths.map((path) => writeStep(path, rendered.read(path)));
      model.script(`feature-001-people/${id}`, [{ calls }, done]);
    }
    const built = await build();
    expect(built.code, built.text).toBe(0);
    expect(project.generated()).toEqual(files);
    for (const path of files) expect(project.read(path), path).toBe(rendered.read(path));

    // The agent is told what is to be made, of what, and how it will be judged.
    const told = toldOf('feature-001-people/T04');
    expect(told).toContain('Unknown addresses are 404, other methods 405 with Allow');
    expect(told).toContain('| `born` | date, as text `YYYY-MM-DD` | optional |');
    expect(told).toContain('`node --test src/people/handler.test.mjs`');
    expect(told).toContain('src/people/validation.mjs');
    expect(told).toContain('src/shared/http.mjs');

    const { calls } = model;
    expect((await build()).text).toMatch(/nothing to do/);
    expect(model.calls).toBe(calls);
  } finally {
    rendered.dispose();
  }
});

const cart = `/** The sum of the prices of all items. */
export function total(items) {
  return items.map(({ price }) => price).reduce((sum, price) => sum + price, items[0]?.price - items[0]?.price);
}
`;
const repaired = `/** The sum of the prices of all items. */
export function total(items) {
  return items.reduce((sum, { price }) => sum + price, 0);
}
`;
const head = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { total } from '../src/cart.mjs';
`;
const failing = `${head}
test('the total of an empty cart is 0', () => {
  assert.equal(total([]), 0);
});
`;
const bug: FeatureRequest = {
  template: 'bugfix',
  name: 'empty-cart',
  set: {
    bug: 'The total of an empty cart: it is NaN # not 0',
    files: 'src/cart.mjs',
    expected: 'It is 0.',
    suite: 'node --test test/cart.test.mjs',
  },
};

function withCart(): void {
  project.write('src/cart.mjs', cart);
  project.write(
    'test/cart.test.mjs',
    `${head}\ntest('it adds up', () => assert.equal(total([{ price: 2 }, { price: 3 }]), 5));\n`,
  );
  project.commit();
}

test('a bug is shown by a failing test first, then mended by a patch', async () => {
  withCart();
  expect((await project.new(bug)).code).toBe(0);
  model.script('feature-001-empty-cart/T01', [writeStep('test/empty-cart.test.mjs', failing), done]);
  model.script('feature-001-empty-cart/T02', [writeStep('src/cart.mjs', repaired), done]);
  const built = await build();
  expect(built.code, built.text).toBe(0);
  expect(project.read('test/empty-cart.test.mjs')).toBe(failing);
  expect(project.read('src/cart.mjs')).toBe(repaired);
  expect(toldOf('feature-001-empty-cart/T02')).toContain('it is NaN # not 0');
  // The test passes now; that it failed before is on record.
  expect((await build()).text).toMatch(/nothing to do/);
});

test('a test that passes already, or that cannot be loaded, shows no bug and is refused', async () => {
  withCart();
  await project.new(bug);
  const passing = failing.replace('total([]), 0', 'total([]), Number.NaN');
  const unloadable = failing.replace('../src/cart.mjs', '../src/trolley.mjs');
  model.script(
    'feature-001-empty-cart/T01',
    [writeStep('test/empty-cart.test.mjs', passing), done],
    [writeStep('test/empty-cart.test.mjs', unloadable), done],
  );
  const built = await build();
  expect(built.code).toBe(1);
  expect(built.text).toMatch(/error: feature-001-empty-cart\/T01: a gate failed/);
  expect(built.text).toMatch(/skipped +feature-001-empty-cart\/T02/);
  // The second attempt was told why the first was refused.
  expect(toldOf('feature-001-empty-cart/T01')).toContain('so it does not show the bug');
  const log = await project.conductor('log', 'feature-001-empty-cart/T01');
  expect(built.text + log.text).toContain('it may not even be loaded');
  expect(project.generated()).toEqual(['src/cart.mjs', 'test/cart.test.mjs']);
  expect(project.read('src/cart.mjs')).toBe(cart);
});

test('a page, the action of a command and a module are made by an agent; a dead link is refused', async () => {
  project.write('src/report.mjs', 'export const report = () => 1;\n');
  project.commit();
  const features: FeatureRequest[] = [
    { template: 'docs-page', name: 'start', set: { title: 'Getting started', about: 'A first report.' } },
    {
      template: 'cli-command',
      name: 'count',
      set: {
        command: 'count',
        about: 'Counts',
        operand: 'word',
        behaviour: 'Prints how many.',
        agent: 'true',
      },
    },
    {
      template: 'library-module',
      name: 'once',
      set: { module: 'once', about: 'Calls once.', agent: 'true' },
    },
    {
      template: 'api-endpoint',
      name: 'ping',
      set: { operation: 'ping', method: 'GET', path: '/ping', response: 'at:date!', agent: 'true' },
    },
  ];
  for (const feature of features) {
    const made = await project.new(feature);
    expect(made.code, made.text).toBe(0);
  }
  const page = (link: string) =>
    `# Getting started\n\nSee [the source](${link}).\n\n\`\`\`js\nimport { report } from './src/report.mjs';\n\`\`\`\n`;
  model.script(
    'feature-001-start/T01',
    [writeStep('docs/start.md', page('../src/reports.mjs')), done],
    [writeStep('docs/start.md', page('../src/report.mjs')), done],
  );
  const tested = (name: string, call: string) => `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ${name} } from './${call.split(' ')[0]}.mjs';
test('it is there', () => assert.equal(typeof ${name}, 'function'));
`;
  const action = `export class CountFailure extends Error {}
export async function count({ operands }, output) {
  output.write(\`\${operands.length}\\n\`);
}
`;
  model.script('feature-002-count/T02', [
    {
      calls: [
        writeStep('src/count/action.mjs', action),
        writeStep('src/count/action.test.mjs', tested('count', 'action')),
      ],
    },
    done,
  ]);
  const once =
    'export const once = (work) => { let made; return () => (made ??= { value: work() }).value; };\n';
  model.script('feature-003-once/T01', [
    {
      calls: [
        writeStep('src/once/index.mjs', once),
        writeStep('src/once/once.test.mjs', tested('once', 'index')),
      ],
    },
    done,
  ]);
  model.script('feature-003-once/T02', [writeStep('docs/once.md', '# Once\n\n`once(work)`\n'), done]);
  const ping = "export const ping = () => ({ at: '2026-01-31' });\n";
  model.script('feature-004-ping/T05', [
    {
      calls: [
        writeStep('src/ping/ping.mjs', ping),
        writeStep('src/ping/ping.test.mjs', tested('ping', 'ping')),
      ],
    },
    done,
  ]);
  const built = await build();
  expect(built.code, built.text).toBe(0);
  expect(project.read('docs/start.md')).toBe(page('../src/report.mjs'));
  expect(toldOf('feature-001-start/T01')).toContain('../src/reports.mjs leads to nothing');
  expect(project.generated()).toEqual(
    expect.arrayContaining([
      'bin/count.mjs',
      'docs/once.md',
      'src/once/index.mjs',
      'src/ping/openapi.json',
      'src/ping/ping.mjs',
    ]),
  );
  expect((await build()).text).toMatch(/nothing to do/);
});
