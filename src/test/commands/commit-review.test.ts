/** Holds `conductor review`: what it says of each task that changed between two commits, in all three forms. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { parseRange, reviewRange } from '../../commands/review/review.js';
import type { ReviewDocument } from '../../model/page.js';
import { reviewMarkdown, reviewText } from '../../report/review.js';
import { plainStyle } from '../../report/style.js';
import { createRig, type Rig } from '../rig/rig.js';

async function review(rig: Rig, text: string): Promise<ReviewDocument> {
  const range = parseRange(text);
  if (!range) throw new Error(`no range: ${text}`);
  const done = await reviewRange(rig.host(new ScriptedAgent({ tripwire: true })), range);
  if (!done.ok) throw new Error(JSON.stringify(done.error));
  return done.value;
}

async function builtProject(): Promise<Rig> {
  const rig = await createRig();
  rig.backlog('f', {
    T1: { description: 'Write the first.', outputs: ['a.txt'], verify: ['test -f a.txt'] },
    T2: { description: 'Write the second.', outputs: ['b.txt'] },
    T3: { description: 'Write the third.', outputs: ['c.txt'] },
  });
  rig.answer('f/T1', { 'a.txt': 'one\n' });
  rig.answer('f/T2', { 'b.txt': 'two\n' });
  rig.answer('f/T3', { 'c.txt': 'three\n' });
  await rig.build({}, { usage: { costUsd: 0.25, tokensIn: 100, tokensOut: 10 } });
  rig.commit();
  return rig;
}

test('a task whose spec changed is shown with why, spec, code, cost and gates; others are not', async () => {
  await using rig = await builtProject();
  rig.backlog('f', {
    T1: { description: 'Write the first, better.', outputs: ['a.txt'], verify: ['test -f a.txt'] },
    T2: { description: 'Write the second.', outputs: ['b.txt'] },
    T4: { description: 'Write the fourth.', outputs: ['d.txt'] },
  });
  rig.answer('f/T1', { 'a.txt': 'one\nmore\n' });
  rig.answer('f/T4', { 'd.txt': 'four\n' });
  rig.write({ 'notes.md': 'by hand\n' });
  await rig.build({}, { usage: { costUsd: 0.5, tokensIn: 100, tokensOut: 10 } });
  rig.commit();

  const found = await review(rig, 'HEAD~1..HEAD');
  expect(found.tasks.map(({ label, change }) => [label, change])).toEqual([
    ['f/T1', 'changed'],
    ['f/T3', 'removed'],
    ['f/T4', 'added'],
  ]);
  const [first, removed, fourth] = found.tasks;
  expect(first).toMatchObject({ insertions: 1, deletions: 0, attempts: 1, equal: true, recipe: 'agent' });
  expect(first?.why.join()).toContain('prompt changed');
  expect(first?.spec.join('\n')).toContain('Write the first, better.');
  expect(first?.usage).toMatchObject({ costUsd: 0.5 });
  expect(first?.gates).toMatchObject([{ name: 'test -f a.txt', exitCode: 0 }]);
  expect(removed?.files).toMatchObject([{ path: 'c.txt', change: 'removed' }]);
  expect(fourth?.why).toEqual(['built for the first time']);
  expect(found.others).toMatchObject([{ path: 'notes.md', insertions: 1 }]);
  expect(found.usage.costUsd).toBe(1);

  const text = reviewText(found, plainStyle);
  expect(text).toContain('HEAD~1 to HEAD: 3 tasks changed, +2 -1, $1.00');
  expect(text).toContain('files equal the recorded result');
  const markdown = reviewMarkdown(found);
  expect(markdown).toContain('| <code>f/T1</code> | changed | 1 file, +1 -0 |');
});

test('an edit by hand that is not accepted is told, also on disk', async () => {
  await using rig = await builtProject();
  rig.write({ 'b.txt': 'by hand\n' });
  const onDisk = await review(rig, 'HEAD..');
  expect(onDisk.tasks).toMatchObject([{ label: 'f/T2', equal: false, different: ['b.txt'] }]);
  rig.commit();
  const committed = await review(rig, 'HEAD~1..HEAD');
  expect(committed.tasks).toMatchObject([
    { label: 'f/T2', change: 'edited', different: ['b.txt'], usage: {} },
  ]);
  expect(committed.tasks[0]?.why).toEqual(['edited by hand, and not accepted']);
  expect(reviewText(committed, plainStyle)).toContain('not the recorded files: b.txt');
});

test('nothing of a spec, a path or a name becomes markup', async () => {
  await using rig = await builtProject();
  rig.backlog('f', {
    T1: {
      description: 'Write ``` </details><script>alert(1)</script> [x](javascript:alert(1))',
      outputs: ['a.txt', 'x<img src=1>|`.txt'],
      verify: ['test -f a.txt'],
    },
    T2: { description: 'Write the second.', outputs: ['b.txt'] },
    T3: { description: 'Write the third.', outputs: ['c.txt'] },
  });
  rig.answer('f/T1', { 'a.txt': 'one\n', 'x<img src=1>|`.txt': 'x\n' });
  await rig.build();
  rig.commit();
  const markdown = reviewMarkdown(await review(rig, 'HEAD~1..HEAD'));
  const outside = markdown.replace(/(`{3,})diff\n[\s\S]*?\n\1/g, '');
  expect(outside).not.toMatch(/<script|<img|javascript:/);
  expect(markdown).toContain('````diff');
  expect(outside.match(/^\| .*a\.txt|^\| <code>f&#47;T1|^\| <code>f\/T1/m)?.[0]).toBeDefined();
});

test('from the merge base as a pull request shows it, and names that are no commits are refused', async () => {
  await using rig = await builtProject();
  rig.git('checkout', '-q', '-b', 'side');
  rig.write({ 'side.md': 'side\n' });
  rig.commit();
  rig.git('checkout', '-q', 'main');
  rig.write({ 'main.md': 'main\n' });
  rig.commit();
  const apart = await review(rig, 'main...side');
  expect(apart.others.map(({ path }) => path)).toEqual(['side.md']);
  const direct = await review(rig, 'main..side');
  expect(direct.others.map(({ path }) => path)).toEqual(['main.md', 'side.md']);
  const host = rig.host(new ScriptedAgent({ tripwire: true }));
  for (const from of ['nothing', '--output=x']) {
    const refused = await reviewRange(host, { from, to: 'HEAD', fromMergeBase: false });
    expect(refused).toMatchObject({ ok: false, error: { kind: 'usage' } });
  }
  expect(parseRange('--output=x..HEAD')).toBeUndefined();
  expect(parseRange('main')).toBeUndefined();
});
