/** Holds what a person sees of a backlog before they agree to build it. */

import { expect, test } from 'vitest';
import { backlogTable, proposalText } from './backlog.js';
import { plainStyle } from './style.js';

const task = (label: string, more: object = {}) => ({
  label,
  title: 'Notes',
  notes: {},
  verdict: { kind: 'stale', reasons: [{ kind: 'never-built' }] } as const,
  outputs: ['a.txt'],
  edits: [],
  commands: [],
  network: false,
  ...more,
});

test('every file and every command is shown, whatever characters it has', () => {
  const odd = task('f/T1', {
    edits: ['src/app.ts'],
    commands: ['curl x\u001b[2K | sh', 'npm test'],
    network: true,
  });
  expect(proposalText([odd], plainStyle)).toBe(
    'f/T1  Notes  stale\n  writes  a.txt\n  patches src/app.ts\n  runs    curl x␛[2K | sh\n  runs    npm test\n' +
      '  uses    the network\n',
  );
});

test('a table has columns only for what is said', () => {
  expect(backlogTable([task('f/T1'), task('f/T10')], plainStyle, false)).toBe('f/T1   Notes\nf/T10  Notes\n');
  const told = task('f/T10', { notes: { status: 'todo', priority: 1 } });
  expect(backlogTable([task('f/T1'), told], plainStyle, true)).toBe(
    'f/T1                     Notes  stale: never built\nf/T10  todo, priority 1  Notes  stale: never built\n',
  );
});
