/** What git's words stand for: a full disk, damage of conductor's own store, or nothing that is expected. */

import { EventEmitter } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { asFailure } from '../files.js';
import { CoprocessEnded } from './coprocess.js';
import { guardAway } from './git-away.js';
import { GitError, git } from './git-process.js';
import { indexOfCommit } from './locate.js';
import type { Repository } from './repository.js';

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

test('a hook checks the index that git gives to it, and never one of another repository', () => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-index-')));
  try {
    const gitDir = join(top, '.git');
    mkdirSync(gitDir);
    const of = (GIT_INDEX_FILE?: string) => indexOfCommit({ top, gitDir } as Repository, { GIT_INDEX_FILE });
    expect(of()).toBe(join(gitDir, 'index'));
    expect(of('.git/index')).toBe(join(gitDir, 'index'));
    expect(of(join(gitDir, 'next-index-7.lock'))).toBe(join(gitDir, 'next-index-7.lock'));
    expect(of(join(top, 'elsewhere/index'))).toBe(join(gitDir, 'index'));
    mkdirSync(join(top, 'other'));
    expect(of('other/index')).toBe(join(gitDir, 'index'));
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
});

test('a git that is not watched any more is left alone, whatever it says', () => {
  vi.useFakeTimers();
  try {
    const stdout = new EventEmitter();
    const stderr = new EventEmitter();
    const stop = new AbortController();
    const kill = vi.fn(() => true);
    const watched = () =>
      guardAway({ stdout, stderr, kill, pid: 2 ** 30 }, { signal: stop.signal, silenceMs: 1 });
    const [first, second] = [watched(), watched()];
    expect(first.end()).toBeUndefined();
    vi.advanceTimersByTime(10);
    expect(kill).toHaveBeenCalledTimes(1);
    expect(second.end()).toBe('silent');
    for (const one of [stdout, stderr]) {
      one.emit('data', 'late');
      expect(one.listenerCount('data')).toBe(0);
    }
    vi.advanceTimersByTime(10);
    stop.abort();
    expect(kill).toHaveBeenCalledTimes(1);
  } finally {
    vi.useRealTimers();
  }
});

const OPEN = '/proc/self/fd';

/** Paths of the files that this process has open. */
function openFiles(): string[] {
  return readdirSync(OPEN).flatMap((descriptor) => {
    try {
      return [readlinkSync(join(OPEN, descriptor))];
    } catch {
      return [];
    }
  });
}

test.skipIf(!existsSync(OPEN))('a file that git has not read to its end is closed', async () => {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-input-')));
  try {
    const file = join(top, 'large');
    writeFileSync(file, Buffer.alloc(4_000_000));
    expect((await git(['version'], { inputFile: file })).code).toBe(0);
    await expect.poll(openFiles).not.toContain(file);
  } finally {
    rmSync(top, { recursive: true, force: true });
  }
});
