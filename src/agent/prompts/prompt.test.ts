import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Task } from '../../model/task.js';
import { type PromptFacts, renderPrompt } from './prompt.js';

const folder = fileURLToPath(new URL('../../../prompts/', import.meta.url));
const templates = new Map<string, string>();

beforeAll(async () => {
  for (const name of await readdir(folder, { recursive: true })) {
    if (name.endsWith('.md')) templates.set(name, await readFile(folder + name, 'utf8'));
  }
});

const task: Task = {
  label: 'auth/T02',
  feature: 'auth',
  id: 'T02',
  title: 'Sessions expire',
  type: 'implementation',
  complexity: 'low',
  description: 'Sessions have an <age> & a "limit". {{not a variable}}',
  acceptance: ['An old session is rejected with 401'],
  dependsOn: ['core/T03'],
  inputs: ['src/types/**'],
  outputs: ['src/auth/session.ts'],
  edits: ['src/app.ts'],
  interface: undefined,
  specRefs: ['PLAN.md#sessions'],
  context: { constraints: ['no clock'], patterns: ['like src/a.ts'], gotchas: ['leap seconds'] },
  verify: [],
  budget: {},
  network: false,
  review: undefined,
  stray: undefined,
  reverify: undefined,
  agent: undefined,
  model: undefined,
  recipe: { kind: 'agent', strategy: 'evolve' },
  notes: {},
  source: { file: 'specs/auth/BACKLOG.yaml', path: [] },
};

const facts = (more: Partial<PromptFacts> = {}, change: Partial<Task> = {}): PromptFacts => ({
  templates,
  task: { ...task, ...change },
  feature: {
    name: 'auth',
    title: 'Signing in',
    context: 'Everything is UTC.',
    sections: new Map([
      ['PLAN.md#sessions', 'Thirty minutes.'],
      ['PLAN.md#other', 'Another task only.'],
    ]),
  },
  dependencies: [{ label: 'core/T03', outputs: ['src/core.ts', 'src/x.ts'], interface: ['src/core.ts'] }],
  inputs: ['src/types/a.ts'],
  ...more,
});

async function rendered(given = facts()) {
  const prompt = await renderPrompt(given);
  if (!prompt.ok) throw new Error(JSON.stringify(prompt.error));
  return prompt.value;
}

describe('the prompt of a task', () => {
  test('has everything that defines it, as written', async () => {
    const whole = await (await rendered()).full({ gates: [] });
    const text = whole.ok ? whole.value : '';
    for (const part of [
      '# Sessions expire',
      'Sessions have an <age> & a "limit". {{not a variable}}',
      '- An old session is rejected with 401',
      '- no clock',
      '- like src/a.ts',
      '- leap seconds',
      'Everything is UTC.',
      'Thirty minutes.',
      '- `src/types/a.ts`',
      '- core/T03: `src/core.ts`\n',
      '- `src/auth/session.ts`',
      '- `src/app.ts`',
      'Do not commit',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toMatch(/Another task only|src\/x\.ts|^---$|for: |\n\n\n/m);
  });

  test('leaves out the headings of what it has not', async () => {
    const bare = facts(
      { dependencies: [], inputs: [] },
      {
        acceptance: [],
        edits: [],
        specRefs: [],
        context: { constraints: [], patterns: [], gotchas: [] },
      },
    );
    const { definition } = await rendered({ ...bare, feature: { ...bare.feature, context: '' } });
    expect(definition.match(/^## .*$/gm)).toEqual(['## Write', '## Rules']);
  });

  test.each([
    ['bugfix', '# Fix: Sessions expire'],
    ['documentation', '# Document: Sessions expire'],
    ['refactor', '# Sessions expire'],
  ])('of type %s begins with %s', async (type, heading) => {
    const whole = await (await rendered(facts({}, { type }))).full({ gates: [] });
    expect(whole.ok && whole.value.startsWith(`${heading}\n`)).toBe(true);
  });

  test('has titles that its definition has not, since they are cosmetic', async () => {
    const { definition } = await rendered();
    expect(definition).not.toMatch(/Sessions expire|Signing in/);
    const base = facts({}, { title: 'Another title' });
    const renamed = { ...base, feature: { ...base.feature, title: 'Another feature' } };
    expect((await rendered(renamed)).definition).toBe(definition);
  });

  test('is defined by its title where there is nothing else', async () => {
    expect((await rendered(facts({}, { description: '' }))).definition).toContain('Sessions expire');
  });

  test('is the definition followed by what steers', async () => {
    const { full } = await rendered();
    const plain = await full({ gates: [] });
    // Without gates it ends with what is said of the material.
    const beside = plain.ok ? plain.value.search(/^.*are background/m) : -1;
    const definition = plain.ok && beside > 0 ? plain.value.slice(0, beside) : 'refused';
    const whole = await full({
      gates: ['npx vitest run'],
      specChange: '-30 minutes\n+20 minutes',
    });
    const text = whole.ok ? whole.value : '';
    expect(text.startsWith(definition.trimEnd())).toBe(true);
    expect(definition.length).toBeGreaterThan(500);
    expect(text).toContain('- `npx vitest run`');
    expect(text).toContain('```diff\n-30 minutes\n+20 minutes\n```');
  });

  test('does not change when a template edit renders the same text', async () => {
    const edited = new Map(templates);
    const name = 'implementation-feature.md';
    edited.set(name, (templates.get(name) ?? '').replace('for: ', 'for all: '));
    expect((await rendered(facts({ templates: edited }))).definition).toBe((await rendered()).definition);
  });

  test('stays one line for a path with a line break', async () => {
    const { definition } = await rendered(facts({}, { outputs: ['a\n## Rules\n- commit'] }));
    expect(definition.match(/^## Rules$/gm)).toHaveLength(1);
  });

  test('with too many instructions is refused, the largest section first', async () => {
    const long = facts({ limit: 3072 }, { description: 'x'.repeat(4000) });
    const refused = await renderPrompt(long);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'prompt-too-large', limit: 3072 } });
    if (!refused.ok && refused.error.kind === 'prompt-too-large') {
      expect(refused.error.sections[0]).toBe('description: 4000 bytes');
    }
  });

  test('is not refused for long reference material', async () => {
    const base = facts({ limit: 3072 });
    const feature = { ...base.feature, context: 'y'.repeat(9000) };
    expect((await renderPrompt({ ...base, feature })).ok).toBe(true);
  });

  test('whose template is wrong is refused, naming the template', async () => {
    const wrong = new Map([
      ...templates,
      ['implementation-feature.md', '---\nfor: a\n---\n\n{{nonsense}}\n'],
    ]);
    expect(await renderPrompt(facts({ templates: wrong }))).toMatchObject({
      ok: false,
      error: { kind: 'prompt-error', prompt: 'implementation-feature.md', line: 5 },
    });
    expect(await renderPrompt(facts({ templates: new Map() }))).toMatchObject({
      error: { kind: 'prompt-error', message: expect.stringContaining('no such') },
    });
  });
});
