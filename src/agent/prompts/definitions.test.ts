import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AgentDefinition, agentNameOf, loadDefinitions, readDefinition } from './definitions.js';

const folder = fileURLToPath(new URL('../../../.opencode/agent/', import.meta.url));
const shipped = new Map<string, string>();
let definitions: ReadonlyMap<string, AgentDefinition>;

beforeAll(async () => {
  for (const name of await readdir(folder)) shipped.set(name, await readFile(folder + name, 'utf8'));
  const loaded = await loadDefinitions(shipped, new Map());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  definitions = loaded.value;
});

const SMALL = `---
description: a
permission:
  "*": deny
  read: allow
---

Work.
`;

const mistakes = async (text: string) => {
  const read = await readDefinition('a.md', text);
  return read.ok ? [] : read.error;
};

/** What OpenCode decides: the last rule of the last matching permission. */
function decided({ permission }: AgentDefinition, tool: string, pattern = '*'): string | undefined {
  const matches = (glob: string, text: string) =>
    new RegExp(
      `^${glob
        .split('*')
        .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
        .join('[\\s\\S]*')}$`,
    ).test(text);
  let action: string | undefined;
  for (const [name, rule] of Object.entries(permission)) {
    if (!matches(name, tool)) continue;
    for (const [glob, one] of Object.entries(typeof rule === 'string' ? { '*': rule } : rule)) {
      if (matches(glob, pattern)) action = one;
    }
  }
  return action;
}

describe('the shipped agents', () => {
  test('are these', () => {
    expect([...definitions.keys()].sort()).toEqual([
      'conductor',
      'documenter',
      'implementer',
      'planner-arch',
      'planner-lead',
      'planner-qa',
      'planner-spec',
      'planner-tasks',
      'rebase',
      'reviewer',
    ]);
  });

  test('have a short system prompt of their own, a temperature and a number of steps', () => {
    for (const { body, text, steps } of definitions.values()) {
      expect(Buffer.byteLength(body)).toBeLessThan(2048);
      expect(Number(/^temperature: (.*)$/m.exec(text)?.[1])).toBeLessThanOrEqual(0.3);
      expect(steps).toBeGreaterThan(0);
    }
    expect(new Set([...definitions.values()].map(({ body }) => body)).size).toBe(definitions.size);
  });

  test('ask nobody, start no agents, leave the folder and the network alone, and read no secrets', () => {
    for (const one of definitions.values()) {
      for (const tool of [
        'question',
        'task',
        'webfetch',
        'websearch',
        'external_directory',
        'doom_loop',
        'other',
      ]) {
        expect([one.name, tool, decided(one, tool)]).toEqual([one.name, tool, 'deny']);
      }
      expect(decided(one, 'read', 'src/.env')).toBe('deny');
      expect(decided(one, 'read', 'src/a.ts')).toBe('allow');
      expect(decided(one, 'bash', 'git commit -m x')).toBe('deny');
      expect(decided(one, 'bash', 'git push')).toBe('deny');
    }
  });

  test.each([
    ['implementer', 'src/a.ts', 'allow', 'npx vitest run', 'allow'],
    ['documenter', 'docs/a.md', 'allow', 'npx tsc', 'allow'],
    ['rebase', 'src/a.ts', 'deny', 'npx vitest run', 'deny'],
    ['rebase', 'REBASE.json', 'allow', 'git diff HEAD', 'allow'],
    ['reviewer', 'src/a.ts', 'deny', 'npx vitest run', 'deny'],
    ['reviewer', 'REVIEW.json', 'allow', 'git diff HEAD', 'allow'],
    ['planner-spec', 'src/a.ts', 'deny', 'rm -r specs', 'deny'],
    ['planner-arch', 'specs/auth/PLAN.md', 'allow', 'git log', 'deny'],
    ['planner-qa', 'package.json', 'deny', 'npm test', 'deny'],
    ['conductor', 'specs/auth/BACKLOG.yaml', 'allow', 'conductor explain auth/T01', 'allow'],
    ['conductor', 'src/a.ts', 'deny', 'conductor build', 'deny'],
  ])('%s edits %s: %s; runs `%4$s`: %s', (name, path, edit, command, bash) => {
    const one = definitions.get(name) as AgentDefinition;
    expect([decided(one, 'edit', path), decided(one, 'bash', command)]).toEqual([edit, bash]);
  });

  test('have one for every task', () => {
    expect(agentNameOf({ agent: undefined, type: 'documentation' })).toBe('documenter');
    expect(agentNameOf({ agent: undefined, type: 'bugfix' })).toBe('implementer');
    expect(agentNameOf({ agent: 'mine', type: 'documentation' })).toBe('mine');
  });
});

describe('a definition', () => {
  test('of the project wins over the shipped one of that name, and may be a new one', async () => {
    const own = new Map([
      ['reviewer.md', SMALL],
      ['mine.md', SMALL],
    ]);
    const loaded = await loadDefinitions(shipped, own);
    const found = loaded.ok ? loaded.value : new Map<string, AgentDefinition>();
    expect([found.get('reviewer')?.body, found.get('mine')?.body]).toEqual(['Work.', 'Work.']);
    expect(found.get('rebase')?.body).toContain('You mend tasks');
  });

  test('is the same when its description, its comments and the order of its settings differ', async () => {
    const same = SMALL.replace('description: a\n', '').replace(
      'read: allow\n',
      'read: allow\ndescription: b # c\n',
    );
    const [one, other] = [await readDefinition('a.md', SMALL), await readDefinition('a.md', same)];
    expect(one.ok && other.ok && one.value.identity === other.value.identity).toBe(true);
  });

  test.each([
    ['its prompt', 'Work.', 'Work well.'],
    ['a permission', 'read: allow', 'read: deny'],
    ['the order of permissions', '  read: allow\n', '  "r*": allow\n  read: allow\n'],
    ['the temperature', 'description: a\n', 'description: a\ntemperature: 0.5\n'],
  ])('is another one when %s differs', async (_what, before, after) => {
    const [one, other] = [
      await readDefinition('a.md', SMALL),
      await readDefinition('a.md', SMALL.replace(before, after)),
    ];
    expect(one.ok && other.ok && one.value.identity !== other.value.identity).toBe(true);
  });

  test.each([
    ['that asks', 'read: allow', 'read: ask', 5, /allow, deny|allow.*deny/],
    ['with an unknown key', 'description: a', 'description: a\nstep: 4', 3, /`step` is not a known key/],
    ['without permissions', 'permission:\n  "*": deny\n  read: allow\n', '', 2, /no `permission`/],
    [
      'whose `*` stands below',
      '  "*": deny\n  read: allow\n',
      '  read: allow\n  "*": deny\n',
      5,
      /overrides/,
    ],
    ['whose inner `*` stands below', 'read: allow', 'read:\n    "a*": allow\n    "*": deny', 7, /overrides/],
    ['with broken YAML', 'read: allow', 'read: [allow', 6, /./],
  ])('%s is refused at its place', async (_what, before, after, line, message) => {
    const found = await mistakes(SMALL.replace(before, after));
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      file: '.opencode/agent/a.md',
      line,
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['without front matter', 'Work.\n'],
    ['whose front matter does not end', '---\ndescription: a\n'],
    ['without a system prompt', SMALL.replace('Work.', '')],
  ])('%s is refused', async (_what, text) => {
    expect(await mistakes(text)).toHaveLength(1);
  });
});
