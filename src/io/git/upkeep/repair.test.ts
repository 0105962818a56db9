/** Damage is found object by object, and costs only what it hit. */

import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { loosePath } from '../damaged.js';
import { gitOk } from '../git-process.js';
import { GitObjects } from '../objects.js';
import { inspectObjects } from './broken-objects.js';
import { repackRefs } from './repack.js';
import { removeBrokenObjects, repairStore } from './repair.js';

const said = vi.hoisted(() => ({ by: {} as Record<string, string> }));
vi.mock('../git-process.js', async (original) => {
  const real = await original<typeof import('../git-process.js')>();
  const git: typeof real.git = async (args, call) => {
    const stderr = said.by[args[0] as string];
    return stderr === undefined
      ? real.git(args, call)
      : { ...(await real.git(['version'], call)), code: 128, stderr };
  };
  const gitOk: typeof real.gitOk = async (args, call) => {
    const { answer } = looks;
    return args[0] === 'cat-file' && answer ? answer(String(call?.input)) : real.gitOk(args, call);
  };
  return { ...real, git, gitOk };
});

/** What git says to ids, one a line, when it is asked which objects are there. */
const looks = vi.hoisted(() => ({
  answer: undefined as ((ids: string) => Buffer | Promise<Buffer>) | undefined,
}));
afterEach(() => {
  looks.answer = undefined;
});

const refused = vi.hoisted(() => ({ as: {} as Record<string, string> }));
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const readFile = async (path: string, ...more: unknown[]) => {
    const code = Object.entries(refused.as).find(([end]) => String(path).endsWith(end))?.[1];
    if (code !== undefined) throw Object.assign(new Error(code), { code, path, syscall: 'open' });
    return (real.readFile as (...all: unknown[]) => Promise<unknown>)(path, ...more);
  };
  const open = async (path: string, ...more: unknown[]) => {
    const code = Object.entries(refused.as).find(([end]) => String(path).endsWith(end))?.[1];
    if (code !== undefined) throw Object.assign(new Error(code), { code, path, syscall: 'open' });
    return (real.open as (...all: unknown[]) => Promise<unknown>)(path, ...more);
  };
  return { ...real, readFile, open };
});

/** Files whose names end so cannot be read any more. */
function refuse(ends: Record<string, string>): void {
  refused.as = ends;
  onTestFinished(() => {
    refused.as = {};
  });
}

async function keep(objects: GitObjects, name: string) {
  const id = await objects.writeBlob(Buffer.from(`content of ${name}\n`));
  const tree = await objects.writeTree([[name, { mode: '100644', id }]]);
  const commit = await objects.writeCommit({ tree, message: `${name}\n` });
  await objects.createRef(`refs/conductor/results/aa/${name}`, commit);
  return { id, commit };
}

test('one wrong bit is found by name, and nothing else goes', async () => {
  const objects = await scratchObjects();
  const [one, two] = [await keep(objects, 'one'), await keep(objects, 'two')];
  expect(await inspectObjects(objects.store)).toMatchObject({ loose: [], packs: [], unindexed: [] });
  const path = loosePath(objects.store, one.id);
  const bytes = readFileSync(path);
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] as number) ^ 1;
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  expect((await inspectObjects(objects.store)).loose).toEqual([path]);
  await removeBrokenObjects(objects.store);
  expect(await objects.missing([one.id, one.commit, two.id, two.commit])).toEqual([one.id]);
});

test('a folder in the place of an object is no object', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  const path = loosePath(objects.store, one.id);
  rmSync(path, { force: true });
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'x');
  await removeBrokenObjects(objects.store);
  expect(await objects.missing([one.id, one.commit])).toEqual([one.id]);
});

test('a pack without its index gets one again', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  for (const name of readdirSync(packs))
    if (name.endsWith('.idx')) rmSync(join(packs, name), { force: true });
  expect((await inspectObjects(objects.store)).unindexed).toHaveLength(1);
  await removeBrokenObjects(objects.store);
  const again = new GitObjects({ store: objects.store, objectFormat: 'sha1' });
  onTestFinished(() => again.close());
  expect(await again.missing([one.id, one.commit])).toEqual([]);
});

test('a line of packed refs that git cannot read costs no other ref', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  appendFileSync(join(objects.store, 'packed-refs'), 'no ref at all\n');
  await removeBrokenObjects(objects.store);
  const refs = await objects.refs('refs/conductor');
  expect(refs.get('refs/conductor/results/aa/one')).toBe(one.commit);
});

test.each(['packed', 'loose'])(
  'a %s ref goes whose object is not there, and the others stay',
  async (how) => {
    const objects = await scratchObjects();
    const [one, two] = [await keep(objects, 'one'), await keep(objects, 'two')];
    const gone = 'd'.repeat(40);
    if (how === 'packed') await repackRefs(objects.store);
    const packed = join(objects.store, 'packed-refs');
    if (how === 'packed') writeFileSync(packed, readFileSync(packed, 'utf8').replace(one.commit, gone));
    else writeFileSync(join(objects.store, 'refs/conductor/results/aa/one'), `${gone}\n`);
    await expect(gitOk(['rev-list', '--all'], { gitDir: objects.store })).rejects.toThrow('bad object');
    await repairStore({ store: objects.store, state: join(objects.store, '../state') });
    expect([...(await objects.refs('refs/'))]).toEqual([['refs/conductor/results/aa/two', two.commit]]);
    await gitOk(['rev-list', '--all'], { gitDir: objects.store });
  },
);

const allMissing = (ids: string) => Buffer.from(ids.replaceAll('\n', ' missing\n'));

test.each(['loose', 'packed', 'in the first form of an index', 'borrowed'])(
  'a ref stays whose object is there (%s) although git, which could not open a file, says that it is missing',
  async (how) => {
    const objects = await scratchObjects();
    const commits = [await keep(objects, 'one'), await keep(objects, 'two')];
    const { store } = objects;
    if (how === 'packed') await repackRefs(store);
    if (how === 'in the first form of an index')
      await gitOk(['-c', 'pack.indexVersion=1', 'repack', '-adq'], { gitDir: store });
    if (how === 'borrowed') {
      await repackRefs(store);
      const theirs = mkdtempSync(join(tmpdir(), 'conductor-lender-'));
      onTestFinished(() => rmSync(theirs, { recursive: true, force: true }));
      renameSync(join(store, 'objects/pack'), join(theirs, 'pack'));
      appendFileSync(join(store, 'objects/info/alternates'), `${theirs}\n`);
    }
    const gone = 'd'.repeat(40);
    writeFileSync(join(store, 'refs/conductor/gone'), `${gone}\n`);
    looks.answer = allMissing;
    await repairStore({ store: store, state: join(store, '../state') });
    expect([...(await objects.refs('refs/')).values()].sort()).toEqual(
      commits.map(({ commit }) => commit).sort(),
    );
  },
);

test.each(['EMFILE', 'EACCES', 'EIO'])(
  'no ref goes if the system does not let the index of a pack be opened (%s)',
  async (code) => {
    const objects = await scratchObjects();
    const one = await keep(objects, 'one');
    await repackRefs(objects.store);
    looks.answer = allMissing;
    refuse({ '.idx': code });
    await expect(
      repairStore({ store: objects.store, state: join(objects.store, '../state') }),
    ).rejects.toMatchObject({ code });
    refuse({});
    expect((await objects.refs('refs/')).get('refs/conductor/results/aa/one')).toBe(one.commit);
  },
);

test('a ref that another process gives an object meanwhile stays, and the others are dropped', async () => {
  const objects = await scratchObjects();
  const [one, two] = [await keep(objects, 'one'), await keep(objects, 'two')];
  const gone = 'd'.repeat(40);
  const folder = join(objects.store, 'refs/conductor/results/aa');
  for (const name of ['one', 'two']) writeFileSync(join(folder, name), `${gone}\n`);
  looks.answer = async (ids) => {
    looks.answer = undefined;
    const said = await gitOk(['cat-file', '--batch-check'], { gitDir: objects.store, input: ids });
    writeFileSync(join(folder, 'one'), `${one.commit}\n`);
    return said;
  };
  await repairStore({ store: objects.store, state: join(objects.store, '../state') });
  expect([...(await objects.refs('refs/'))]).toEqual([['refs/conductor/results/aa/one', one.commit]]);
  expect(await objects.missing([two.commit])).toEqual([]);
});

test.each([
  ['verify-pack', 'could not open a file: Too many open files', 'EMFILE'],
  ['unpack-objects', 'could not open a file: Too many open files', 'EMFILE'],
  ['unpack-objects', 'unable to create a temporary file: No space left on device', 'ENOSPC'],
  ['unpack-objects', 'unable to create a temporary file: Permission denied', 'EACCES'],
])('a pack does not count as broken if %s says: %s', async (command, words, code) => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  if (command === 'unpack-objects') {
    const pack = readdirSync(packs).find((name) => name.endsWith('.pack')) as string;
    chmodSync(join(packs, pack), 0o600);
    appendFileSync(join(packs, pack), 'x');
  }
  const before = readdirSync(packs).sort();
  said.by = { [command]: `fatal: ${words}` };
  onTestFinished(() => {
    said.by = {};
  });
  await expect(removeBrokenObjects(objects.store)).rejects.toMatchObject({ code });
  expect(readdirSync(packs).sort()).toEqual(before);
  // With room again, what is whole is still there, and what is broken is saved.
  said.by = {};
  await removeBrokenObjects(objects.store);
  expect(
    await new GitObjects({ store: objects.store, objectFormat: 'sha1' }).missing([one.id, one.commit]),
  ).toEqual([]);
});

test.each(['EACCES', 'EPERM', 'EIO', 'EMFILE'])(
  'an object that the system does not let be read (%s) stays',
  async (code) => {
    const objects = await scratchObjects();
    const [one, two] = [await keep(objects, 'one'), await keep(objects, 'two')];
    refuse({ [one.id.slice(2)]: code });
    await expect(removeBrokenObjects(objects.store)).rejects.toMatchObject({ code });
    refuse({});
    expect(await objects.missing([one.id, one.commit, two.id, two.commit])).toEqual([]);
  },
);

test('an object that is too large to be held at once is left to git', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  refuse({ [one.id.slice(2)]: 'ERR_FS_FILE_TOO_LARGE' });
  await removeBrokenObjects(objects.store);
  expect(await objects.missing([one.id, one.commit])).toEqual([]);
});

test('what a broken pack still holds is saved, however large the pack is', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  const pack = readdirSync(packs).find((name) => name.endsWith('.pack')) as string;
  chmodSync(join(packs, pack), 0o600);
  appendFileSync(join(packs, pack), 'x');
  refuse({ '.pack': 'ERR_FS_FILE_TOO_LARGE' });
  await removeBrokenObjects(objects.store);
  expect(readdirSync(packs).filter((name) => name === pack)).toEqual([]);
  const again = new GitObjects({ store: objects.store, objectFormat: 'sha1' });
  onTestFinished(() => again.close());
  expect(await again.missing([one.id, one.commit])).toEqual([]);
});

test('an index without its pack goes', async () => {
  const objects = await scratchObjects();
  const one = await keep(objects, 'one');
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  for (const name of readdirSync(packs))
    if (name.endsWith('.pack')) rmSync(join(packs, name), { force: true });
  await removeBrokenObjects(objects.store);
  expect(readdirSync(packs)).toEqual([]);
  const again = new GitObjects({ store: objects.store, objectFormat: 'sha1' });
  onTestFinished(() => again.close());
  expect(await again.missing([one.id])).toEqual([one.id]);
});
