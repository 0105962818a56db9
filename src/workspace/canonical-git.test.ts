/** The folder of rules is made again when a power cut or a kill has left it damaged. */

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { git } from '../io/git/git-process.js';
import { openRepository } from '../io/git/open-repository.js';
import { ScratchRepository } from '../test/rig/scratch-repository.js';
import { openCanonicalGit } from './canonical-git.js';

test('a folder with empty or missing files is no reason to fail for ever', async () => {
  const scratch = new ScratchRepository();
  try {
    const opened = await openRepository(scratch.dir);
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    const folder = join(scratch.dir, '.git', 'rules');
    const first = await openCanonicalGit(opened.value, folder);
    const works = async () => (await git(['rev-parse', '--git-dir'], { gitDir: first.dir })).code;
    expect(await works()).toBe(0);
    writeFileSync(join(first.dir, 'HEAD'), '');
    writeFileSync(join(first.dir, 'config'), '');
    rmSync(join(first.dir, 'refs'), { recursive: true });
    expect(await works()).not.toBe(0);
    expect((await openCanonicalGit(opened.value, folder)).dir).toBe(first.dir);
    expect(await works()).toBe(0);
  } finally {
    scratch.remove();
  }
});
