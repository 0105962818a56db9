import { expect, test } from 'vitest';
import { createAcpAgent } from '../acp/driver.js';
import type { Agent } from '../agent.js';
import { createCommandAgent } from '../command.js';
import { InboxAgent } from '../inbox/inbox.js';
import { type AgentDefinition, keyedIdentity, readDefinition } from './definitions.js';

const command = ['coder'];
const inbox = { folder: '/inbox', project: '/project', now: () => 0 };

async function definition(): Promise<AgentDefinition> {
  const text =
    '---\ndescription: a\npermission:\n  "*": allow\n---\n\nYou write. If you\ncannot, call\n`task_blocked`, and stop. Be kind.\n';
  const read = await readDefinition('writer.md', text);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  return read.value;
}

test.each<[string, () => Agent | undefined]>([
  ['command', () => made(createCommandAgent({ driver: 'command', command }, { env: {} }))],
  ['acp', () => made(createAcpAgent({ driver: 'acp', command }, { env: {} }))],
  ['inbox', () => new InboxAgent({ driver: 'inbox' }, inbox)],
])('the driver %s gets the text of an agent definition above the prompt', async (_, create) => {
  const agent = create();
  agent?.useDefinitions?.(new Map([['writer', await definition()]]));
  expect(agent?.withDefinition?.('writer', 'Do it.')).toBe('You write. Be kind.\n\n---\n\nDo it.');
  expect(agent?.withDefinition?.('other', 'Do it.')).toBe('Do it.');
});

test('of the definitions that are text, only those of the project are in keys', async () => {
  const agent = made(createAcpAgent({ driver: 'acp', command }, { env: {} }));
  const own = await definition();
  expect(keyedIdentity(agent, own)).toBe(own.identity);
  expect(keyedIdentity(agent, { ...own, isShipped: true })).toBeUndefined();
});

function made(created: ReturnType<typeof createAcpAgent>): Agent | undefined {
  return created.ok ? created.value : undefined;
}
