/**
 * Holds for every command that a failure is an error on stderr, leaves stdout to what was asked for, and with `--json` is
 * one object there: run in this process, in a folder that is no repository.
 */

import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createProgram } from '../../cli/program.js';
import { commandsOf } from '../rig/command-line.js';
import { runHere } from './own-process.js';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-no-repository-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What has to be typed beside the name for a command to get as far as the project. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  accept: ['f/T1'],
  adopt: ['src/a.ts'],
  'backlog set': ['f/T1', 'status=done'],
  absorb: ['f/T1'],
  blame: ['src/a.ts'],
  'cache gc': ['--remote', 'git:origin'],
  checkout: ['f@1.0.0'],
  disown: ['f'],
  explain: ['f/T1'],
  mv: ['f', 'g'],
  new: ['no-such-template', '--name', 'x'],
  plan: ['f'],
  prompt: ['f/T1'],
  regenerate: ['f'],
  rm: ['f'],
  report: ['--html', 'report.html'],
  review: ['a..b'],
  run: ['f'],
  schema: ['no-such-schema'],
  versions: ['f'],
};
/** They need no repository, ask nothing of it that can fail, or wait for their input. */
const NEEDS_NONE = new Set(['completion', 'doctor', 'list', 'mcp', 'merge-lock']);

const all = commandsOf(createProgram(() => {}));
const hasJson = ([, command]: [string, Command]) => command.options.some(({ long }) => long === '--json');
const failing = all.filter(([name]) => !NEEDS_NONE.has(name));
const run = (name: string, ...more: string[]) =>
  runHere(folder, [...name.split(' '), ...(ARGUMENTS[name] ?? []), ...more]);

/** The last line or the whole of stdout as an object. */
function answer(out: string): { readonly error: Record<string, unknown> } {
  try {
    return JSON.parse(out);
  } catch {
    const lines = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const found = lines.filter((line) => 'error' in line);
    expect(found, out).toHaveLength(1);
    return found[0];
  }
}

test.each(failing.map(([name]) => name))('%s fails on stderr alone', async (name) => {
  const { code, out, err } = await run(name);
  expect(code).toBe(2);
  expect(err).toMatch(/^error: /m);
  expect(err).toMatch(/ {2}hint: /);
  // The last line of a build says what it came to, also when it could not start.
  expect(out).toMatch(/^(conductor: failed in .*\n|watching\n)?$/);
});

test.each(failing.filter(hasJson).map(([name]) => name))(
  '%s --json puts its failure on stdout',
  async (name) => {
    const { code, out, err } = await run(name, '--json');
    expect(code).toBe(2);
    const { error } = answer(out);
    expect(error).toMatchObject({ kind: expect.any(String), message: expect.any(String) });
    expect(error.fix).toEqual(expect.any(String));
    if (error.kind === 'not-a-repository') expect(error.path).toBe(folder);
    expect(err).toContain(`error: ${error.message}`);
  },
);

test.each(all.filter(hasJson).map(([name]) => name))('%s --json answers a mistyped option', async (name) => {
  const { code, out, err } = await run(name, '--json', '--no-such-option');
  expect(code).toBe(2);
  expect(answer(out).error).toMatchObject({ kind: 'usage', message: "unknown option '--no-such-option'" });
  expect(err).toContain("error: unknown option '--no-such-option'");
});

test('a bug is one object, too', async () => {
  const nowhere = () => {
    throw new RangeError('nowhere');
  };
  const { code, out, err } = await runHere(nowhere, ['status', '--json']);
  expect(code).toBe(2);
  expect(answer(out).error).toMatchObject({ kind: 'bug', message: expect.stringContaining('nowhere') });
  expect(err).toContain('this is a bug in conductor');
});
