/** What git's words stand for: a full disk, damage of conductor's own store, or nothing that is expected. */

import { expect, test } from 'vitest';
import { asFailure } from '../files.js';
import { CoprocessEnded } from './coprocess.js';
import { GitError } from './git-process.js';

const OBJECT = '317e9677c3bcffd006f9fc84bbb0a54ef1676197';

test.each([
  ['fatal: write error: No space left on device', 'disk-full'],
  [`fatal: entry 'a' object ${OBJECT} is a tag but specified type was (blob)`, 'store-damaged'],
  [
    `fatal: loose object ${OBJECT} (stored in /p/.git/conductor/repo/objects/31/7e) is corrupt`,
    'store-damaged',
  ],
  [`fatal: loose object ${OBJECT} (stored in /p/.git/objects/31/7e) is corrupt`, 'git-failed'],
  ['fatal: not something that git has ever said', 'git-failed'],
  ["fatal: detected dubious ownership in repository at '/p'", 'unsupported-repository'],
  ["fatal: Unable to create '/p/x.lock': Permission denied", 'system-error'],
  ['error: unable to write file: Input/output error', 'system-error'],
])('%s', (stderr, kind) => {
  const exit = { code: 128, stdout: Buffer.alloc(0), stderr };
  expect(asFailure(new GitError(['mktree'], exit))?.kind).toBe(kind);
  expect(asFailure(new CoprocessEnded(['mktree'], { code: 128, signal: null }, stderr))?.kind).toBe(kind);
});
