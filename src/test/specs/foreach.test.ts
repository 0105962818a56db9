/** Holds that tasks of a `foreach` build like any others, and that another entry is one more task. */

import { expect, test } from 'vitest';
import { createRig } from '../rig/rig.js';

const spec = `
vars: { mark: '#' }
tasks:
  - id: upper
    foreach: words/*.txt
    inputs: ["{{item}}"]
    outputs: ["out/{{name}}.up"]
    run: [sh, -c, "tr a-z A-Z < $0 > $1", "{{item}}", "out/{{name}}.up"]
  - id: all
    inputs: []
    outputs: [all.txt]
    run: "echo '{{mark}}' | cat - out/*.up > all.txt"
    depends_on: [upper]
`;

test('another file is another task, and nothing else of the list is stale; a target means all of them', async () => {
  await using rig = await createRig();
  rig.write({ 'specs/f/BACKLOG.yaml': spec, 'words/a.txt': 'a\n', 'words/b c.txt': 'bc\n' });
  const first = await rig.build();
  expect(first.outcomes()).toEqual({ 'f/upper/a': 'built', 'f/upper/b-c': 'built', 'f/all': 'built' });
  expect(rig.read('all.txt')).toBe('#\nA\nBC\n');

  rig.write({ 'words/d.txt': 'd\n' });
  expect(await rig.inspect()).toEqual({
    'f/upper/a': 'fresh',
    'f/upper/b-c': 'fresh',
    'f/upper/d': 'stale',
    'f/all': 'pending',
  });
  const second = await rig.build({ targets: ['f/upper'] });
  expect(second.ran()).toEqual(['f/upper/d']);
  expect(rig.read('out/d.up')).toBe('D\n');

  rig.remove('words/a.txt');
  await rig.build();
  expect(rig.read('out/a.up')).toBeUndefined();
  expect(rig.read('all.txt')).toBe('#\nBC\nD\n');
});
