/** Holds that odd texts, names and modes of files are right or refused by name. */

import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

test('a byte order mark and CRLF in a spec and its documents change no key', async () => {
  await using rig = await createRig();
  const single = '---\ninputs: []\noutputs: [a.txt]\nspec_refs: [REQUEST.md]\n---\nWrite\na file.\n';
  const backlog =
    'tasks:\n  - id: T1\n    inputs: []\n    outputs: [b.txt]\n    description: |\n      Write\n      a file.\n    spec_refs: [PLAN.md#r1]\n';
  const files = {
    'specs/s.spec.md': single,
    'specs/REQUEST.md': '# Request\n\nOne\ntwo\n',
    'specs/f/BACKLOG.yaml': backlog,
    'specs/f/PLAN.md': '# Plan\n\n## R1\n\nOne\ntwo\n',
    'specs/f/context.md': 'Facts\nof it\n',
  };
  rig.write(files);
  rig.answer('s/main', { 'a.txt': 'a\n' });
  rig.answer('f/T1', { 'b.txt': 'b\n' });
  await rig.build();
  rig.write(
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => [path, `\uFEFF${text.replaceAll('\n', '\r\n')}`]),
    ),
  );
  expect(await rig.inspect()).toEqual({ 's/main': 'fresh', 'f/T1': 'fresh' });
});

test('names with backslashes, spaces and accents are inputs and outputs like any other', async () => {
  await using rig = await createRig();
  const nfd = 'e\u0301.txt';
  rig.write({ 'in/a\\b c.txt': 'one\n', [`in/${nfd}`]: 'two\n' });
  rig.backlog('f', {
    T1: {
      inputs: ['in/a\\\\b c.txt', `in/${nfd}`],
      outputs: ['out/x\\\\y.txt'],
      run: 'cat in/* > "out/x\\\\y.txt"',
    },
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('out/x\\y.txt')).toBe('one\ntwo\n');
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('executable files and links stay fresh where git keeps neither modes nor links', async () => {
  await using rig = await createRig();
  rig.git('config', 'core.fileMode', 'false');
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['run.sh'], run: 'echo "echo hi" > run.sh; chmod +x run.sh' },
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(lstatSync(rig.path('run.sh')).mode & 0o100).toBe(0o100);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  // Also where conductor reads all files again.
  rmSync(join(rig.path('.git'), 'conductor', 'index'), { force: true });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  chmodSync(rig.path('run.sh'), 0o644);
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});

test('links stay fresh where git writes them as files', async () => {
  await using rig = await createRig();
  rig.git('config', 'core.symlinks', 'false');
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['to.txt', 'link'], run: 'echo x > to.txt; ln -s to.txt link' },
  });
  const built = await rig.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
  rmSync(join(rig.path('.git'), 'conductor', 'index'), { force: true });
  expect(await rig.inspect()).toEqual({ 'f/T1': 'fresh' });
});
