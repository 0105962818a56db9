import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until } from '../../test/rig/command-line.js';
import type { AgentEvent, AgentExit } from '../agent.js';
import { InboxAgent } from './inbox.js';

let root: string;
let inbox: string;
let clock: number;
let events: AgentEvent[];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'conductor-inbox-'));
  inbox = join(root, 'inbox');
  clock = 0;
  events = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Asks, and waits until the request is open. */
async function ask(): Promise<{ readonly folder: string; readonly exit: Promise<AgentExit> }> {
  const cwd = join(root, 'work');
  await mkdir(cwd);
  const agent = new InboxAgent({ driver: 'inbox' }, { folder: inbox, project: root, now: () => clock });
  const exit = agent.run({
    label: 'f/T1',
    attempt: 1,
    cwd,
    prompt: 'Do it.',
    promptFile: join(root, 'prompt.md'),
    timeoutMs: 40_000,
    logFile: join(root, 'agent.log'),
    signal: new AbortController().signal,
    network: false,
    reset: async () => {},
    onEvent: (event) => events.push(event),
  });
  await until('the request', () => said('waits for an answer in '));
  const [name] = await readdir(inbox);
  return { folder: join(inbox, name as string), exit };
}

const said = (text: string) => events.some((event) => event.kind === 'output' && event.line.startsWith(text));

test('only the time while somebody has taken the request is time of work', async () => {
  const { folder, exit } = await ask();
  clock = 60_000;
  await writeFile(join(folder, 'claimed'), 'Ada');
  await until('the claim to be seen', () => said('taken by Ada'));
  clock = 90_000;
  await writeFile(join(folder, 'released'), '');
  await until('the release to be seen', () => said('given back by Ada'));
  await until('the request to be free', () => !existsSync(join(folder, 'released')));
  clock = 130_000;
  await writeFile(join(folder, 'claimed'), 'Ada');
  await until('both waits', () => events.filter(({ kind }) => kind === 'waited').length === 2);
  clock = 150_000;
  await writeFile(join(folder, 'done'), '');
  expect(await exit).toMatchObject({ kind: 'finished' });
  expect(events.filter(({ kind }) => kind === 'waited')).toEqual([
    { kind: 'waited', ms: 60_000 },
    { kind: 'waited', ms: 40_000 },
  ]);
});

test('a request that is answered without a claim has used no time', async () => {
  const { folder, exit } = await ask();
  clock = 3_600_000;
  await writeFile(join(folder, 'done'), '');
  await exit;
  expect(events.filter(({ kind }) => kind === 'waited')).toEqual([{ kind: 'waited', ms: 3_600_000 }]);
});

test('the folder of a request that somebody removed is not made again', async () => {
  const { folder, exit } = await ask();
  await rm(folder, { recursive: true });
  expect(await exit).toMatchObject({
    failure: { kind: 'agent-error', detail: 'the folder of the request was removed' },
  });
  expect(await readdir(inbox)).toEqual([]);
});

test('what an answer reports is taken, whatever word it has for its status', async () => {
  const { folder, exit } = await ask();
  const needs = [{ kind: 'contradiction', because: 'it says both' }];
  await writeFile(join(folder, 'answer.json'), JSON.stringify({ status: 'report', report: { needs } }));
  await writeFile(join(folder, 'done'), '');
  expect(await exit).toMatchObject({ kind: 'finished', report: { needs } });
});
