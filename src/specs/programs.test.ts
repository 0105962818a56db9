/** Holds which program a command starts, and that missing ones are told where their gate was written. */

import { expect, test } from 'vitest';
import { resolveConfig } from '../model/config.js';
import { Listing } from '../model/tree.js';
import { loadSpecs } from './load.js';
import { placeProblems } from './problem.js';
import { firstProgram, missingPrograms } from './programs.js';

const rows: [command: string | string[], program: string | undefined][] = [
  ['npx vitest run src', 'npx'],
  ['  node x.js | tee log', 'node'],
  ['make;echo', 'make'],
  ['CI=1 FOO="a b" BAR=\'c d\' npm test', 'npm'],
  ['env CI=1 npm test', 'npm'],
  ['"my tool" --x', 'my tool'],
  ['my\\ tool --x', 'my tool'],
  ['"A=1" x', 'A=1'],
  ['(cd a && make)', undefined],
  ['( make )', 'make'],
  ['{ make; }', 'make'],
  ['! grep -r TODO src', 'grep'],
  ['[ -f a ]', undefined],
  ['test -f a', undefined],
  ['echo hi', undefined],
  ['true', undefined],
  ['./check.sh', undefined],
  ['node_modules/.bin/tsc', undefined],
  ['$TOOL x', undefined],
  ['', undefined],
  ['A=1', undefined],
  ['> out', undefined],
  [['tsc', '--noEmit'], 'tsc'],
  [['/usr/bin/env', 'x'], undefined],
  [['echo'], 'echo'],
];

test.each(rows)('%j starts %s', (command, program) => {
  expect(firstProgram(command)).toBe(program);
});

test('a gate without its program is told where it stands: in a task, in the defaults, in the config', async () => {
  const text =
    'defaults:\n  verify: [lint .]\ntasks:\n  - id: a\n    outputs: [a]\n    verify:\n      - node a\n      - { run: [gone, a], name: X }\n  - { id: b, outputs: [b] }\n';
  const file = 'specs/f/BACKLOG.yaml';
  const listing = new Listing(new Map([[file, { mode: '100644', id: '1' }]]));
  const read = async () => new Map([['1', Buffer.from(text)]]);
  const config = resolveConfig(
    { gates: { task: ['node x'], build: [{ run: 'depcheck', name: 'deps' }] } },
    2,
  );
  const loaded = await loadSpecs({ listing, read, cache: { get: () => undefined, set: () => {} } }, config);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const asked: string[] = [];
  const missing = missingPrograms(loaded.value.features, config, (program) => {
    asked.push(program);
    return program === 'node';
  });
  const placed = await placeProblems(missing, async (name) => (name === file ? text : undefined));
  expect(placed.map((one) => [one.file, one.line, one.column, one.message])).toEqual([
    [
      'conductor.config.ts',
      undefined,
      undefined,
      "the gate's program `depcheck` is not where a gate looks for it (gates.build: deps)",
    ],
    [file, 2, 12, "the gate's program `lint` is not where a gate looks for it"],
    [file, 8, 9, "the gate's program `gone` is not where a gate looks for it"],
  ]);
  expect(asked.sort()).toEqual(['depcheck', 'gone', 'lint', 'node']);
});
