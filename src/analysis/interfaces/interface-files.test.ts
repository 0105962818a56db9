/** Which files of a dependency an agent's task builds on. */

import { expect, test } from 'vitest';
import type { Entry } from '../../model/tree.js';
import { interfacePathsFor } from './interface-files.js';

const READER = { recipe: { kind: 'agent', strategy: 'evolve' }, type: 'implementation' } as const;
const ENTRY = { mode: '100644', id: '' } as Entry;

const shown = (...paths: string[]) =>
  interfacePathsFor(READER, { interface: undefined }, new Map(paths.map((path) => [path, ENTRY])));

test('no tests, but all files of data outside of snapshots', () => {
  const data = ['openapi-spec.yaml', 'api.spec.json', 'job-spec.md', 'load_test.sql', 'src/a.ts'];
  const tests = ['a.test.ts', 'b-spec.js', 'c_test.go', 'test_d.py', 'ETest.java', '__snapshots__/f.md'];
  expect(shown(...data, ...tests)).toEqual(data);
  expect(shown(...tests)).toEqual(tests);
});
