/** Names in trees that come from other machines. */

import { expect, test } from 'vitest';
import { isGitName } from '../../io/git/raw-tree.js';

test.each(['.git', '.GIT ', '.git...', '.git:x', '.git. :x', '.git:\n', 'GIT~1.', '.g\u200cit'])(
  'a file system may take %j for `.git`',
  (name) => expect(isGitName(name)).toBe(true),
);

test.each([
  '..foo',
  'a..b',
  '.github',
  '.gitignore',
  '.gitkeep',
  '.gitmodules',
  'git~1x',
  'git~10',
  'a:.git',
  '',
])('no file system takes %j for `.git`', (name) => expect(isGitName(name)).toBe(false));

test.each(['.'.repeat(2_000_000), `.git${'. '.repeat(1_000_000)}`, ':'.repeat(2_000_000)])(
  'a name of millions of characters is judged at once',
  (long) => {
    const begin = process.cpuUsage();
    expect(isGitName(`${long}x`)).toBe(false);
    expect(process.cpuUsage(begin).user).toBeLessThan(5_000_000);
  },
);
