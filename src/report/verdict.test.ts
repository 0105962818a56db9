import { expect, test } from 'vitest';
import type { Verdict } from '../model/verdict.js';
import { driftCauseText } from './difference.js';
import { graphDot, graphJson, graphMermaid, graphText } from './graph.js';
import { plainStyle } from './style.js';
import { describeVerdict, explainText, statusTable } from './verdict.js';

const VERDICTS: readonly Verdict[] = [
  { kind: 'fresh' },
  { kind: 'cached', reasons: [{ kind: 'outputs-missing', paths: ['a', 'b', 'c', 'd', 'e'] }] },
  { kind: 'unverified', gates: ['npm test'] },
  { kind: 'drifted', paths: ['src/a.ts'], stale: undefined },
  { kind: 'drifted', paths: ['src/a.ts'], stale: [{ kind: 'never-built' }] },
  { kind: 'stale', reasons: [{ kind: 'gates-failed', gate: 'lint' }, { kind: 'forced' }] },
  { kind: 'stale', reasons: [{ kind: 'patch-conflict', path: 'src/app\u001b.ts' }] },
  { kind: 'pending', on: ['a/T01', 'a/T02'] },
  { kind: 'pending', on: ['a/T01'], reasons: [{ kind: 'forced' }], paths: ['x', 'y'], inTheWay: ['y'] },
];

test('every verdict is one line with its reasons', () => {
  const rows = VERDICTS.map((verdict, index) => ({ label: `a/T${index}`, verdict }));
  expect(statusTable(rows, plainStyle)).toMatchInlineSnapshot(`
    "a/T0  fresh
    a/T1  cached: will be restored, missing: a, b, c and 2 more
    a/T2  unverified: 1 gate to run: npm test
    a/T3  drifted: edited by hand: src/a.ts
    a/T4  drifted: edited by hand: src/a.ts; must be rebuilt: never built
    a/T5  stale: gate failed: lint; forced
    a/T6  stale: its patch of src/app␛.ts does not apply any more
    a/T7  pending: waits for a/T01, a/T02
    a/T8  pending: waits for a/T01; forced; edited by hand: x; not written by conductor: y
    "
  `);
  expect(statusTable([], plainStyle)).toBe('');
  for (const verdict of VERDICTS) expect(describeVerdict(verdict)).not.toContain('\u001b');
});

test('an explanation shows old against new: texts as diffs, ids shortened', async () => {
  const changes = [
    { name: 'prompt', show: 'text', before: 'one\ntwo\nthree\n', after: 'one\n2\u001b\nthree\n' },
    { name: 'input src/a.ts', show: 'id', before: 'a'.repeat(40), after: 'b'.repeat(40) },
    { name: 'model', show: 'word', before: undefined, after: 'opus' },
    { name: 'dependency a/T01', show: 'id', before: 'c'.repeat(64), after: undefined },
  ] as const;
  const verdict: Verdict = { kind: 'stale', reasons: [{ kind: 'manifest-changed', changes }] };
  const manifest = [{ name: 'prompt', value: 'one\n2', show: 'text' }] as const;
  expect(await explainText({ label: 'a/T02', verdict }, plainStyle, manifest)).toMatchInlineSnapshot(`
    "a/T02: stale: changed: prompt, input src/a.ts, model and 1 more

      prompt
        @@ -1,3 +1,3 @@
         one
        -two
        +2␛
         three

      input src/a.ts
        - aaaaaaaaaaaa
        + bbbbbbbbbbbb

      model
        + opus

      dependency a/T01
        - cccccccccccc

    manifest:
      prompt  (2 lines)
    "
  `);
});

const NODES = [
  { label: 'a/T"01', verdict: 'stale', dependsOn: [] },
  { label: 'a/\\<b>\n#2', dependsOn: ['a/T"01', 'not shown'] },
];

test('graphs escape whatever labels hold', () => {
  expect(graphText(NODES)).toMatchInlineSnapshot(`
    "a/T"01 [stale]
    a/\\<b>␊#2
      <- a/T"01
      <- not shown
    "
  `);
  expect(graphMermaid(NODES)).toMatchInlineSnapshot(`
    "flowchart LR
      t0["a/T#34;01<br/>stale"]
      t1["a/#92;#60;b#62;␊#35;2"]
      t0 --> t1
    "
  `);
  expect(graphDot(NODES)).toMatchInlineSnapshot(`
    "digraph conductor {
      rankdir=LR;
      node [shape=box];
      "a/T\\"01" [tooltip="stale"];
      "a/\\\\<b>␊#2";
      "a/T\\"01" -> "a/\\\\<b>␊#2";
    }
    "
  `);
  expect(JSON.parse(graphJson(NODES))).toEqual({ schema: 1, tasks: NODES });
});

test('edits that a program has made are said in one line, those of people are not', () => {
  const patch = (...lines: string[]) => ({ patch: ['@@ -1 +1 @@', ...lines, ''].join('\n') });
  const said = driftCauseText([patch("-a('b')", '+a("b");'), patch('-x', '+x', '+')], false);
  expect(said).toMatch(/^all 2 edited files differ only in white space, .*`format` of the config/);
  expect(said).not.toContain('\n');
  expect(driftCauseText([patch('-one', '+two')], false)).toBeUndefined();
  // Its command is known already.
  expect(driftCauseText([patch("-a('b')", '+a("b");')], true)).not.toContain('give its command');
});

test('an explanation names the changed lines of patches, whose they are and the ways out', async () => {
  const verdict: Verdict = {
    kind: 'drifted',
    paths: ['README.md'],
    stale: undefined,
    patches: [
      { path: 'README.md', tasks: ['a/T1'], was: ['one'], now: ['two\u001b', 'three'] },
      { path: 'README.md', tasks: ['a/T1', 'b/T1'], was: ['four', 'five'], now: [] },
    ],
    accept: ['a/T1', 'b/T1'],
  };
  expect(await explainText({ label: 'a/T1', verdict }, plainStyle)).toMatchInlineSnapshot(`
    "a/T1: drifted: edited by hand: README.md

      README.md: lines of the patch of a/T1 were changed by hand
        - one
        + two␛
        + three

      README.md: lines of the patches of a/T1 and b/T1 were changed by hand
        - four
        - five

      to keep the change as a part of the patches: \`conductor accept a/T1 b/T1\`
      to put the lines of the patches back: \`conductor build --discard-edits\`
    "
  `);
});
