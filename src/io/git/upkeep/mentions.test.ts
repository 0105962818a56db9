/** Which ids lock files mention, in all branches, and how many git processes that takes. */

import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { gitCommandsOf, ScratchRepository } from '../../../test/rig/scratch-repository.js';
import { openRepository } from '../open-repository.js';
import { mentionedIds } from './mentions.js';

/** A repository for one test, with what its lock files mention. */
async function inRepository(
  work: (scratch: ScratchRepository, mentioned: () => Promise<string[]>) => Promise<void>,
): Promise<void> {
  const scratch = new ScratchRepository();
  try {
    await work(scratch, async () => {
      const opened = await openRepository(scratch.dir);
      if (!opened.ok) throw new Error(opened.error.kind);
      return [...(await mentionedIds(opened.value, ['.metadata.json'], 'specs'))].sort();
    });
  } finally {
    scratch.remove();
  }
}

const LOCK = 'specs/f/.metadata.json';

const id = (digit: number) => String(digit).repeat(64);

test.each(['sha1', 'sha256'])(
  'ids of all branches of a %s repository, read by one process',
  async (format) => {
    const scratch = new ScratchRepository(`--object-format=${format}`);
    try {
      for (let digit = 1; digit <= 9; digit++) {
        scratch.git('checkout', '-q', '--orphan', `b${digit}`);
        // The same text under a name that counts for nothing comes first.
        scratch.write(`a/copy.txt`, id(digit));
        scratch.write(`specs/f${digit}/.metadata.json`, id(digit));
        scratch.git('add', '-A');
        scratch.git('commit', '-qm', 'x');
      }
      scratch.git('tag', 'text', 'HEAD:a/copy.txt');
      const opened = await openRepository(scratch.dir);
      if (!opened.ok) throw new Error(opened.error.kind);
      let found = new Set<string>();
      const calls = await gitCommandsOf(async () => {
        found = await mentionedIds(opened.value, ['.metadata.json'], 'specs');
      });
      expect([...found].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map(id));
      expect(calls.filter((one) => one === 'ls-tree')).toEqual([]);
      expect(calls.filter((one) => one === 'cat-file')).toHaveLength(1);
    } finally {
      scratch.remove();
    }
  },
);

test('ids of every stash count: the newest, older ones, and their files that git does not track', async () => {
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    scratch.write(LOCK, id(2));
    scratch.git('stash', '-q');
    scratch.write('specs/g/.metadata.json', id(3));
    scratch.git('stash', '-q', '-u');
    scratch.write(LOCK, id(4));
    scratch.git('add', '-A');
    scratch.write(LOCK, id(5));
    scratch.git('stash', '-q');
    scratch.write(LOCK, id(6));
    scratch.git('stash', '-q');
    expect(await mentioned()).toEqual([1, 2, 3, 4, 5, 6].map(id));
    // Without their list, the newest stash is known all the same.
    rmSync(join(scratch.dir, '.git/logs/refs/stash'));
    expect(await mentioned()).toEqual([id(1), id(6)]);
  });
});

test('ids of staged files count, though the file on disk has others', async () => {
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    scratch.write(LOCK, id(2));
    scratch.git('add', '-A');
    scratch.write(LOCK, id(3));
    scratch.write('specs/g/.metadata.json', '');
    scratch.git('add', '-N', 'specs/g/.metadata.json');
    expect(await mentioned()).toEqual([1, 2, 3].map(id));
  });
});

test('what cannot be read is never taken to mention nothing', async () => {
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    // Git lists a file that is gone.
    rmSync(join(scratch.dir, LOCK));
    expect(await mentioned()).toEqual([id(1)]);
    symlinkSync('.metadata.json', join(scratch.dir, LOCK));
    await expect(mentioned()).rejects.toThrow('ELOOP');
  });
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    scratch.write('.git/index', 'damaged');
    await expect(mentioned()).rejects.toThrow('ls-files');
  });
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    const tree = scratch.git('rev-parse', 'HEAD^{tree}').trim();
    rmSync(join(scratch.dir, '.git/objects', tree.slice(0, 2), tree.slice(2)));
    await expect(mentioned()).rejects.toThrow('cannot be read');
  });
});

test('a worktree that git cannot look into is never taken for one that is gone', async () => {
  await inRepository(async (scratch, mentioned) => {
    scratch.write(LOCK, id(1));
    scratch.commit();
    scratch.git('config', 'extensions.worktreeConfig', 'true');
    scratch.git('worktree', 'add', '-q', 'other');
    scratch.write(`other/${LOCK}`, id(2));
    expect(await mentioned()).toEqual([1, 2].map(id));
    scratch.write('.git/worktrees/other/config.worktree', '[core\n');
    await expect(mentioned()).rejects.toThrow('rev-parse');
    const other = join(scratch.dir, 'other');
    rmSync(other, { recursive: true });
    expect(await mentioned()).toEqual([id(1)]);
  });
});
