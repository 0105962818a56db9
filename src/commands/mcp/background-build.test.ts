import { expect, test } from 'vitest';
import { BackgroundBuild } from './background-build.js';

test('every client that waited for a build is told its end once; one that comes later starts another', async () => {
  let end = () => {};
  const builds = new BackgroundBuild(
    () =>
      new Promise((resolve) => {
        end = () => resolve({ code: 0, stdout: '', stderr: '' });
      }),
  );
  builds.start(['build']);
  for (const client of ['one', 'two']) builds.waits(client);
  expect(await builds.untold('one')).toBeUndefined();
  end();
  await builds.ended(60_000, new AbortController().signal);
  expect(await builds.untold('one')).toMatchObject({ code: 0 });
  expect(await builds.untold('two')).toMatchObject({ code: 0 });
  for (const client of ['one', 'two', 'three']) expect(await builds.untold(client)).toBeUndefined();

  builds.start(['build']);
  end();
  await builds.ended(60_000, new AbortController().signal);
  // Nobody waited: the first one that asks learns it.
  expect(await builds.untold('three')).toMatchObject({ code: 0 });
  expect(await builds.untold('one')).toBeUndefined();
});
