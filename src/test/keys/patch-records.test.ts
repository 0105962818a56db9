/** What is recorded of patches of one file by several tasks is what the next full analysis finds. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';
import { cloneProject } from '../rig/shared-project.js';

test('records of another state are replaced once, and every task is fresh then', async () => {
  await using rig = await createRig();
  const patch = (slot: number) => `sed -i 's/^slot ${slot}.*/slot ${slot} done/' app.txt`;
  const page = (slots: string, head: string) => `head ${head}\n-\n${slots}`;
  const slots = Array.from({ length: 9 }, (_, i) => `-\nslot ${i}\n-\n`).join('');
  const write = (word: string) =>
    rig.backlog('one', {
      words: { inputs: [], outputs: ['out/words.txt'], run: `mkdir -p out && echo ${word} > out/words.txt` },
      early: {
        ...{ inputs: [], outputs: ['out/early.txt'], edits: ['app.txt'], verify: ['test -s out/early.txt'] },
        run: `mkdir -p out && echo 0 > out/early.txt && ${patch(1)}`,
      },
    });
  rig.write({ 'app.txt': page(slots, '0') });
  write('a');
  rig.backlog('two', {
    late: {
      ...{ inputs: [], depends_on: ['one/words'], outputs: ['out/late.txt'], edits: ['app.txt'] },
      run: `mkdir -p out && echo 0 > out/late.txt && ${patch(6)}`,
    },
  });
  await rig.build();
  const former = rig.read('specs/two/.metadata.json') as string;
  write('b');
  rig.write({ 'app.txt': (rig.read('app.txt') as string).replace('head 0', 'head 1') });
  await rig.build();
  const fresh = { 'one/words': 'fresh', 'one/early': 'fresh', 'two/late': 'fresh' };
  expect(await rig.inspect()).toEqual(fresh);
  // As after a checkout of one lock file of another state.
  rig.write({ 'specs/two/.metadata.json': former });
  const built = await rig.build();
  expect(built.summary.exitCode).toBe(0);
  expect(await rig.inspect()).toEqual(fresh);
  expect(rig.read('app.txt')).toBe(
    page(slots, '1').replace('slot 1', 'slot 1 done').replace('slot 6', 'slot 6 done'),
  );
});

test('where a clone lacks a file without its patches, all gates have passed on what takes its place', async () => {
  await using rig = await createRig();
  const write = (slot: number) =>
    rig.backlog('f', {
      patch: {
        ...{ inputs: [], outputs: ['out/patch.txt'], edits: ['app.txt'], verify: ['true'] },
        run: `mkdir -p out && echo ${slot} > out/patch.txt && sed -i 's/^slot ${slot}$/done ${slot}/' app.txt`,
      },
      page: { render: [{ template: 'page.hbs', to: 'out/page.txt', with: {} }], verify: ['true'] },
      other: { render: [{ template: 'page.hbs', to: 'out/other.txt', with: {} }] },
    });
  rig.write({ 'app.txt': 'slot 0\n-\n-\n-\nslot 1\n', 'templates/page.hbs': 'page\n' });
  write(0);
  await rig.build();
  rig.commit();
  cloneProject(rig, 'clone');
  const fresh = { 'f/patch': 'fresh', 'f/page': 'fresh', 'f/other': 'fresh' };
  expect((await rig.build()).outcomes()).toEqual(fresh);
  write(1);
  expect((await rig.build()).outcomes()).toEqual({ ...fresh, 'f/patch': 'built', 'f/page': 'verified' });
  expect(rig.read('app.txt')).toBe('done 0\n-\n-\n-\ndone 1\n');
  expect(await rig.inspect()).toEqual(fresh);
});
