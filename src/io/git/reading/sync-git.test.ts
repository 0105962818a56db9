/** git that is run while nothing else is to be done says what git says, in whichever way it is started. */

import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { git } from '../git-process.js';
import { gitBeside, gitBoth, gitSync } from './sync-git.js';

let dir: string;
beforeEach(async () => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-sync-git-')));
  await git(['init', '-q'], { dir });
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
});

const OTHERS = ['ls-files', '--others', '-z'];
const CHANGED = ['diff-files', '--raw', '-z'];

describe.each([
  ['by the part of node below spawnSync', ''],
  ['by spawnSync, where node is to warn of what is meant for itself', '--pending-deprecation'],
])('%s', (_, options) => {
  beforeEach(() => vi.stubEnv('NODE_OPTIONS', options));

  test('its exit code and all that it wrote', async () => {
    expect(gitSync(['rev-parse', '--show-toplevel'], { dir })).toMatchObject({
      code: 0,
      stdout: Buffer.from(`${dir}\n`),
    });
    expect(gitSync(['rev-parse', '--verify', 'HEAD'], { dir }).code).toBe(128);
    const names = await tracked(1100);
    const { code, stdout } = gitSync(['ls-files', '-z'], { dir });
    expect(code).toBe(0);
    expect(stdout.length).toBeGreaterThan(2 ** 20);
    expect(stdout.toString().split('\0').filter(Boolean).sort()).toEqual(names);
  });

  test('two at once: each its own answer, more than a pipe holds', async () => {
    // Of these, every file is gone.
    const gone = await tracked(300);
    const others = longNames('new', 300);
    mkdirSync(join(dir, dirname(others[0] as string)), { recursive: true });
    for (const name of others) writeFileSync(join(dir, name), '');
    const [first, second] = gitBoth([OTHERS, CHANGED], { dir });
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout.toString().split('\0').filter(Boolean).sort()).toEqual(others);
    expect(
      second.stdout
        .toString()
        .match(/tracked[^\0]*/g)
        ?.sort(),
    ).toEqual(gone);
    expect(second.stdout).toEqual((await gitBeside(CHANGED, { dir })).stdout);
  });

  test('two at once: neither is believed where one failed', () => {
    const failing = ['rev-parse', '--verify', 'HEAD'];
    for (const both of [[OTHERS, failing] as const, [failing, OTHERS] as const])
      expect(gitBoth(both, { dir }).map(({ code }) => code === 0)).toEqual([false, false]);
  });

  test('arguments are no text of a shell', () => {
    const name = 'a $(touch made) `touch made` "; touch made; \' \\ b';
    writeFileSync(join(dir, name), '');
    const [only, all] = gitBoth([[...OTHERS, '--', name], OTHERS], { dir });
    expect(only.stdout.toString()).toBe(`${name}\0`);
    expect(all.stdout.toString()).toBe(`${name}\0`);
  });

  test('a git that is not there is an error, and alone never an answer', async () => {
    vi.stubEnv('PATH', join(dir, 'nothing'));
    expect(() => gitSync(OTHERS, { dir })).toThrow(/ENOENT/);
    for (const { code } of gitBoth([OTHERS, CHANGED], { dir })) expect(code).not.toBe(0);
    expect((await gitBeside(OTHERS, { dir })).code).toBe(-1);
  });
});

test('a shell that is told to run nothing has not seen anything', () => {
  vi.stubEnv('SHELLOPTS', 'noexec');
  writeFileSync(join(dir, 'new'), '');
  const [others] = gitBoth([OTHERS, CHANGED], { dir });
  // Only some shells listen to this.
  expect(others.code !== 0 || others.stdout.toString() === 'new\0').toBe(true);
});

test('what git says with its exit code is not taken for the answer of the shell', () => {
  fakeGit('exit 3');
  // Only some shells listen to this.
  vi.stubEnv('SHELLOPTS', 'errexit');
  for (const { code } of gitBoth([OTHERS, CHANGED], { dir })) expect(code).not.toBe(0);
});

test('two at once: Ctrl-C ends both', () => {
  const count = 'i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done; echo > lived';
  fakeGit(`case "$*" in *diff-files*) ${count} ;; *) kill -INT $PPID $$ ;; esac`);
  for (const { code } of gitBoth([OTHERS, CHANGED], { dir })) expect(code).not.toBe(0);
  expect(existsSync(join(dir, 'lived'))).toBe(false);
});

function fakeGit(script: string): void {
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin', 'git'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${join(dir, 'bin')}:${process.env.PATH}`);
}

/** A thousand bytes each. */
function longNames(folder: string, count: number): string[] {
  const deep = join(folder, ...Array.from({ length: 4 }, () => 'a'.repeat(250)));
  return Array.from({ length: count }, (_, i) => `${deep}/${10_000 + i}`);
}

/** Names that git knows, without their files. */
async function tracked(count: number): Promise<string[]> {
  const names = longNames('tracked', count);
  const lines = names.map((name) => `100644 ${'1'.repeat(40)}\t${name}\n`);
  await git(['update-index', '--index-info'], { dir, input: lines.join('') });
  return names;
}
