/** Nothing of a broken pack is lost while what is whole in it is saved: by a kill, or to another process. */

import { appendFileSync, chmodSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import type { ObjectId } from '../../../model/tree.js';
import { scratchObjects } from '../../../test/rig/scratch-repository.js';
import { gitOk } from '../git-process.js';
import { notInFiles } from './object-files.js';
import { repackRefs } from './repack.js';
import { indexPacks, removeBrokenObjects, repairStore } from './repair.js';

/** Is called before git first unpacks. */
const hook = vi.hoisted(() => ({ onUnpack: undefined as (() => Promise<void>) | undefined }));
vi.mock('../git-process.js', async (original) => {
  const real = await original<typeof import('../git-process.js')>();
  const git: typeof real.git = async (args, call) => {
    const { onUnpack } = hook;
    if (args[0] === 'unpack-objects' && onUnpack) {
      hook.onUnpack = undefined;
      await onUnpack();
    }
    return real.git(args, call);
  };
  return { ...real, git };
});
afterEach(() => {
  hook.onUnpack = undefined;
});

/** A store with two results in one pack that is broken at its end, or whose index is. */
async function brokenPack(what: 'pack' | 'idx' = 'pack') {
  const objects = await scratchObjects();
  const commits: ObjectId[] = [];
  for (const name of ['one', 'two']) {
    const id = await objects.writeBlob(Buffer.from(`content of ${name}\n`));
    const tree = await objects.writeTree([[name, { mode: '100644', id }]]);
    const commit = await objects.writeCommit({ tree, message: `${name}\n` });
    await objects.createRef(`refs/conductor/results/aa/${name}`, commit);
    commits.push(commit);
  }
  await repackRefs(objects.store);
  const packs = join(objects.store, 'objects/pack');
  const file = readdirSync(packs).find((name) => name.endsWith(`.${what}`)) as string;
  chmodSync(join(packs, file), 0o600);
  appendFileSync(join(packs, file), 'x');
  return { store: objects.store, commits: commits.sort() };
}

async function soundRefs(store: string): Promise<string[]> {
  const said = await gitOk(['for-each-ref', '--format=%(objectname)'], { gitDir: store });
  await gitOk(['rev-list', '--objects', '--all'], { gitDir: store });
  return String(said).trim().split('\n').filter(Boolean).sort();
}

test.each([
  ['the next command', indexPacks],
  ['the next repair', removeBrokenObjects],
])(
  'what a broken pack holds is there after %s, although the process that saved it was killed',
  async (_, next) => {
    const { store, commits } = await brokenPack();
    const killed = mkdtempSync(join(tmpdir(), 'conductor-killed-'));
    onTestFinished(() => rmSync(killed, { recursive: true, force: true }));
    hook.onUnpack = async () => cpSync(store, killed, { recursive: true });
    await removeBrokenObjects(store);
    for (const name of readdirSync(killed))
      if (name.startsWith('.conductor-tmp-')) rmSync(join(killed, name), { recursive: true });
    await next(killed);
    expect([await soundRefs(store), await soundRefs(killed)]).toEqual([commits, commits]);
  },
);

test.each(['pack', 'idx'] as const)(
  'two processes that save a pack whose %s is broken lose nothing',
  async (what) => {
    const { store, commits } = await brokenPack(what);
    hook.onUnpack = () => repairStore({ store, state: join(store, '../state') });
    await removeBrokenObjects(store);
    expect(await soundRefs(store)).toEqual(commits);
  },
);

test('no ref goes while another process saves the pack that has its object', async () => {
  const { store, commits } = await brokenPack();
  hook.onUnpack = async () => {
    expect(await notInFiles(store, new Set(commits))).toEqual(new Set());
  };
  await removeBrokenObjects(store);
  expect(await soundRefs(store)).toEqual(commits);
});
