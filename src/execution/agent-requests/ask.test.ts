/** Holds how a document is asked for: corrections, the kept response, its key, and the events that people see. */

import { afterAll, beforeAll, expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { err, ok } from '../../base/result.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import { manifestKey } from '../../model/action.js';
import { resolveConfig } from '../../model/config.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { NO_RULES } from '../../model/git-rules/git-rules.js';
import type { DocumentRun } from '../../model/task-run.js';
import { GitResults } from '../../store/git-results.js';
import { ScratchRepository } from '../../test/rig/scratch-repository.js';
import type { Executor } from '../executor.js';
import { ScriptedExecutor } from '../scripted-executor.js';
import { SharedResources } from '../shared-resources.js';
import { requestDocument } from './ask.js';
import { jsonRequest } from './json-request.js';
import type { AgentRequest, RequestParts } from './request.js';

const TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904';
const config = resolveConfig({ attempts: 2 }, 2);
let scratch: ScratchRepository;
let objects: GitObjects;

beforeAll(async () => {
  scratch = new ScratchRepository();
  const opened = await openRepository(scratch.dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  objects = new GitObjects(opened.value);
});
afterAll(async () => {
  await objects.close();
  scratch.remove();
});

interface Desk {
  readonly parts: RequestParts;
  readonly asked: DocumentRun[];
  readonly events: BuildEventBody[];
  ask<T>(request: AgentRequest<T>): ReturnType<typeof requestDocument<T>>;
}

/** An agent that answers with these texts or failures, one a session. */
async function desk(...answers: (string | Failure)[]): Promise<Desk> {
  const agent = new ScriptedAgent({ tripwire: true });
  const executor = new ScriptedExecutor({
    document: () => answers.shift() ?? { kind: 'timed-out', what: 'agent', minutes: 1, output: { tail: '' } },
  });
  const opened = await openRepository(scratch.dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  await executor.open({
    repository: opened.value,
    objects,
    store: new GitResults(objects),
    agent,
    config,
    handWritten: await objects.empty(),
    rules: NO_RULES,
    startedAt: 0,
    shared: new SharedResources(),
    isFollowing: false,
  });
  const parts = { executor, objects, agent, config, version: '1.0.0', now: () => 0 };
  const events: BuildEventBody[] = [];
  const { signal } = new AbortController();
  return {
    parts,
    asked: executor.runs as DocumentRun[],
    events,
    ask: (request) => requestDocument(parts, request, { signal, emit: (event) => events.push(event) }),
  };
}

/** A document that has to begin with the word. */
function document(
  name: string,
  word: string,
  more: Partial<AgentRequest<string>> = {},
): AgentRequest<string> {
  return {
    label: `f/@${name}`,
    phase: 'planning',
    payer: `f/@${name}`,
    budget: {},
    definition: 'planner',
    model: undefined,
    prompt: `write ${name}`,
    output: 'a.md',
    inputTree: TREE,
    attempts: 3,
    manifest: [{ name: 'prompt', value: name, show: 'text' }],
    check: async (text) => {
      if (text.startsWith(word)) return ok({ value: text, text });
      const failure: Failure = { kind: 'invalid-plan', file: 'a.md', diagnostics: [] };
      return err({ failure, problems: [`begins without ${word}`] });
    },
    ...more,
  };
}

const textAt = async (tree: string) => (await objects.read(`${tree}:a.md`))?.toString('utf8');

test('a refused document is sent back with its problems, and the agent sees it at its place', async () => {
  const one = await desk('wrong', 'right');
  const correct: AgentRequest<string>['correct'] = async ({ problems }, times) =>
    ok(`correct, ${times}: ${problems.join()}`);
  const got = await one.ask(document('back', 'right', { correct }));
  expect(got).toMatchObject({ ok: true, value: { text: 'right' } });
  expect(one.asked.map(({ prompt }) => prompt)).toEqual(['write back', 'correct, 1: begins without right']);
  expect(await Promise.all(one.asked.map(({ inputTree }) => textAt(inputTree)))).toEqual([
    undefined,
    'wrong',
  ]);
  expect(one.events.map(({ type }) => type)).toEqual(['task.attempt-failed']);
});

test('beside a task, the wait for a session and the session are phases of that task', async () => {
  const one = await desk('right');
  const { executor } = one.parts;
  const askAgent = executor.askAgent.bind(executor);
  const told: Executor['askAgent'] = (run, context) => {
    const phase = { type: 'task.phase', task: run.label, attempt: 1 } as const;
    context.emit({ ...phase, phase: 'workspace' });
    context.emit({ ...phase, phase: 'session-wait', detail: 'a' });
    context.emit({ ...phase, phase: 'agent' });
    return askAgent(run, context);
  };
  executor.askAgent = told;
  const beside = { task: 'f/T1', attempt: 2, phase: 'review' } as const;
  expect(await one.ask(document('beside', 'right', { beside }))).toMatchObject({ ok: true });
  expect(one.events).toEqual([
    { type: 'task.phase', task: 'f/T1', attempt: 2, phase: 'session-wait', detail: 'a' },
    { type: 'task.phase', task: 'f/T1', attempt: 2, phase: 'review' },
  ]);
});

test('other failures are evidence behind the prompt, and the last one is the answer', async () => {
  const failure: Failure = { kind: 'missing-outputs', paths: ['a.md'] };
  const one = await desk(failure, failure, failure);
  expect(await one.ask(document('evidence', 'right'))).toEqual(err(failure));
  expect(one.asked.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(one.asked[2]?.prompt).toContain('Attempt 2 failed: it did not write `a.md`.');
});

test('a failure that another session cannot mend ends the request', async () => {
  const one = await desk({ kind: 'budget-unknown-price', agent: 'scripted' } as Failure, 'right');
  expect((await one.ask(document('stop', 'right'))).ok).toBe(false);
  expect(one.asked).toHaveLength(1);
});

test('a document that is left as it was has to be left twice when what it was made from has changed', async () => {
  const one = await desk('right', 'right');
  const former = { text: 'right', isOutdated: true };
  expect(await one.ask(document('twice', 'right', { former }))).toMatchObject({ ok: true });
  expect(one.asked[1]?.prompt).toContain('Attempt 1 failed');
  const same = await desk('right');
  const fresh = document('once', 'right', { former: { text: 'right', isOutdated: false } });
  expect(await same.ask(fresh)).toMatchObject({ ok: true });
  expect(same.asked).toHaveLength(1);
});

test('a kept response is found again; one that no longer holds makes room for the next, which is found too', async () => {
  const request = document('kept', 'right');
  const first = await (await desk('right')).ask(request);
  const none = await desk();
  expect(await none.ask(request)).toMatchObject({ ok: true, value: { text: 'right', cost: {} } });
  expect(none.asked).toEqual([]);
  const stricter = document('kept', 'better');
  const second = await (await desk('better')).ask(stricter);
  expect(await (await desk()).ask(stricter)).toMatchObject({ ok: true, value: { text: 'better' } });
  expect(first.ok && second.ok && first.value.key === second.value.key).toBe(false);
});

test('a request without a manifest is asked each time', async () => {
  const request = document('person', 'right', { manifest: undefined });
  const one = await desk('right', 'right again');
  await one.ask(request);
  expect(await one.ask(request)).toMatchObject({ ok: true, value: { text: 'right again', key: undefined } });
});

const REVIEW = {
  beside: { phase: 'review', attempt: 2 },
  task: 'f/T1',
  budget: {},
  definition: 'reviewer',
  model: 'a/b',
  prompt: 'judge',
  output: 'REVIEW.json',
  schema: 'review',
  inputTree: TREE,
} as const;

test('the key of a JSON request stays what it was: responses of earlier versions are found', async () => {
  const { parts } = await desk();
  const { manifest } = jsonRequest(parts, { ...REVIEW, identity: 'a reviewer' });
  expect(manifest && manifestKey(manifest)).toBe(
    '26bce7c51c5fde36029b8af94d0ecaed3043d43a7cbc651bd2169b3dee8b60e1',
  );
  expect(manifest?.map(({ name }) => name)).toEqual([
    'recipe',
    'agent',
    'model',
    'files',
    'output',
    'prompt',
  ]);
  expect(manifest?.slice(0, 2)).toMatchObject([
    { value: 'question review' },
    { value: 'scripted\na reviewer' },
  ]);
});

test('an answer that is no JSON, or not of the schema, or refused, says all that is wrong with it', async () => {
  const { parts } = await desk();
  const accepted = { verdict: 'accept', criteria: [], findings: [] };
  const { check } = jsonRequest<typeof accepted>(parts, { ...REVIEW, problems: () => ['one', 'two'] });
  const details = await Promise.all(
    ['{', '{"verdict":"perhaps"}', JSON.stringify(accepted)].map(async (text) => {
      const checked = await check(text);
      return checked.ok ? '' : (checked.error.failure as { detail: string }).detail;
    }),
  );
  expect(details[0]).toMatch(/^REVIEW.json is no JSON: /);
  expect(details[1]).toMatch(/`criteria`; .*`findings`; .*verdict/);
  expect(details[2]).toBe('REVIEW.json is refused: one; two');
});
