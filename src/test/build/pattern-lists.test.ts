/** Lists of paths with excludes, and paths that look like globs: what they mean from the spec to the result. */

import { expect, test } from 'vitest';
import { filesBelow } from '../rig/command-line.js';
import { createRig } from '../rig/rig.js';

test('excluded files are neither shown, nor in the key, nor own inputs when they are read', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.ts': 'a', 'src/a.test.ts': 't' });
  rig.backlog('f', {
    T1: {
      inputs: ['src/**', '!**/*.test.ts'],
      outputs: ['out.txt'],
      run: 'cat $(find src -type f) > out.txt',
    },
  });
  await rig.build();
  expect(rig.read('out.txt')).toBe('a');
  rig.write({ 'src/a.test.ts': 'changed' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'fresh' });
  rig.write({ 'src/b.ts': 'b' });
  expect((await rig.build()).ran()).toEqual(['f/T1']);
});

test('a list of includes alone has the key that each of them gave before there were excludes', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.ts': 'a' });
  const task = (inputs: string[]) => ({ T1: { inputs, outputs: ['out.txt'], run: 'ls src > out.txt' } });
  rig.backlog('f', task(['src/*.ts']));
  await rig.build();
  // The exclude takes nothing away: the same files are shown by the same pattern.
  rig.backlog('f', task(['src/*.ts', '!src/*.test.ts']));
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'fresh' });
});

test('what outputs exclude stays the file of a person, and a task that writes it is refused', async () => {
  await using rig = await createRig();
  rig.write({ 'out/own.txt': 'mine' });
  rig.backlog('f', {
    T1: { inputs: ['out/own.txt'], outputs: ['out/**', '!out/own.txt'], run: 'echo made > out/a.txt' },
  });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built' });
  rig.write({ 'out/own.txt': 'mine again' });
  const again = await rig.build();
  expect(again.outcomes()).toEqual({ 'f/T1': 'built' });
  rig.backlog('f', {
    T1: {
      inputs: ['out/own.txt'],
      outputs: ['out/**', '!out/own.txt'],
      run: 'echo x > out/own.txt; echo y > out/a.txt',
    },
  });
  expect((await rig.build()).failure('f/T1')).toMatchObject({
    kind: 'wrote-outside-outputs',
    paths: ['out/own.txt'],
  });
  expect(rig.read('out/own.txt')).toBe('mine again');
});

test('an interface with an exclude stops a rebuild', async () => {
  await using rig = await createRig();
  rig.write({ 'in.txt': '1' });
  rig.backlog('f', {
    T1: {
      inputs: ['in.txt'],
      outputs: ['lib/'],
      interface: ['lib/**', '!lib/private/**'],
      run: 'mkdir -p lib/private && echo same > lib/a.txt && cp in.txt lib/private/x.txt',
    },
    T2: { inputs: [], depends_on: ['T1'], outputs: ['two.txt'], run: 'cat lib/a.txt > two.txt' },
  });
  await rig.build();
  rig.write({ 'in.txt': '2' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'fresh' });
});

test('a build gate is not run again for a file that its inputs exclude', async () => {
  await using rig = await createRig({
    config: {
      gates: { build: [{ run: 'true', inputs: ['src/**', '!**/*.md'] }] },
    },
  });
  rig.write({ 'src/a.ts': 'a', 'src/a.md': 'm' });
  rig.backlog('f', { T1: { inputs: [], outputs: ['out.txt'], run: 'echo x > out.txt' } });
  const gates = (build: Awaited<ReturnType<typeof rig.build>>) =>
    build.events.filter(({ type }) => type === 'gate.finished').length;
  expect(gates(await rig.build())).toBe(1);
  rig.write({ 'src/a.md': 'changed' });
  expect(gates(await rig.build())).toBe(0);
  rig.write({ 'src/a.ts': 'changed' });
  expect(gates(await rig.build())).toBe(1);
});

test('globs of edits are the files that there are; one more of them makes the task stale', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.txt': 'a\n', 'src/a.test.txt': 't\n' });
  rig.backlog('f', {
    T1: {
      inputs: [],
      edits: ['src/*.txt', '!**/*.test.txt'],
      run: 'for f in src/*.txt; do echo added >> "$f"; done',
    },
  });
  await rig.build();
  expect([rig.read('src/a.txt'), rig.read('src/a.test.txt')]).toEqual(['a\nadded\n', 't\n']);
  expect((await rig.build()).ran()).toEqual([]);
  rig.write({ 'src/b.txt': 'b\n' });
  expect((await rig.build()).ran()).toEqual(['f/T1']);
  expect([rig.read('src/a.txt'), rig.read('src/b.txt')]).toEqual(['a\nadded\n', 'b\nadded\n']);
});

test('routes in brackets are files: as outputs, as edits, as inputs and in the prompt', async () => {
  await using rig = await createRig();
  rig.write({ 'app/[lang]/layout.tsx': 'layout\n', 'app/(shop)/page.tsx': 'page\n' });
  rig.backlog('f', {
    T1: {
      description: 'x',
      inputs: ['app/(shop)/page.tsx'],
      outputs: ['app/[slug]/page.tsx', String.raw`app/\[ab]/page.tsx`],
      edits: ['app/[lang]/layout.tsx'],
    },
    T2: { description: 'x', inputs: [], outputs: ['app/[id]/page.tsx'] },
  });
  let prompt = '';
  let shown: string[] = [];
  rig.answer('f/T1', (request) => {
    prompt = request.prompt;
    shown = Object.keys(filesBelow(request.cwd, ['.git']));
    return {
      'app/[slug]/page.tsx': 'slug',
      'app/[ab]/page.tsx': 'ab',
      'app/[lang]/layout.tsx': 'layout\nmore\n',
    };
  });
  rig.answer('f/T2', { 'app/[id]/page.tsx': 'id' });
  expect((await rig.build()).outcomes()).toEqual({ 'f/T1': 'built', 'f/T2': 'built' });
  expect(shown.sort()).toEqual(['app/(shop)/page.tsx', 'app/[lang]/layout.tsx']);
  expect(rig.read('app/[lang]/layout.tsx')).toBe('layout\nmore\n');
  expect(prompt).toContain('app/[ab]/page.tsx');
  expect(prompt).not.toContain('\\');
  expect((await rig.build()).ran()).toEqual([]);
});

test('an agent that reads an excluded file has that recorded', async () => {
  await using rig = await createRig();
  rig.write({ 'src/a.ts': 'a', 'src/a.test.ts': 't' });
  rig.backlog('f', {
    T1: { description: 'x', inputs: ['src/**'], outputs: ['one.txt'] },
    T2: { description: 'x', outputs: ['two.txt', '!src/**'] },
  });
  rig.answer('f/T1', { 'one.txt': '1' });
  rig.answer('f/T2', { 'two.txt': '2' });
  await rig.build({}, { observed: ['src/a.ts', 'src/a.test.ts'] });
  const { tasks } = JSON.parse(rig.read('specs/f/.metadata.json') ?? '');
  expect(tasks.T1.observed).toBeUndefined();
  expect(Object.keys(tasks.T2.observed)).toEqual(['src/a.test.ts', 'src/a.ts']);
});
