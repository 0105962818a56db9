import { expect, test, vi } from 'vitest';
import type { Label, Task } from '../../model/task.js';
import { TaskGraph } from '../../model/task-graph.js';
import { type Entry, Listing, type ObjectId } from '../../model/tree.js';
import { GitResults } from '../../store/git-results.js';
import { scratchObjects } from '../../test/rig/scratch-repository.js';
import { provenPatches } from './proven-patches.js';

const key = (i: number) => String(i).padStart(64, '0');

test('results that a session has read prove patches without being read again, new ones are read', async () => {
  const objects = await scratchObjects();
  const results = new GitResults(objects);
  const file = async (text: string): Promise<Entry> => {
    return { mode: '100644', id: await objects.writeBlob(Buffer.from(text)) };
  };
  const [bare, first, both] = [await file('text\n'), await file('text\na\n'), await file('text\na\nb\n')];
  const keep = async (i: number, label: Label, before: Entry, after: Entry): Promise<ObjectId> => {
    const kept = await results.keep({
      key: key(i),
      outputs: new Map(),
      edits: [{ path: 'x.txt', base: bare, before, after }],
      provenance: {
        ...{ schema: 1, label, key: key(i), manifest: [], recipe: 'run', attempts: 1, usage: {} },
        ...{ gates: [], startedAt: '2030-01-01T00:00:00.000Z', ms: 1, conductor: '1.0.0' },
      },
    });
    if (!kept.ok) throw new Error(kept.error.kind);
    return kept.value.commit;
  };
  const task = (id: string) =>
    ({ label: `f/${id}`, feature: 'f', id, edits: ['x.txt'], dependsOn: [] }) as unknown as Task;
  const project = {
    ...{ objects, graph: new TaskGraph([task('a'), task('b')]), locks: new Map(), known: new Map() },
    ...{ listing: new Listing(new Map([['x.txt', both]])), labels: new Map() },
  };
  const commits = [await keep(1, 'f/a', bare, first)];
  const read = vi.spyOn(objects, 'read');
  const readCommits = () => read.mock.calls.map(([name]) => name).filter((name) => commits.includes(name));
  await provenPatches(project);
  expect(readCommits()).toEqual(commits);

  commits.push(await keep(2, 'f/b', first, both));
  const proven = { 'x.txt': { base: bare.id, merged: both.id, by: ['f/a', 'f/b'] } };
  read.mockClear();
  expect(await provenPatches(project)).toEqual(proven);
  expect(readCommits()).toEqual(commits.slice(1));
  read.mockClear();
  expect(await provenPatches(project)).toEqual(proven);
  expect(readCommits()).toEqual([]);
});
