/** Holds which edits are the work of a program. */

import { expect, test } from 'vitest';
import { driftCause } from './drift-cause.js';

const patch = (...lines: string[]) =>
  ['--- a/x', '+++ b/x', '@@ -1,2 +1,2 @@', ' same', ...lines, ''].join('\n');

const lineEnds = patch('-one', '-two', '+one\r', '+two\r');
const newline = patch('-end', '\\ No newline at end of file', '+end');
const layout = patch("-const a = { b: 'c' }", '+const a = {', '+  b: "c",', '+};');
const words = patch('-one', '+two');

test.each([
  ['line ends', [lineEnds, lineEnds], 'line-ends'],
  ['line breaks at the end', [newline, patch('-end', '+end', '+')], 'final-newline'],
  ['quotes, commas, semicolons and white space', [layout], 'layout'],
  ['several of them', [layout, newline, lineEnds], 'layout'],
  ['a word beside them', [layout, words], undefined],
  ['a mode or a new file', [patch()], undefined],
  ['nothing', [], undefined],
])('%s', (_what, patches, cause) => {
  expect(driftCause(patches)).toBe(cause);
});
