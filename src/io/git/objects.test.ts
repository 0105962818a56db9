/** GitObjects against a plain map, and what the store promises about refs and packs. */

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../model/tree.js';
import { Dice } from '../../test/rig/random-project.js';
import { ScratchRepository } from '../../test/rig/scratch-repository.js';
import { observeGit } from './git-process.js';
import { GitObjects } from './objects.js';
import { openRepository } from './open-repository.js';
import type { Repository } from './repository.js';
import { deleteRefs } from './transfer.js';
import { repackRefs } from './upkeep/repack.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(
  ...init: string[]
): Promise<{ scratch: ScratchRepository; repository: Repository; objects: GitObjects }> {
  const scratch = new ScratchRepository(...init);
  cleanups.push(() => scratch.remove());
  const opened = await openRepository(scratch.dir);
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const objects = new GitObjects(opened.value);
  cleanups.push(() => objects.close());
  return { scratch, repository: opened.value, objects };
}

describe.each(['sha1', 'sha256'])('trees of a %s repository', (format) => {
  const seed = 1 + Math.floor(Math.random() * 1e9);
  it(`edited at random are what a plain map is (seed ${seed})`, async () => {
    const { objects } = await open(`--object-format=${format}`);
    const dice = new Dice(seed);
    const names = ['a', 'a b', 'ü', '-x', 'line\nfeed', '"q"', 'a.b', '__proto__'];
    const blobs = await Promise.all(['1', '2', ''].map((text) => objects.writeBlob(Buffer.from(text))));
    const plain = new Map<string, Entry>();
    let tree = await objects.empty();
    for (let round = 0; round < 60; round++) {
      const changes = new Map<string, Entry | undefined>();
      for (let i = 1 + dice.below(5); i > 0; i--) {
        const path = Array.from({ length: 1 + dice.below(3) }, () => dice.pick(names)).join('/');
        const meets = [...changes].some(
          ([p, e]) => e && (p.startsWith(`${path}/`) || path.startsWith(`${p}/`)),
        );
        if (meets) continue;
        const mode = dice.pick(['100644', '100755', '120000'] as const);
        changes.set(path, dice.chance(0.35) ? undefined : { mode, id: dice.pick(blobs) });
      }
      for (const [path, entry] of changes) if (!entry) plain.delete(path);
      for (const [path, entry] of changes) {
        if (!entry) continue;
        for (const old of [...plain.keys()])
          if (old.startsWith(`${path}/`) || path.startsWith(`${old}/`)) plain.delete(old);
        plain.set(path, entry);
      }
      tree = await objects.editTree(tree, changes);
      const listing = await objects.list(tree);
      expect(new Map([...listing.files].sort()), `seed ${seed}, round ${round}`).toEqual(
        new Map([...plain].sort()),
      );
    }
    expect(tree).toBe(await objects.editTree(undefined, plain));
  });
});

describe('GitObjects', () => {
  it('keeps the bytes of a name that is no UTF-8 when its folder is edited', async () => {
    const { repository, objects } = await open();
    const blob = await objects.writeBlob(Buffer.from('x'));
    const record = Buffer.concat([
      Buffer.from(`100644 blob ${blob}\t`),
      Buffer.from([0x66, 0xe9]),
      Buffer.from('\0'),
    ]);
    const made = execFileSync('git', ['--git-dir', repository.store, 'mktree', '-z'], { input: record });
    const tree = await objects.editTree(
      made.toString().trim(),
      new Map([['b', { mode: '100644', id: blob } as const]]),
    );
    const names = execFileSync('git', ['--git-dir', repository.store, 'ls-tree', '-z', '--name-only', tree]);
    expect(names.toString('latin1').split('\0').slice(0, 2).sort()).toEqual(['b', 'f\xe9']);
  });

  it('reads what it wrote, answers for what is missing, and refuses no name with a newline by hanging', async () => {
    const { objects } = await open();
    const content = Buffer.from([...Array(70_000).keys()].map((n) => n % 256));
    const ids = await Promise.all([content, Buffer.alloc(0)].map((one) => objects.writeBlob(one)));
    expect(await objects.read(ids[0] as string)).toEqual(content);
    expect(await objects.read(ids[1] as string)).toEqual(Buffer.alloc(0));
    expect(await objects.read('0'.repeat(40))).toBeUndefined();
    expect(await objects.read('a\nb')).toBeUndefined();
    expect(await objects.missing([ids[0] as string, '1'.repeat(40)])).toEqual(['1'.repeat(40)]);
  });

  it('finds among thousands what is missing, broken, or no id at all', async () => {
    const { objects, repository } = await open();
    const ids: string[] = [];
    for (let i = 0; i < 1300; i++) ids.push(await objects.writeBlob(Buffer.from(`${i}\n`)));
    const [absent, broken, other] = ['1'.repeat(40), ids[1000] as string, ids[1200] as string];
    const fileOf = (id: string) => join(repository.store, 'objects', id.slice(0, 2), id.slice(2));
    chmodSync(fileOf(broken), 0o644);
    writeFileSync(fileOf(broken), 'no object');
    rmSync(fileOf(other));
    copyFileSync(fileOf(ids[0] as string), fileOf(other));
    const asked = [...ids.slice(0, 900), `${ids[0]}\n${ids[1]}`, absent, ...ids];
    expect((await objects.missing(asked)).sort()).toEqual(
      [`${ids[0]}\n${ids[1]}`, absent, broken, other].sort(),
    );
    expect(await objects.missing(ids.slice(0, 50))).toEqual([]);
  });

  it('finds the one of many that is damaged, where git alone looks at all that are sound', async () => {
    const { objects, repository } = await open();
    const ids: string[] = [];
    for (let i = 0; i < 600; i++) ids.push(await objects.writeBlob(Buffer.from(`${i}\n`)));
    const asked: string[] = [];
    observeGit(({ command }) => asked.push(command));
    try {
      expect([await objects.missing(ids), asked]).toEqual([[], ['rev-list']]);
    } finally {
      observeGit(undefined);
    }
    expect(await objects.missing([...ids, '1'.repeat(40)])).toEqual(['1'.repeat(40)]);
    const fileOf = (id: string) => join(repository.store, 'objects', id.slice(0, 2), id.slice(2));
    rmSync(fileOf(ids[300] as string));
    copyFileSync(fileOf(ids[0] as string), fileOf(ids[300] as string));
    expect(await objects.missing(ids)).toEqual([ids[300]]);
  });

  it('creates a ref once and goes on after the refusal', async () => {
    const { objects } = await open();
    const tree = await objects.empty();
    const [one, two] = await Promise.all(['1', '2'].map((message) => objects.writeCommit({ tree, message })));
    expect(await objects.createRef('refs/conductor/results/aa/k', one as string)).toBe('created');
    expect(await objects.createRef('refs/conductor/results/aa/k', two as string)).toBe('exists');
    expect(await objects.createRef('refs/conductor/results/aa/l', two as string)).toBe('created');
    expect([...(await objects.refs('refs/conductor/')).values()]).toEqual([one, two]);
  });

  it('lets no name of a ref or a commit be a request of its own', async () => {
    const { objects } = await open();
    const id = await objects.writeCommit({ tree: await objects.empty(), message: 'm' });
    const more = `${id}\nupdate refs/conductor/results/aa/k ${id}\ncommit\nstart\ncreate refs/conductor/jobs/b`;
    for (const [name, commit] of [
      [`refs/conductor/jobs/${more}`, id],
      ['refs/conductor/jobs/a', `${id}\ncommit`],
      [`refs/conductor/jobs/a ${id}`, id],
      ['refs/conductor/jobs/a', ''],
    ] as const)
      await expect(objects.createRef(name, commit)).rejects.toThrow('in a request to git');
    await expect(deleteRefs(objects.store, [`refs/a\ndelete refs/b`])).rejects.toThrow('in a request to git');
    expect(await objects.createRef('refs/conductor/jobs/a', id)).toBe('created');
    expect([...(await objects.refs('refs/conductor/')).keys()]).toEqual(['refs/conductor/jobs/a']);
  });

  it('creates a ref whose lock a killed git has left', async () => {
    const { objects } = await open();
    const id = await objects.writeCommit({ tree: await objects.empty(), message: 'm' });
    mkdirSync(`${objects.store}/refs/conductor/results/aa`, { recursive: true });
    writeFileSync(`${objects.store}/refs/conductor/results/aa/k.lock`, '');
    expect(await objects.createRef('refs/conductor/results/aa/k', id)).toBe('created');
    expect([...(await objects.refs('refs/conductor/')).values()]).toEqual([id]);
  });

  it('keeps results when the person prunes the objects that they were borrowed from', async () => {
    const { scratch, repository, objects } = await open();
    scratch.write('f', 'only staged once\n');
    scratch.git('add', 'f');
    const id = scratch.git('rev-parse', ':f').trim();
    const tree = await objects.editTree(undefined, new Map([['f', { mode: '100644', id } as const]]));
    await objects.createRef('refs/conductor/results/aa/k', await objects.writeCommit({ tree, message: 'r' }));
    await repackRefs(repository.store);
    scratch.git('rm', '-q', '-f', '--cached', 'f');
    scratch.git('prune', '--expire=now');
    expect(() => scratch.git('cat-file', '-e', id)).toThrow();
    const later = new GitObjects(repository);
    cleanups.push(() => later.close());
    expect((await later.read('refs/conductor/results/aa/k:f'))?.toString()).toBe('only staged once\n');
  });

  it('keeps results that come while it packs when the person prunes what they borrowed', async () => {
    const { scratch, repository, objects } = await open();
    const stage = async (name: string) => {
      scratch.write(name, `staged: ${name}\n`);
      scratch.git('add', name);
      const id = scratch.git('rev-parse', `:${name}`).trim();
      const tree = await objects.editTree(undefined, new Map([[name, { mode: '100644', id } as const]]));
      return objects.writeCommit({ tree, message: 'r' });
    };
    const [first, second] = [await stage('f'), await stage('g')];
    await objects.createRef('refs/conductor/results/aa/k', first);
    cleanups.push(() => observeGit(undefined));
    observeGit(({ command }) => {
      if (command === 'pack-objects')
        writeFileSync(join(repository.store, 'refs/conductor/results/aa/l'), `${second}\n`);
    });
    await repackRefs(repository.store);
    scratch.git('rm', '-q', '-f', '--cached', 'f', 'g');
    scratch.git('prune', '--expire=now');
    const later = new GitObjects(repository);
    cleanups.push(() => later.close());
    for (const name of ['aa/k:f', 'aa/l:g'])
      expect((await later.read(`refs/conductor/results/${name}`))?.toString()).toMatch(/^staged/);
  });
});

describe('a repository', () => {
  it('that is bare, missing or a sparse checkout is refused by its kind', async () => {
    const { scratch } = await open();
    scratch.gitIn(scratch.root, 'init', '-q', '--bare', 'bare');
    const bare = await openRepository(`${scratch.root}/bare`);
    expect(!bare.ok && bare.error.kind).toBe('unsupported-repository');
    const none = await openRepository(scratch.root);
    expect(!none.ok && none.error.kind).toBe('not-a-repository');
    scratch.write('a/f', '1');
    scratch.write('b/f', '1');
    scratch.commit();
    scratch.git('sparse-checkout', 'set', 'a');
    const sparse = await openRepository(scratch.dir);
    expect(!sparse.ok && sparse.error.kind).toBe('unsupported-repository');
    scratch.git('sparse-checkout', 'disable');
    expect((await openRepository(scratch.dir)).ok).toBe(true);
  });
});
