/** Real clones of a repository in which patched files are committed and their lock files are not. */

import { expect, test } from 'vitest';
import { createRig, type Rig } from '../rig/rig.js';
import { cloneProject, createBare } from '../rig/shared-project.js';

const TITLE = '# Title\n\nText.\n';
const PATCHED = `${TITLE}line of aa\nline of bb\n`;

/** Two commands of features of their own add a line each. The text is what is committed, in a clone that knows nothing else. */
async function cloned(text: string, from: 'nowhere' | 'remote'): Promise<Rig> {
  const rig = await createRig();
  if (from === 'remote') rig.config = { cache: { remotes: [`git:${createBare(rig)}`] } };
  rig.write({ 'README.md': TITLE });
  for (const name of ['aa', 'bb']) {
    const run = `echo line of ${name} >> README.md`;
    rig.backlog(name, { T1: { inputs: [], edits: ['README.md'], run } });
  }
  await rig.build();
  expect(rig.read('README.md')).toBe(PATCHED);
  rig.write({ 'README.md': text });
  rig.remove('specs/aa/.metadata.json', 'specs/bb/.metadata.json');
  rig.commit();
  cloneProject(rig, 'clone');
  expect(rig.read('specs/aa/.metadata.json')).toBeUndefined();
  return rig;
}

test.each([
  ['as it was built', PATCHED, `${TITLE}line of bb\n`],
  [
    'with lines of people around',
    `mine\n\n${PATCHED.replace('Text', 'My text')}mine too\n`,
    `mine\n\n${TITLE.replace('Text', 'My text')}line of bb\nmine too\n`,
  ],
])('a result in a remote proves the patches of a file %s', async (_, text, left) => {
  await using rig = await cloned(text, 'remote');
  const built = await rig.buildWithoutAgent();
  expect(built.outcomes()).toEqual({ 'aa/T1': 'cached', 'bb/T1': 'cached' });
  expect(rig.read('README.md')).toBe(text);
  expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
  // The record is as complete as the one that was not committed: the patch can be taken out again.
  rig.remove('specs/aa');
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  expect(rig.read('README.md')).toBe(left);
});

test('where nothing tells whose the lines are, the build says so and does not change the file', async () => {
  await using rig = await cloned(PATCHED, 'nowhere');
  const lines = (name: string) => ({ kind: 'patch-stands', path: 'README.md', lines: [`line of ${name}`] });
  const refused = await rig.buildWithoutAgent();
  expect([refused.failure('aa/T1'), refused.failure('bb/T1')]).toEqual([lines('aa'), lines('bb')]);
  expect(rig.read('README.md')).toBe(PATCHED);

  // The ways out that it names: the lines are a person's own, are taken away, or are to be there twice.
  const accepted = await rig.buildWithoutAgent({ targets: ['aa'], accept: true });
  expect(accepted.outcomes()).toEqual({ 'aa/T1': 'accepted' });
  expect((await rig.buildWithoutAgent()).failure('bb/T1')).toEqual(lines('bb'));
  expect(rig.read('README.md')).toBe(PATCHED);
  rig.write({ 'README.md': `${TITLE}line of aa\n` });
  expect((await rig.buildWithoutAgent()).outcomes()).toEqual({ 'aa/T1': 'fresh', 'bb/T1': 'built' });
  expect(rig.read('README.md')).toBe(PATCHED);
  rig.backlog('cc', { T1: { inputs: [], edits: ['README.md'], run: 'echo line of aa >> README.md' } });
  expect((await rig.buildWithoutAgent({ targets: ['cc'], force: true })).outcomes()).toEqual({
    'cc/T1': 'built',
  });
  expect(
    rig
      .read('README.md')
      ?.match(/line of \w+/g)
      ?.sort(),
  ).toEqual(['line of aa', 'line of aa', 'line of bb']);
});

test('an agent that adds lines which stand there already is asked again, and leaves them', async () => {
  await using rig = await createRig();
  rig.write({ 'README.md': PATCHED });
  rig.backlog('f', { T1: { description: 'x', inputs: [], outputs: ['out.txt'], edits: ['README.md'] } });
  rig.answer('f/T1', ({ attempt }) => ({
    'out.txt': 'x',
    'README.md': attempt === 1 ? `${PATCHED}line of aa\n` : PATCHED,
  }));
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('README.md')).toBe(PATCHED);
});
