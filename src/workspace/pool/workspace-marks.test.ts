/** Marks of workspaces, as the process that wrote them and as the next one sees them. */

import { mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { WorkspaceMarks } from './workspace-marks.js';

test('a mark stays from one task to the next, goes when no task uses the workspace, and tells the next process of a kill', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-test-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const files = () => readdirSync(folder).sort();
  const marks = new WorkspaceMarks(folder);
  marks.take('ab-w0');
  marks.take('ab-w1');
  marks.leave('ab-w0');
  expect(files()).toEqual(['ab-w0.busy', 'ab-w1.busy']);
  // Its own marks are those of no dead build.
  expect(await marks.ofOthers()).toEqual([]);
  marks.removeUnused();
  expect(files()).toEqual(['ab-w1.busy']);
  marks.take('ab-w0');
  marks.leave('ab-w0');
  marks.take('ab-w0');
  marks.removeUnused();
  expect(files()).toEqual(['ab-w0.busy', 'ab-w1.busy']);
  await marks.retire('ab-w1');
  expect(files()).toEqual(['ab-w0.busy', 'ab-w1.retired']);
  const found = await new WorkspaceMarks(folder).ofOthers();
  expect(found.sort((a, b) => a.number - b.number)).toEqual([
    { number: 0, isBusy: true },
    { number: 1, isBusy: false },
  ]);
});
