/**
 * Mistakes that agents make again and again, each in a project with code and tests of its own: one further request at most
 * leads to the result. Requests are counted in the inbox, where each one is a folder.
 */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { approve } from '../../commands/approve.js';
import type { ConductorConfig } from '../../model/config.js';
import { type FoundRequest, Inbox, put, work } from '../rig/inbox-rig.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';

const STORE = `const links = new Map();
export const add = (slug, url) => links.set(slug, url);
export const find = (slug) => links.get(slug);
`;
const STORE_TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, find } from '../src/store.js';
test('a slug that is not there is undefined', () => assert.equal(find('nope'), undefined));
test('a link is found', () => { add('a', 'https://example.org'); assert.equal(find('a'), 'https://example.org'); });
`;
const SLUG = `export const slug = (text) => text.toLowerCase().replaceAll(' ', '-');\n`;
const SLUG_TEST = `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slug } from '../src/slug.js';
test('words are joined', () => assert.equal(slug('My Page'), 'my-page'));
`;

/** A shortener of links with one task, and the inbox that its requests come to. */
async function shortener(task: object, config: ConductorConfig = {}): Promise<{ rig: Rig; inbox: Inbox }> {
  const rig = await createRig({ config: { attempts: 2, ...config } });
  rig.write({
    'package.json': '{ "type": "module" }\n',
    'src/store.js': STORE,
    'test/store.test.js': STORE_TEST,
  });
  rig.backlog('links', {
    T1: { description: 'Slugs of titles.', acceptance: ['words are joined'], ...task },
  });
  return { rig, inbox: new Inbox(rig) };
}

const SLUG_TASK = {
  outputs: ['src/slug.js', 'test/slug.test.js'],
  verify: ['node --test test/slug.test.js test/store.test.js'],
};
const GOOD = { 'src/slug.js': SLUG, 'test/slug.test.js': SLUG_TEST };

type Answer = (request: FoundRequest) => void;

/** Answers the requests of one build in their order; more requests than answers would wait for ever and fail the test. */
async function answered(rig: Rig, inbox: Inbox, ...answers: readonly Answer[]): Promise<Story> {
  const held = rig.start({}, { tripwire: true });
  for (const answer of answers) answer(await inbox.next('links/T1'));
  const story = await held.done;
  expect(story.of('agent.finished')).toHaveLength(answers.length);
  return story;
}

const writes =
  (files: Readonly<Record<string, string>>, message = 'Done.'): Answer =>
  (request) => {
    work(request, files);
    put(request, 'answer.json', { message });
  };

/** What the next request has to say, before it is answered well. */
const corrects =
  (files: Readonly<Record<string, string>>, ...told: readonly (string | RegExp)[]): Answer =>
  (request) => {
    for (const words of told) expect(request.prompt).toMatch(words);
    writes(files)(request);
  };

test('a failing test: the next request has the whole difference, and the files are in place', async () => {
  const { rig, inbox } = await shortener(SLUG_TASK);
  await using _ = rig;
  const wrong = { ...GOOD, 'src/slug.js': SLUG.replace("'-'", "'_'") };
  const built = await answered(
    rig,
    inbox,
    writes(wrong),
    corrects(
      { 'src/slug.js': SLUG },
      'words are joined',
      /my_page[\s\S]*my-page/,
      'Their files are in place',
    ),
  );
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
});

test('a stray write is dropped: no further request where the rest passes', async () => {
  const { rig, inbox } = await shortener(SLUG_TASK);
  await using _ = rig;
  const built = await answered(rig, inbox, writes({ ...GOOD, 'NOTES.md': 'notes\n', 'src/store.js': '\n' }));
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
  expect(built.warnings()).toEqual(['it also changed NOTES.md, src/store.js, not its own: dropped']);
  expect(rig.read('src/store.js')).toBe(STORE);
});

test('a file that the task needs and may not write: asked for, granted, and done in one further request', async () => {
  const { rig, inbox } = await shortener({ ...SLUG_TASK, verify: ['grep -q slugs package.json'] });
  await using _ = rig;
  const because = 'the package has to export it';
  const asking = await answered(rig, inbox, (request) => {
    work(request, GOOD);
    const needs = [{ kind: 'write', what: 'package.json', because }];
    put(request, 'answer.json', { message: 'I need package.json.', report: { needs } });
  });
  expect(asking.failure('links/T1')).toMatchObject({ kind: 'needs', needs: [{ what: 'package.json' }] });
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  const signal = new AbortController().signal;
  expect(
    await approve(host, { target: 'links/T1', what: [], list: false, wait: true, signal }),
  ).toMatchObject({
    ok: true,
  });
  const built = await answered(
    rig,
    inbox,
    corrects(
      { 'package.json': '{ "type": "module", "exports": { "./slugs": "./src/slug.js" } }\n' },
      'this is granted now',
      // What was written before it asked is still there.
      'my-page',
    ),
  );
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
  expect(rig.read('src/slug.js')).toBe(SLUG);
});

test('an answer without a file: the next request says that nothing was changed', async () => {
  const { rig, inbox } = await shortener(SLUG_TASK);
  await using _ = rig;
  const built = await answered(
    rig,
    inbox,
    writes({}, 'All criteria are met.'),
    corrects(GOOD, 'it changed no file', 'All criteria are met.'),
  );
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
});

test('an existing test that was changed to fit wrong work: it is put back, it decides, and the next request knows both', async () => {
  const edit = { outputs: [], edits: ['src/store.js'], verify: ['node --test test/store.test.js'] };
  const { rig, inbox } = await shortener(edit);
  await using _ = rig;
  const right = STORE.replace('links.get(slug)', 'links.get(slug.trim())');
  const built = await answered(
    rig,
    inbox,
    writes({
      'src/store.js': STORE.replace('links.get(slug)', 'links.get(slug) ?? null'),
      'test/store.test.js': STORE_TEST.replace("find('nope'), undefined", "find('nope'), null"),
    }),
    corrects(
      { 'src/store.js': right },
      'It also changed `test/store.test.js`',
      'a slug that is not there is undefined',
    ),
  );
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
  expect([rig.read('test/store.test.js'), rig.read('src/store.js')]).toEqual([STORE_TEST, right]);
});

test('an end with a reason: the next request has the reason, and a person where no request can help', async () => {
  const { rig, inbox } = await shortener(SLUG_TASK);
  await using _ = rig;
  const reason = 'I stop: src/store.js has no function for slugs.';
  const built = await answered(
    rig,
    inbox,
    (request) => put(request, 'answer.json', { status: 'failed', message: reason }),
    corrects(GOOD, reason),
  );
  expect(built.outcomes()).toEqual({ 'links/T1': 'built' });
  const second = await shortener(SLUG_TASK);
  await using __ = second.rig;
  const blocked = await answered(second.rig, second.inbox, (request) =>
    put(request, 'answer.json', { status: 'blocked', message: reason, needs: 'decision' }),
  );
  expect(blocked.failure('links/T1')).toMatchObject({ kind: 'agent-blocked', because: reason });
});
