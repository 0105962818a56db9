/** What `docs/scripted-model.md` tells a person to type works as it is written there. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PACKAGE, TemporaryProject } from '../rig/command-line.js';

test('the project of the guide is built as the guide shows', async () => {
  const guide = readFileSync(join(PACKAGE, 'docs/scripted-model.md'), 'utf8');
  const files = [...guide.matchAll(/^`([^`\n]+)`:\n\n```\w+\n([\s\S]*?)^```$/gm)];
  expect(files.map((match) => match[1])).toEqual([
    'conductor.config.ts',
    'specs/hello/BACKLOG.yaml',
    'script.json',
  ]);
  const project = new TemporaryProject(Object.fromEntries(files.map(([, path, text]) => [path, text ?? ''])));
  try {
    const [, session] = /^```console\n([\s\S]*?)^```$/m.exec(guide) ?? [];
    const shown = (session ?? '').split('$ conductor build\n').slice(1);
    expect(shown).toHaveLength(2);
    for (const text of shown) {
      const { code, stdout, stderr } = await project.conductor('build');
      expect(code, stdout).toBe(0);
      // A terminal shows both: what an attempt failed with stands on stderr.
      expect(steady(stderr + stdout)).toBe(steady(text));
    }
    expect(project.read('greet.mjs')).toContain('Hello');
  } finally {
    project.dispose();
  }
});

/** Durations and sums of money differ from run to run. */
function steady(text: string): string {
  return text.replace(/\d+(\.\d+)?m?s\b/g, '<time>').replace(/\$\d+\.\d+/g, '<money>');
}
