/** The ladder with the real OpenCode server: a task that only the rebased spec can pass, judged by a reviewer. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { PACKAGE } from '../rig/command-line.js';
import { createOpencodeRig, scriptedTask as task, writeStep as write } from '../rig/opencode-rig.js';

vi.setConfig({ testTimeout: 300_000 });

test('a task that fails is rebased, built by its better words, reviewed, and its spec says so', async () => {
  await using one = await createOpencodeRig({ rebase: 'apply', review: true });
  const { rig, model } = one;
  const verify = ["grep -q green one.txt || { echo 'expected green'; exit 1; }"];
  rig.backlog('f', { T1: task('task', 'one.txt', { verify, acceptance: ['It is a colour'] }) }, '# mine\n');
  // Who knows the word writes it: the model's answers depend on nothing but what it was told.
  model.script('task', [
    (request) => write('one.txt', JSON.stringify(request.messages).includes('It is green') ? 'green' : 'red'),
    { say: 'Done.' },
  ]);
  model.script('better', [
    write(
      'REBASE.json',
      JSON.stringify({
        task: { acceptance: ['It is a colour', 'It is green'] },
        reasoning: 'The gate wants green.',
        confidence: 0.9,
      }),
    ),
    { say: 'Done.' },
  ]);
  model.script('judge', [
    write(
      'REVIEW.json',
      JSON.stringify({
        verdict: 'accept',
        criteria: [
          { criterion: 'It is a colour', met: true, where: 'one.txt:1' },
          { criterion: 'It is green', met: true, where: 'one.txt:1' },
        ],
        findings: [],
      }),
    ),
    { say: 'Done.' },
  ]);
  rig.write({
    'prompts/rebase.md': `${shipped('rebase.md')}\n[script:better]\n`.replace('{{description}}', ''),
    'prompts/review-code.md': shipped('review-code.md')
      .replace('{{description}}', '')
      .replace('# Review', '[script:judge]\n\n# Review'),
  });
  const built = await one.build();
  expect(built.outcomes()).toEqual({ 'f/T1': 'built' });
  expect(rig.read('one.txt')).toBe('green');
  expect(rig.read('specs/f/BACKLOG.yaml')).toMatch(/^# mine\n[\s\S]*It is green/);
  expect(built.of('task.rebased')).toMatchObject([{ applied: true, confidence: 0.9 }]);
  expect(one.asked('task')).toBe(6);
  expect(one.asked('better')).toBe(2);
  expect(one.asked('judge')).toBe(2);
  const sent = model.requests.filter(({ script }) => script !== undefined).length;
  expect(sent).toBe(10);
  expect((await one.build()).ran()).toEqual([]);
});

function shipped(name: string): string {
  return readFileSync(join(PACKAGE, 'prompts', name), 'utf8');
}
