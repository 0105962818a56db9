/** What a watch has seen of the working tree survives a power cut, as what a build has seen does. */

import { expect, onTestFinished, test, vi } from 'vitest';
import { syncFiles } from '../../io/durable.js';
import { loosePath } from '../../io/git/damaged.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import { resolveConfig } from '../../model/config.js';
import { ProjectMemory } from '../../project/project-memory.js';
import { ScratchRepository } from '../../test/rig/scratch-repository.js';
import { Scanner } from './scanner.js';

vi.mock('../../io/durable.js', async (original) => {
  const actual = await original<typeof import('../../io/durable.js')>();
  return { ...actual, syncFiles: vi.fn(actual.syncFiles) };
});

test('files that were read again are on disk, with the folders that they are in, before a build begins', async () => {
  const scratch = new ScratchRepository();
  onTestFinished(() => scratch.remove());
  scratch.write('folder/inner.txt', 'before');
  scratch.write('other/same.txt', 'same');
  const repository = await openRepository(scratch.dir);
  if (!repository.ok) throw new Error(JSON.stringify(repository.error));
  const objects = new GitObjects(repository.value);
  const scanner = await Scanner.open(repository.value, objects, new ProjectMemory());
  try {
    await scanner.look(resolveConfig({}, 1));
    scratch.write('folder/inner.txt', 'after');
    vi.mocked(syncFiles).mockClear();
    const tree = await scanner.partialScan(['folder/inner.txt']);
    const made = await Promise.all(
      ['', ':folder', ':folder/inner.txt'].map((at) => objects.resolve(`${tree}${at}`)),
    );
    const synced = vi.mocked(syncFiles).mock.calls.flatMap(([paths]) => [...paths]);
    expect(synced.sort()).toEqual(made.map((id) => loosePath(objects.store, id ?? '')).sort());
  } finally {
    await scanner.close();
    await objects.close();
  }
});
