/** Which ids lock files mention, in all branches, and how many git processes that takes. */

import { expect, test } from 'vitest';
import { gitCommandsOf, ScratchRepository } from '../../../test/rig/scratch-repository.js';
import { openRepository } from '../open-repository.js';
import { mentionedIds } from './mentions.js';

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
