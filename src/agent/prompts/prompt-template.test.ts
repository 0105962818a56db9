import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Json } from '../../model/task.js';
import { agentNameOf } from './definitions.js';
import { promptName } from './prompt.js';
import { type PromptHead, promptHead, renderMeasured } from './prompt-template.js';

const folder = fileURLToPath(new URL('../../../', import.meta.url));
const templates = new Map<string, string>();
const heads = new Map<string, PromptHead>();

beforeAll(async () => {
  for (const name of await readdir(`${folder}prompts`, { recursive: true })) {
    if (name.endsWith('.md')) templates.set(name, await readFile(`${folder}prompts/${name}`, 'utf8'));
  }
  for (const [name, text] of templates) {
    const head = await promptHead(name, text);
    if (!head.ok) throw new Error(JSON.stringify(head.error));
    heads.set(name, head.value);
  }
});

const NAMES = [
  'absorbing',
  'backlog',
  'correction',
  'describing',
  'describing-review',
  'documentation',
  'implementation-bugfix',
  'implementation-feature',
  'planning-arch',
  'planning-qa',
  'planning-spec',
  'rebase',
  'reconcile',
  'replanning',
  'review-code',
  'steering',
].map((name) => `${name}.md`);

const PARTIALS = [
  'acceptance',
  'guidance',
  'material',
  'plan-rules',
  'reading',
  'request',
  'rules',
  'writing',
];

/** A value of each variable's shape; every text is named after its variable. */
function sampleOf(name: string): Json {
  switch (name) {
    case 'sections':
      return [{ ref: '«ref»', text: '«sections»' }];
    case 'dependencies':
      return [{ label: '«dependencies»', paths: ['«path»', '«other path»'] }];
    case 'preambles':
      return [{ file: '«file»', text: '«preambles»' }];
    case 'patched':
    case 'others':
      return [{ label: `«${name}»`, paths: ['«path»'] }];
    case 'conflicts':
      return [{ path: '«conflicts»', change: '«change»', since: '«since»' }];
    default:
      return /^(acceptance|constraints|patterns|gotchas|inputs|outputs|edits|tests|gates|buildGates|bare|later)$/.test(
        name,
      )
        ? [`«${name}»`]
        : `«${name}»`;
  }
}

const full = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, sampleOf(name)]));
const empty = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, Array.isArray(sampleOf(name)) ? [] : ''] as const));
const render = (name: string, variables: Record<string, Json>) =>
  renderMeasured(templates, name, variables, { material: [] });
const declared = (name: string) => heads.get(name)?.variables ?? [];

describe('the prompt library', () => {
  test('has these prompts', () => {
    expect([...templates.keys()].sort()).toEqual(
      [...NAMES, ...PARTIALS.map((name) => `partials/${name}.md`)].sort(),
    );
  });

  test.each(NAMES)('%s is rendered with the variables that it declares, and shows each', async (name) => {
    const rendered = await render(name, full(declared(name)));
    const text = rendered.ok ? rendered.value.text : JSON.stringify(rendered.error);
    for (const variable of declared(name)) expect(text).toContain(`«${variable}»`);
    expect(text).not.toMatch(/\{\{|\}\}|undefined|\[object|^for: |\n\n\n/m);
  });

  test.each(NAMES)('%s is rendered without them, too', async (name) => {
    expect(await render(name, empty(declared(name)))).toMatchObject({ ok: true });
  });

  test.each(NAMES)('%s cannot be rendered when a variable that it declares is missing', async (name) => {
    for (const variable of declared(name)) {
      const others = declared(name).filter((one) => one !== variable);
      expect([variable, (await render(name, full(others))).ok]).toEqual([variable, false]);
    }
  });

  test.each(PARTIALS)('the partial %s declares what it uses', async (partial) => {
    const name = `partials/${partial}.md`;
    const rendered = await render(name, full(declared(name)));
    const text = rendered.ok ? rendered.value.text : JSON.stringify(rendered.error);
    for (const variable of declared(name)) expect(text).toContain(`«${variable}»`);
    expect(rendered.ok).toBe(true);
  });

  test('names an agent that exists for every prompt but what steers one', async () => {
    const agents = await readdir(`${folder}.opencode/agent`);
    for (const name of NAMES.filter((one) => !/^(steering|replanning|correction)/.test(one))) {
      expect(agents).toContain(`${heads.get(name)?.agent}.md`);
    }
  });

  test.each(['implementation', 'documentation', 'bugfix'])(
    'names the agent that works on a task of type %s',
    (type) => {
      const agent = agentNameOf({ type, agent: undefined });
      expect(heads.get(promptName({ type }))).toMatchObject({ agent, budget: 'promptBytes' });
    },
  );

  test('leaves most of each limit to people', async () => {
    const limits = { promptBytes: 3072, planningBytes: 10_240 };
    for (const name of NAMES) {
      const { budget, variables } = heads.get(name) as PromptHead;
      const rendered = await render(name, empty(variables));
      const size = rendered.ok ? Buffer.byteLength(rendered.value.text) : Infinity;
      expect([name, size < limits[budget ?? 'promptBytes'] * 0.6]).toEqual([name, true]);
    }
  });
});

describe('a template', () => {
  const one = (text: string) => new Map([['a.md', `---\nfor: x\nvariables: []\n---\n${text}`]]);

  test('that uses a variable that it was not given is refused at its line', async () => {
    const refused = await renderMeasured(one('{{#if b}}\nc\n{{/if}}'), 'a.md', { a: '1' }, { material: [] });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'prompt-error', prompt: 'a.md', line: 5 } });
  });

  test('is measured in bytes of what it is given, its material apart and its own words left out', async () => {
    const measured = await renderMeasured(
      one('Do ä.\n{{text}}{{word}}\n{{#each list}}{{this}}{{/each}}'),
      'a.md',
      { text: 'ööö', word: 'ä!', list: ['ab', 'cd'], other: 'not shown', unused: 'nor this' },
      { material: ['text', 'list', 'other'] },
    );
    expect(measured).toMatchObject({
      value: { instructions: 3, material: 10 },
    });
  });

  test('over its limit is refused with its sections by size, which add up', async () => {
    const variables = { short: 'a'.repeat(10), long: 'b'.repeat(40), text: 'c'.repeat(99) };
    const template = one(`{{short}}{{long}}{{text}}${'d'.repeat(20)}`);
    const refused = await renderMeasured(template, 'a.md', variables, { material: ['text'], limit: 49 });
    expect(refused).toEqual({
      ok: false,
      error: {
        kind: 'prompt-too-large',
        bytes: 50,
        limit: 49,
        sections: ['long: 40 bytes', 'short: 10 bytes'],
      },
    });
    expect(
      await renderMeasured(template, 'a.md', variables, { material: ['text'], limit: 50 }),
    ).toMatchObject({
      ok: true,
    });
  });

  test.each([
    ['without front matter', 'text', /not start with front matter/],
    ['that is for nobody', '---\nvariables: []\n---\n', /who it is for/],
    ['without a list of variables', '---\nfor: x\nvariables: a, b\n---\n', /list its/],
    ['with an unknown key', '---\nfor: x\nvariable: []\n---\n', /`variable` is not a known key/],
    ['with an unknown budget', '---\nfor: x\nbudget: all\nvariables: []\n---\n', /`budget`/],
    ['with broken front matter', '---\nfor: [x\n---\n', /./],
  ])('%s has no head', async (_what, text, message) => {
    expect(await promptHead('a.md', text)).toMatchObject({
      ok: false,
      error: { kind: 'prompt-error', prompt: 'a.md', message: expect.stringMatching(message) },
    });
  });
});
