/** Records in conductor's own folder that are valid JSON of a wrong form are as good as none: no command calls that a bug. */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { cacheStats } from '../../commands/cache.js';
import { collect } from '../../commands/gc.js';
import { createRig } from '../rig/rig.js';

/** In the place of each value, at every depth. */
const WRONG = [
  'null',
  '7',
  '"text"',
  '[null]',
  '{"a":null,"f/T1":7}',
  '{"specs/f/.metadata.json":{"tasks":{"T1":[]}}}',
];

test('records of a wrong form are passed over', async () => {
  await using rig = await createRig();
  rig.write({ 'routes.txt': 'a\n' });
  rig.backlog('f', {
    T1: { inputs: [], outputs: ['one.txt'], run: 'echo 1 > one.txt' },
    T2: {
      inputs: [],
      outputs: ['two.txt'],
      edits: ['routes.txt'],
      run: 'echo 2 | tee two.txt >> routes.txt',
    },
  });
  await rig.build();
  const state = join(
    rig.dir,
    '.git/conductor/projects',
    readdirSync(rig.path('.git/conductor/projects'))[0] as string,
  );
  const names = readdirSync(state).filter((name) => name.endsWith('.json'));
  expect(names).toEqual(
    expect.arrayContaining(['last.json', 'locks.json', 'patched.json', 'published.json']),
  );
  const before = rig.files();
  for (const text of WRONG) {
    for (const name of names) writeFileSync(join(state, name), text);
    expect(Object.keys(await rig.inspect())).toEqual(['f/T1', 'f/T2']);
    for (const name of names) writeFileSync(join(state, name), text);
    const story = await rig.buildWithoutAgent();
    expect([text, story.summary.exitCode, story.ran()]).toEqual([text, 0, []]);
    for (const name of names) writeFileSync(join(state, name), text);
    const options = {
      keepDays: 1,
      maxBytes: undefined,
      dryRun: false,
      wait: true,
      signal: new AbortController().signal,
    };
    const host = rig.host(new ScriptedAgent({ tripwire: true }));
    expect((await collect(host, options)).ok).toBe(true);
    expect((await cacheStats(host)).ok).toBe(true);
    expect(rig.files()).toEqual(before);
  }
});
