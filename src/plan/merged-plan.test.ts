/** Holds how three documents become one plan, and which of them are refused. */

import { expect, test } from 'vitest';
import { headingsOf } from '../base/markdown.js';
import { documentProblem, mergeDrafts, planItems, planProblems } from './merged-plan.js';

const merge = (spec: string, arch = '## Parts\n\nNone.\n', qa = '## Cases\n\nNone.\n') =>
  mergeDrafts('Notes', { spec, arch, qa });

test('titles go, headings move below their part, whatever their level was', () => {
  const text = merge(
    '# Requirements of "Notes"\n\n## Purpose\n\nNotes.\n\n### In short\n\nYes.\n',
    '# Parts\nOne.\n# Order\nNone.\n',
  );
  expect(text).toBe(
    '# Drafts: Notes\n\n## Requirements\n\n### Purpose\n\nNotes.\n\n#### In short\n\nYes.\n\n' +
      '## Structure\n\n### Parts\n\nOne.\n\n### Order\n\nNone.\n\n## Proof\n\n### Cases\n\nNone.\n',
  );
});

test('assumptions of all stand once, at the end, so that no anchor is doubled', () => {
  const text = merge(
    '## Purpose\n\nA.\n\n## Assumptions\n\n- One user.\n',
    '## Parts\n\nB.\n\n## Assumptions\n\n- One user.\n- No disk.\n',
  );
  expect(text.endsWith('## Assumptions\n\n- One user.\n- No disk.\n')).toBe(true);
  expect(headingsOf(text).filter(({ slug }) => slug.startsWith('assumptions'))).toHaveLength(1);
});

test('code stays as it is, also where it looks like headings', () => {
  const text = merge('## Purpose\n\n```sh\n# not a heading\n```\n\nSetext\n------\n\nB.\n');
  expect(text).toContain('```sh\n# not a heading\n```');
  expect(text).toContain('### Setext\n\nB.');
});

test('documents without headings, without text, too large or not of text are refused', () => {
  expect(documentProblem('## Purpose\n\nA.\n')).toBeUndefined();
  expect(documentProblem(' \n')).toContain('empty');
  expect(documentProblem('just words\n')).toContain('headings');
  expect(documentProblem(`## A\n${'x'.repeat(40_000)}`)).toContain('32768');
  expect(documentProblem('## A\n\0')).toContain('UTF-8');
});

test('a plan has numbered requirements, each once, and is told all that is wrong at once', () => {
  expect(
    planProblems('## Requirements\n\n### R1 Notes\n\nA.\n\n### R2: Tags\n\nB.\n\n## Structure\n'),
  ).toEqual([]);
  expect(planProblems('## Purpose\n')).toEqual(['it has no heading `## Requirements`']);
  expect(planProblems('## Requirements\n\n- R1 Notes\n\n## Structure\n\n### File\n')).toEqual([
    expect.stringContaining('there is no requirement'),
  ]);
  expect(planProblems('## Requirements\n### R1 a\n### Tags\n### R1 b\n')).toEqual([
    '`Tags` has no number: `### R2 <name>`',
    'R1 stands twice',
  ]);
});

test('assumptions are listed one by one, however they are written', () => {
  const text =
    '## Assumptions\n\n- One user,\n  on one machine.\n* No disk.\n1. Plain text.\n\n## End\n- no\n';
  expect(planItems(text, 'assumptions')).toEqual(['One user, on one machine.', 'No disk.', 'Plain text.']);
  expect(planItems(text, 'contradictions')).toEqual([]);
});
