import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { indexOfCommit } from './locate.js';
import type { Repository } from './repository.js';

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
