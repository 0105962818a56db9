/** What goes to a git repository on this disk and comes from it without a git of our own: git itself is the judge. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ObjectId } from '../../../model/tree.js';
import type { HashName } from '../writing/object-bytes.js';
import { ObjectSet } from '../writing/object-set.js';
import { LocalRemote } from './local-remote.js';
import { readPack } from './pack-reader.js';

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

function repository(hash: HashName = 'sha1') {
  const root = mkdtempSync(join(tmpdir(), 'conductor-direct-'));
  endings.push(() => rmSync(root, { recursive: true, force: true }));
  const url = join(root, 'there.git');
  execFileSync('git', ['init', '-q', '--bare', `--object-format=${hash}`, url]);
  const git = (args: readonly string[], input: string | Buffer = '') =>
    execFileSync('git', args, { cwd: url, input, stdio: ['pipe', 'pipe', 'pipe'], maxBuffer: 2 ** 28 });
  const away = { store: url, dir: root, url, signal: new AbortController().signal, silenceMs: 30_000 };
  const remote = LocalRemote.at(away, hash);
  if (!remote) throw new Error('there is no repository');
  endings.push(() => remote.end());
  return { url, git, away, remote };
}

/** A commit with one file, and a parent that the other side has. */
function commitOf(text: string, hash: HashName = 'sha1') {
  const set = new ObjectSet(hash);
  const blob = set.add('blob', Buffer.from(text));
  const commit = set.commit(set.tree(new Map([['a.txt', { mode: '100644', id: blob }]])), `${text}\n`);
  return { commit, objects: set.objects };
}

for (const hash of ['sha1', 'sha256'] as const)
  test(`commits go to a repository of ${hash} and come back, one fetch after the other`, async () => {
    const { git, away, remote } = repository(hash);
    const base = commitOf('base', hash);
    const refs = (commit: ObjectId) => new Map([[`refs/parcels/${commit}`, commit]]);
    const push = (one: ReturnType<typeof commitOf>) => remote.push(away, refs(one.commit), one.objects);
    const stored = async (one: ReturnType<typeof commitOf>) =>
      [...(await push(one)).pushed.values()].map(({ outcome }) => outcome);
    expect(await stored(base)).toEqual(['stored']);
    // What is there already is not sent again.
    expect(await stored(base)).toEqual(['stored']);
    for (const text of ['one', 'two']) {
      const one = commitOf(text, hash);
      expect(await stored(one)).toEqual(['stored']);
      const got = await remote.fetch(away, [one.commit], [base.commit]);
      expect(got).toEqual(new Map([...one.objects].sort()));
    }
    git(['fsck', '--strict']);
    const taken = { ...commitOf('three', hash), commit: base.commit };
    const name = [...refs(commitOf('one', hash).commit).keys()][0] as string;
    const told = await remote.push(away, new Map([[name, taken.commit]]), taken.objects);
    expect(told.pushed.get(name)?.outcome).toBe('taken');
  });

test('a pack with differences of differences is read as git reads it', () => {
  const { git } = repository();
  const ids: ObjectId[] = [];
  let text = randomBytes(20_000).toString('hex');
  for (let i = 0; i < 6; i++) {
    ids.push(git(['hash-object', '-w', '--stdin'], text).toString().trim());
    text = `${text.slice(0, 5000 * i)}changed ${i}${text.slice(5000 * i + 40)}`;
  }
  const pack = git(['pack-objects', '-q', '--stdout', '--window=10', '--depth=50'], `${ids.join('\n')}\n`);
  expect(pack.length).toBeLessThan(60_000);
  // All of their bytes, and of the pack that makes them.
  const most = ids.length * 45_000;
  const found = readPack(pack, 'sha1', most);
  expect(new Set(found?.keys())).toEqual(new Set(ids));
  for (const id of ids) expect(found?.get(id)?.content).toEqual(git(['cat-file', 'blob', id]));
  for (const damaged of [pack.subarray(0, 40), Buffer.concat([pack, pack]), Buffer.alloc(0)])
    expect(readPack(damaged, 'sha1', most)).toBeUndefined();
  const other = Buffer.from(pack);
  other.writeUInt8(other.readUInt8(200) ^ 1, 200);
  expect(readPack(other, 'sha1', most)).toBeUndefined();
  // The first has 40,000 bytes, and what differences make of it as many each.
  for (const few of [100_000, 30_000]) expect(readPack(pack, 'sha1', few)).toBeUndefined();
});

test('hooks and checks of the repository count, and their words come back', async () => {
  const { url, git, away, remote } = repository();
  const one = commitOf('one');
  const ref = `refs/parcels/${one.commit}`;
  const push = async (objects = one.objects) =>
    (await remote.push(away, new Map([[ref, one.commit]]), objects)).pushed.get(ref);
  const hook = join(url, 'hooks', 'pre-receive');
  writeFileSync(hook, '#!/bin/sh\necho not on a Sunday >&2\nexit 1\n');
  chmodSync(hook, 0o755);
  expect(await push()).toMatchObject({ outcome: 'denied', refused: 'rule' });
  expect((await push())?.detail).toContain('not on a Sunday');
  rmSync(hook);
  const [[first]] = [...one.objects].filter(([, { type }]) => type === 'tree') as [[ObjectId, unknown]];
  const part = new Map([...one.objects].filter(([id]) => id !== first));
  expect(await push(part)).toMatchObject({ outcome: 'denied' });
  git(['config', 'receive.fsckObjects', 'true']);
  const set = new ObjectSet('sha1');
  const tree = set.add('tree', Buffer.concat([Buffer.from('100644 .git\0'), Buffer.alloc(20, 1)]));
  const bad = set.commit(tree, 'bad\n');
  const told = await remote.push(away, new Map([['refs/parcels/bad', bad]]), set.objects);
  expect(told.pushed.get('refs/parcels/bad')).toMatchObject({ outcome: 'denied', refused: 'content' });
  expect(await push()).toMatchObject({ outcome: 'stored' });
});

test('a repository that is away, or lacks a commit, is said to', async () => {
  const { url, away, remote } = repository();
  const one = commitOf('one');
  await remote.push(away, new Map([['refs/parcels/one', one.commit]]), one.objects);
  expect(await remote.fetch(away, ['1'.repeat(40)], [one.commit])).toBe('missing');
  expect(await remote.fetch(away, [one.commit], [])).toEqual(new Map([...one.objects].sort()));
  renameSync(url, `${url}.away`);
  // The program that is open works in it still, wherever it is.
  expect(await remote.fetch(away, [one.commit], [])).toMatchObject({ kind: 'denied', missing: true });
  expect(
    (await remote.push(away, new Map([['refs/parcels/b', one.commit]]), one.objects)).fault,
  ).toMatchObject({
    missing: true,
  });
  renameSync(`${url}.away`, url);
  expect(await remote.fetch(away, [one.commit], [])).toBeInstanceOf(Map);
  expect(LocalRemote.at({ url: 'file:///tmp', dir: '/' }, 'sha1')).toBeUndefined();
  expect(LocalRemote.at({ url: 'host.example:repo.git', dir: '/' }, 'sha1')).toBeUndefined();
});
