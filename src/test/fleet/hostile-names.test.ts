/** Trees with names that lead out of their folder or into git's own: whatever brings them, nothing is written there. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ok } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { ObjectId } from '../../model/tree.js';
import { arrivedResult } from '../../store/arrival.js';
import { GitResults } from '../../store/git-results.js';
import { GitParcels } from '../../store/parcels/git-parcels.js';
import { HttpParcels } from '../../store/parcels/http-parcels.js';
import { takeFrames } from '../../store/parcels/object-frames.js';
import { ParcelServer } from '../../store/parcels/parcel-server.js';
import { publishTree, recoverPublish } from '../../workspace/publish.js';
import { WorkspacePool } from '../../workspace/workspace-pool.js';
import { openScratch, ScratchRepository } from '../rig/scratch-repository.js';

/** As bytes, one character each. The last ones are `.git` to some file systems. */
const NAMES = ['', '.', '..', '../evil', 'a/../../evil', '/evil', 'a/b', '.git', '.GIT', 'git~1'];
const KEY = 'a'.repeat(64);

async function opened() {
  const scratch = new ScratchRepository();
  scratch.write('f', '1');
  scratch.commit();
  return { scratch, ...(await openScratch(scratch)) };
}

/** A tree with one entry, as no git would make it. */
async function treeOf(objects: GitObjects, name: string, mode: string, id: ObjectId): Promise<ObjectId> {
  return objects.write(
    'tree',
    Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), Buffer.from(id, 'hex')]),
  );
}

/** Trees in which a file, and a folder further down, have the name. */
async function hostileTrees(objects: GitObjects, name: string): Promise<ObjectId[]> {
  const blob = await objects.writeBlob(Buffer.from('evil\n'));
  const inner = await treeOf(objects, 'evil', '100644', blob);
  const folder = await treeOf(objects, name, '40000', inner);
  return [await treeOf(objects, name, '100644', blob), await treeOf(objects, 'hooks', '40000', folder)];
}

test('a tree with such a name comes with no parcel', async () => {
  const [here, there] = [await opened(), await opened()];
  const options = { host: '127.0.0.1', port: 0, token: undefined, maxBytes: 100_000 };
  const ours = await ParcelServer.open({ ...options, objects: here.objects });
  const theirs = await ParcelServer.open({ ...options, objects: there.objects });
  for (const server of [ours, theirs]) onTestFinished(() => server.close());
  const at = ({ address }: ParcelServer, objects: GitObjects) =>
    new HttpParcels({ objects, url: address, token: undefined, maxBytes: 100_000 });
  for (const name of NAMES)
    for (const tree of await hostileTrees(there.objects, name)) {
      const commit = await there.objects.writeCommit({ tree, message: 'parcel\n' });
      await there.objects.createRef(`refs/conductor/store/${commit}`, commit);
      // What a client sends to the store of a worker, and what a store answers.
      expect(await at(ours, there.objects).send(commit), JSON.stringify(name)).toMatchObject({ ok: false });
      const fetched = await at(theirs, here.objects).fetch(commit);
      const failure = {
        kind: 'job-failed',
        reason: expect.stringMatching(/^what comes from .* is refused: /),
      };
      expect(fetched).toMatchObject({ ok: false, error: { failure, isAway: false, refused: 'content' } });
      expect(await here.objects.resolve(commit)).toBeUndefined();
    }
  // git checks what it fetches.
  const remote = join(here.scratch.root, 'shared.git');
  execFileSync('git', ['init', '-q', '--bare', remote]);
  for (const name of ['..', '../evil', '.git']) {
    const [tree] = await hostileTrees(there.objects, name);
    const commit = await there.objects.writeCommit({ tree: tree as string, message: 'parcel\n' });
    const sent = await new GitParcels({ objects: there.objects, remote, dir: there.scratch.dir }).send(
      commit,
    );
    expect(sent.ok).toBe(true);
    const parcels = new GitParcels({ objects: here.objects, remote, dir: here.scratch.dir });
    expect(await parcels.fetch(commit)).toMatchObject({ ok: false });
    expect(await here.objects.resolve(commit)).toBeUndefined();
  }
}, 60_000);

test('what is no tree comes with no parcel, and a name with a backslash does', async () => {
  const { objects } = await opened();
  const there = await opened();
  const frame = async (content: Buffer) => {
    const id = await there.objects.write('tree', content);
    return takeFrames(objects, Buffer.concat([Buffer.from(`tree ${id} ${content.length}\n`), content]), {
      ...{ commit: '0'.repeat(40), isPassing: true },
    });
  };
  const id = Buffer.from('1'.repeat(40), 'hex');
  expect(await frame(Buffer.from('no tree'))).toMatch(/is no tree/);
  expect(await frame(Buffer.concat([Buffer.from('100644 a\0'), id.subarray(1)]))).toMatch(/is no tree/);
  expect(await frame(Buffer.concat([Buffer.from('100644 ..\\a\0'), id]))).toHaveLength(1);
});

test('a tree with such a name that is in the store all the same is written to no workspace and not published', async () => {
  const { scratch, repository, objects } = await opened();
  const pool = new WorkspacePool(repository, objects, {
    ...{ cacheDir: scratch.cache, link: [], keep: [], setupKey: '', isSandboxed: async () => false },
    setup: async () => ok(undefined),
  });
  const found = () => readdirSync(scratch.root, { recursive: true, encoding: 'utf8' });
  const inProject = () => scratch.git('status', '--porcelain', '--ignored');
  const from = await objects.empty();
  for (const name of NAMES)
    for (const tree of await hostileTrees(objects, name)) {
      // A name with a slash is a path below the workspace at best.
      const got = await pool.acquire(tree).catch(() => undefined);
      expect(got?.ok ?? false, `${JSON.stringify(name)} in a workspace`).toBe(false);
      const done = await publishTree(repository, objects, { from, to: tree }).catch(() => undefined);
      expect(done?.ok ?? false, `${JSON.stringify(name)} published`).toBe(false);
      expect(await recoverPublish(repository, objects)).toBe('nothing');
      expect(inProject()).toBe('');
      expect(found().filter((path) => path.endsWith('evil') || path.endsWith('a/b'))).toEqual([]);
    }
  expect(existsSync('/evil')).toBe(false);
}, 60_000);

test('no listing has a path with such a name, and a name that only looks like one is listed', async () => {
  const { objects } = await opened();
  for (const name of ['.', '..'])
    for (const tree of await hostileTrees(objects, name))
      await expect(objects.list(tree)).rejects.toThrow('leads out of its folder');
  const blob = await objects.writeBlob(Buffer.from('text'));
  for (const name of ['a\t..', '...', '..a', 'a..'])
    expect((await objects.list(await treeOf(objects, name, '100644', blob))).paths).toEqual([name]);
});

test('a file whose name has a backslash stays in its workspace', async () => {
  const { scratch, repository, objects } = await opened();
  const pool = new WorkspacePool(repository, objects, {
    ...{ cacheDir: scratch.cache, link: [], keep: [], setupKey: '', isSandboxed: async () => false },
    setup: async () => ok(undefined),
  });
  const blob = await objects.writeBlob(Buffer.from('evil\n'));
  const got = await pool.acquire(await treeOf(objects, '..\\evil', '100644', blob)).catch(() => undefined);
  const files = readdirSync(scratch.root, { recursive: true, encoding: 'utf8' });
  const written = files.filter((path) => path.endsWith('evil')).map((path) => join(scratch.root, path));
  expect(written).toEqual(got?.ok ? [join(got.value.dir, '..\\evil')] : []);
});

test('a result that holds such a name is not taken from a remote or a worker', async () => {
  const { objects } = await opened();
  const store = new GitResults(objects);
  const blob = await objects.writeBlob(Buffer.from('text'));
  const kept = await store.keep({
    key: KEY,
    outputs: new Map([['a.txt', { mode: '100644', id: blob }]]),
    edits: [],
    provenance: {
      ...{ schema: 1, label: 'f/T1', key: KEY, manifest: [], recipe: 'run', attempts: 1, usage: {} },
      ...{ gates: [], startedAt: '2030-01-01T00:00:00.000Z', ms: 1, conductor: '1.0.0' },
    },
  });
  if (!kept.ok) throw new Error(kept.error.kind);
  const rules = {
    policy: { trust: 'all', here: { pullRequest: false } },
    pins: new Map(),
    fits: async () => undefined,
  } as never;
  const taken = async (commit: ObjectId) =>
    (await arrivedResult(store, objects, rules, { key: KEY, commit })).ok;
  expect(await taken(kept.value.commit)).toBe(true);
  const record = await objects.resolve(`${kept.value.commit}:result.json`);
  for (const name of [...NAMES, '.g\u200cit'])
    for (const outputs of await hostileTrees(objects, Buffer.from(name).toString('latin1'))) {
      const tree = await objects.writeTree([
        ['outputs', { mode: '40000', id: outputs }],
        ['result.json', { mode: '100644', id: record as string }],
      ]);
      const commit = await objects.writeCommit({ tree, message: 'result\n' });
      expect(await taken(commit), JSON.stringify(name)).toBe(false);
    }
});
