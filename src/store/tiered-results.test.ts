/** The store of a build that shares, with scripted remotes: order, rights, one round trip for many, patience, the end. */

import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../base/result.js';
import { GitObjects } from '../io/git/objects.js';
import { openRepository } from '../io/git/open-repository.js';
import type { Provenance } from '../model/action.js';
import { digestFields } from '../model/digest.js';
import { TemporaryProject } from '../test/rig/command-line.js';
import { gatesName, resultName } from './encoded-entry.js';
import { EntrySigner } from './entry-signer.js';
import { GitResults } from './git-results.js';
import { ScriptedRemote } from './remotes/scripted-remote.js';
import { RemoteTiers } from './remotes/tiers.js';
import type { NewResult } from './result-store.js';
import { type Sharing, TieredResults } from './tiered-results.js';
import { UnsentEntries } from './unsent.js';

let project: TemporaryProject;
let objects: GitObjects;
let told: string[];

beforeEach(async () => {
  project = new TemporaryProject();
  const opened = await openRepository(project.dir);
  if (!opened.ok) throw new Error(opened.error.kind);
  objects = new GitObjects(opened.value);
  told = [];
});
afterEach(async () => {
  await objects.close();
  project.dispose();
});

const key = (name: string) => digestFields('test', [name]);

async function newResult(
  name: string,
  text = name,
  recipe: Provenance['recipe'] = 'agent',
): Promise<NewResult> {
  const id = await objects.writeBlob(Buffer.from(text));
  return {
    key: key(name),
    outputs: new Map([[`${name}.txt`, { mode: '100644', id }]]),
    edits: [],
    provenance: {
      schema: 1,
      label: `f/${name}`,
      key: key(name),
      manifest: [],
      recipe,
      attempts: 1,
      usage: {},
      gates: [],
      startedAt: '2030-01-01T00:00:00.000Z',
      ms: 1,
      conductor: '1.0.0',
    },
  };
}

/** Puts a result into a remote as if another machine had: nothing of it stays here but its objects. */
async function elsewhere(remote: ScriptedRemote, name: string, text?: string): Promise<void> {
  const local = new GitResults(objects);
  const kept = await local.keep(await newResult(name, text));
  if (!kept.ok) throw new Error(kept.error.kind);
  remote.entries.set(resultName(key(name)), kept.value.commit);
  await local.forget(key(name));
}

function open(
  remotes: readonly ScriptedRemote[],
  options: Partial<Sharing> = {},
  rights = { read: true, write: true },
  signer?: EntrySigner,
) {
  const chain = new RemoteTiers(
    remotes.map((store) => ({ store, ...rights })),
    (message) => told.push(message),
  );
  const local = new GitResults(objects, signer ? { signer } : {});
  return new TieredResults(local, objects, {
    chain,
    policy: { trust: 'all', here: { by: 'person', pullRequest: false } },
    pins: new Map(),
    fits: async () => undefined,
    likely: [],
    believesGates: true,
    claimMs: 20_000,
    gatherMs: 1,
    waitMs: 20_000,
    signal: new AbortController().signal,
    warn: (message) => told.push(message),
    ...options,
  });
}

async function found(store: TieredResults, name: string): Promise<boolean> {
  const result = await store.find(key(name));
  if (!result.ok) throw new Error(result.error.kind);
  return result.value !== undefined;
}

test('many keys, and those that will probably be asked for, are one round trip; nothing is asked for twice', async () => {
  const remote = new ScriptedRemote();
  for (const name of ['a', 'b', 'likely']) await elsewhere(remote, name);
  const store = open([remote], { gatherMs: 500, likely: [key('likely'), key('nowhere')] });
  expect(await Promise.all(['a', 'b', 'missing'].map((name) => found(store, name)))).toEqual([
    true,
    true,
    false,
  ]);
  expect(remote.fetches.length).toBe(1);
  expect(remote.fetches[0]?.length).toBe(5);
  expect(await found(store, 'likely')).toBe(true);
  expect(await found(store, 'missing')).toBe(false);
  expect(await found(store, 'nowhere')).toBe(false);
  expect(remote.fetches.length).toBe(1);
  await store.close();
  expect(remote.closed).toBe(true);
});

test('who asks for what is on its way already waits for it', async () => {
  const remote = new ScriptedRemote();
  await elsewhere(remote, 'a');
  await elsewhere(remote, 'likely');
  const store = open([remote], { likely: [key('likely')] });
  let answer: () => void = () => {};
  const asked = new Promise<void>((reached) => {
    remote.before = () => {
      reached();
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
  });
  const first = found(store, 'a');
  await asked;
  const second = found(store, 'likely');
  answer();
  expect(await Promise.all([first, second])).toEqual([true, true]);
  expect(remote.fetches.length).toBe(1);
});

test('remotes are asked in their order, each only for what is not found yet', async () => {
  const [first, second] = [new ScriptedRemote('first'), new ScriptedRemote('second')];
  await elsewhere(first, 'a');
  await elsewhere(second, 'b');
  const store = open([first, second]);
  expect(await Promise.all([found(store, 'a'), found(store, 'b')])).toEqual([true, true]);
  expect(second.fetches).toEqual([[resultName(key('b'))]]);
});

test('a remote that fails again and again is left alone with one warning, and the next one goes on serving', async () => {
  const [broken, good] = [new ScriptedRemote('broken'), new ScriptedRemote('good')];
  broken.fetchFault = { kind: 'failed', detail: 'it is out of order' };
  for (const name of ['a', 'b', 'c', 'd', 'e']) await elsewhere(good, name);
  const store = open([broken, good]);
  for (const name of ['a', 'b', 'c', 'd', 'e']) expect(await found(store, name)).toBe(true);
  expect(broken.fetches.length).toBe(3);
  await store.close();
  expect(told).toEqual([
    'broken: it is out of order; conductor does not read from it any more in this build',
  ]);
});

test('what is first looked for after the last remote was left alone may be there', async () => {
  const dead = new ScriptedRemote('dead');
  dead.fetchFault = { kind: 'failed', detail: 'it is out of order' };
  const store = open([dead]);
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    expect((await store.find(key(name))).ok).toBe(true);
    expect(store.unreached(key(name)), name).toEqual(['dead']);
  }
  expect(dead.fetches.length).toBe(3);
  await store.close();
});

test('one failure among successes is told at the end, not more', async () => {
  const remote = new ScriptedRemote();
  await elsewhere(remote, 'b');
  const store = open([remote]);
  remote.fetchFault = { kind: 'failed', detail: 'it had a moment' };
  expect(await found(store, 'a')).toBe(false);
  remote.fetchFault = undefined;
  expect(await found(store, 'b')).toBe(true);
  expect(told).toEqual([]);
  await store.close();
  expect(told).toEqual(['scripted: some requests failed (it had a moment)']);
});

test('rights to read and to write are apart', async () => {
  const [reads, writes] = [new ScriptedRemote('reads'), new ScriptedRemote('writes')];
  const chain = new RemoteTiers(
    [
      { store: reads, read: true, write: false },
      { store: writes, read: false, write: true },
    ],
    (message) => told.push(message),
  );
  const store = open([], { chain });
  expect(await found(store, 'a')).toBe(false);
  await store.keep(await newResult('a'));
  await store.recordGates(key('gates'));
  await store.close();
  expect([reads.fetches.length, reads.offers.length, writes.fetches.length]).toEqual([1, 0, 0]);
  expect([...writes.entries.keys()].sort()).toEqual([gatesName(key('gates')), resultName(key('a'))].sort());
});

test('a result that was known too late to be second is told, and stays what dependents have seen', async () => {
  const remote = new ScriptedRemote();
  await elsewhere(remote, 'a', 'first');
  const store = open([remote], { claimMs: 1, believesGates: false });
  let open_: () => void = () => {};
  remote.before = () => new Promise((resolve) => (open_ = resolve));
  const kept = await store.keep(await newResult('a', 'second'));
  expect(kept.ok && kept.value.adopted).toBeUndefined();
  remote.before = () => Promise.resolve();
  open_();
  await store.close();
  expect(told).toEqual([expect.stringContaining('which conductor learned too late')]);
});

test('what was rendered waits for nobody; the end of the build waits for a limited time and says what is not sent', async () => {
  const remote = new ScriptedRemote();
  remote.before = (signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const store = open([remote], { waitMs: 10 });
  const kept = await store.keep(await newResult('a', 'a', 'render'));
  expect(kept.ok).toBe(true);
  await store.close();
  expect(told).toEqual([
    'scripted: 1 entry was not sent (there was no time left); the next command sends what is missing',
  ]);
});

test('who was first is for the first remote to say: one behind it that does not answer holds nothing up', async () => {
  const [first, stuck] = [new ScriptedRemote('first'), new ScriptedRemote('stuck')];
  stuck.before = (signal) =>
    new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const store = open([first, stuck], { waitMs: 10 });
  expect((await store.keep(await newResult('a'))).ok).toBe(true);
  expect(first.entries.size).toBe(1);
  await store.close();
  expect(told).toEqual([expect.stringContaining('stuck: 1 entry was not sent')]);
});

test('what arrives damaged, or as another result than its key says, is refused and the next remote is asked', async () => {
  const [lying, good] = [new ScriptedRemote('lying'), new ScriptedRemote('good')];
  await elsewhere(lying, 'b');
  await elsewhere(good, 'a');
  lying.entries.set(resultName(key('a')), lying.entries.get(resultName(key('b'))) as string);
  const store = open([lying, good]);
  expect(await found(store, 'a')).toBe(true);
  expect(told).toEqual([
    expect.stringMatching(/^lying: results\/.* is refused: result\.json is not of this key$/),
  ]);
});

test('what was not sent has its mark, also where another build removed the mark while it was made', async () => {
  const remote = new ScriptedRemote();
  const unsent = new UnsentEntries(project.dir);
  const store = open([remote], { unsent });
  remote.offerFault = { kind: 'failed', detail: 'it had a moment' };
  // The entry was not there yet: to that build the mark was one that a killed build had left.
  remote.before = () => unsent.remove(unsent.list());
  await store.keep(await newResult('a'));
  remote.before = () => Promise.resolve();
  await store.keep(await newResult('taken back'));
  await store.forget(key('taken back'));
  await store.close();
  expect(unsent.list()).toEqual([resultName(key('a'))]);
});

test('where only signed entries may be used, each remote gets ours in the place of one without a signature', async () => {
  const remotes = ['one', 'two', 'three'].map((name) => new ScriptedRemote(name)) as [
    ScriptedRemote,
    ScriptedRemote,
    ScriptedRemote,
  ];
  const [one, two, three] = remotes;
  await elsewhere(two, 'a', 'unsigned');
  await elsewhere(one, 'b', 'unsigned');
  const unsent = new UnsentEntries(project.dir);
  const sign = async () => ok({ schema: 1, by: 'ada', kind: 'ed25519', value: 'AA==' } as const);
  const signer = new EntrySigner({ signer: { sign }, home: project.dir, warn: () => {} });
  const policy: Sharing['policy'] = {
    trust: 'signed',
    here: { by: 'person', pullRequest: false },
    signatures: { problem: async () => undefined },
  };
  const store = open(remotes, { policy, unsent }, undefined, signer);
  for (const name of ['a', 'b']) await store.keep(await newResult(name));
  await store.close();
  for (const name of ['a', 'b'].map((made) => resultName(key(made)))) {
    const ours = await new GitResults(objects).commitOf(name);
    expect([one, two, three].map(({ entries }) => entries.get(name))).toEqual([ours, ours, ours]);
  }
  expect(unsent.list()).toEqual([]);
});

test('what a person accepted is sent when the build has ended, unless it was taken back', async () => {
  const remote = new ScriptedRemote();
  const store = open([remote]);
  await store.keep(await newResult('kept', 'x', 'accepted'));
  await store.keep(await newResult('back', 'y', 'accepted'));
  expect(remote.offers).toEqual([]);
  await store.forget(key('back'));
  await store.close();
  expect([...remote.entries.keys()]).toEqual([resultName(key('kept'))]);
});
