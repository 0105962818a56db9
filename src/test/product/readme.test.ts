/** Runs the first session of the README in a new project and compares what it prints with what the README shows. */

import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ensureBuilt, PACKAGE, TemporaryProject } from '../rig/command-line.js';

const INSTALL = 'npm install --save-dev conductor-build';
const project = new TemporaryProject();
afterAll(() => project.dispose());

interface Command {
  readonly line: string;
  readonly shown: readonly string[];
}

/** The commands of the section "A first session", with the lines shown below each. */
function session(): Command[] {
  const sections = readFileSync(join(PACKAGE, 'README.md'), 'utf8').split('\n## ');
  const first = sections.find((section) => section.startsWith('A first session\n')) ?? '';
  const blocks = [...first.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [line = '', ...shown] = part.trimEnd().split('\n');
        return { line: line.replace(/ {2,}#.*$/, ''), shown };
      }),
  );
}

/** What `npm install` does, without a network: this package and its program stand in `node_modules`. */
function install(): void {
  ensureBuilt();
  const modules = project.path('node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync(PACKAGE, join(modules, 'conductor-build'));
  symlinkSync('../conductor-build/bin/conductor.js', join(modules, '.bin/conductor'));
  const manifest = { name: 'readme', private: true, devDependencies: { 'conductor-build': '*' } };
  writeFileSync(project.path('package.json'), JSON.stringify(manifest));
}

function type(line: string): Promise<{ readonly code: number; readonly text: string }> {
  const env = { PATH: process.env.PATH, HOME: project.home, NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(
      'sh',
      ['-c', `{ ${line}\n} 2>&1`],
      { cwd: project.dir, env, encoding: 'utf8' },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
  });
}

/** Durations and names of logs differ from run to run. */
const steady = (line: string) => line.replace(/\b\d+(\.\d+)?m?s\b/g, '<time>').trimEnd();

/** `…` stands for any lines; without it the output is shown whole. */
function matches(printed: readonly string[], shown: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return printed.length === 0;
  if (first !== '…')
    return (
      printed[0] !== undefined && steady(printed[0]) === steady(first) && matches(printed.slice(1), rest)
    );
  return printed.some((_, at) => matches(printed.slice(at), rest)) || rest.length === 0;
}

test('every command of the first session prints what the README shows', async () => {
  const commands = session();
  expect(commands.length).toBeGreaterThan(10);
  for (const { line, shown } of commands) {
    if (line === INSTALL) {
      install();
      continue;
    }
    const { code, text } = await type(line);
    const printed = text.split('\n').slice(0, -1);
    expect(matches(printed, shown), `$ ${line}\n${text}\nas against\n${shown.join('\n')}`).toBe(true);
    expect([line, code]).toEqual([line, shown.some((one) => one.startsWith('error: ')) ? 1 : 0]);
  }
});
