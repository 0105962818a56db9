/** Holds `docs/opencode.md`: every line of its tables names tests that exist, and the versions are those that it speaks of. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE } from '../rig/command-line.js';

const read = (path: string) => readFileSync(join(PACKAGE, path), 'utf8');

const rows = read('docs/opencode.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| trap'))
  .map((line) => line.slice(2, -2).split(' | '));

test('every trap has an answer, and the tests that are said to hold it exist', () => {
  expect(rows.length).toBeGreaterThan(40);
  const missing = rows.flatMap(([trap, answer, tests]) => {
    if (!trap || !answer || !tests) return [`no three cells: ${trap}`];
    return tests.split('<br>').flatMap((entry) => {
      const [, path, name] = /^`([a-z/-]+)`: (.+)$/.exec(entry) ?? [];
      if (!path || !name) return [`no test is named: ${entry}`];
      const file = existsSync(join(PACKAGE, `src/${path}.test.ts`)) ? `${path}.test.ts` : `${path}.long.ts`;
      return read(`src/${file}`).includes(`'${name}`) ? [] : [`${path} has no test '${name}'`];
    });
  });
  expect(missing).toEqual([]);
});

test('the three packages of OpenCode are pinned to one version', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json'));
  const all = { ...dependencies, ...devDependencies };
  const versions = ['@opencode-ai/sdk', '@opencode-ai/plugin', 'opencode-ai'].map((name) => all[name]);
  expect(versions).toEqual(['1.18.33', '1.18.33', '1.18.33']);
  expect(read('docs/opencode.md')).toContain('OpenCode 1.18.33');
});
