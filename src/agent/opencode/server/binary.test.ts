import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findOpencode, ripgrepFolder } from './binary.js';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'conductor-binary-'));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const nothing = (specifier: string): string => {
  throw new Error(`not installed: ${specifier}`);
};

/** Packages of this test alone. */
const resolve = (specifier: string): string => join(base, 'packages', specifier);

async function script(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
}

async function installed(name: string): Promise<void> {
  await script(join(base, 'packages', name, 'bin', 'opencode'), 'exit 0');
  await writeFile(join(base, 'packages', name, 'package.json'), '{"version":"9.8.7"}');
}

test('the program of the platform’s package is found without any install script', async () => {
  await installed('opencode-darwin-arm64');
  expect(await findOpencode({ env: {}, resolve, platform: 'darwin', arch: 'arm64' })).toEqual({
    ok: true,
    value: { program: join(base, 'packages/opencode-darwin-arm64/bin/opencode'), version: '9.8.7' },
  });
});

test('a processor without the newer instructions gets the baseline program', async () => {
  await installed('opencode-darwin-x64-baseline');
  const found = await findOpencode({ env: {}, resolve, platform: 'darwin', arch: 'x64' });
  expect(found.ok && found.value.program).toContain('opencode-darwin-x64-baseline');
});

test('without a package the one on PATH is taken when it answers', async () => {
  await script(join(base, 'bin', 'opencode'), 'echo 1.2.3');
  const env = { PATH: [join(base, 'bin'), '/usr/bin', '/bin'].join(delimiter) };
  expect(await findOpencode({ env, resolve: nothing })).toEqual({
    ok: true,
    value: { program: join(base, 'bin', 'opencode'), version: '1.2.3' },
  });
});

test('the stub that an install without scripts leaves is not taken for OpenCode', async () => {
  await script(join(base, 'bin', 'opencode'), 'echo "run the postinstall of opencode 1.2.3" >&2; exit 1');
  const env = { PATH: [join(base, 'bin'), '/usr/bin', '/bin'].join(delimiter) };
  expect(await findOpencode({ env, resolve: nothing })).toEqual({
    ok: false,
    error: { kind: 'agent-missing', program: 'opencode' },
  });
});

test('asking for the version leaves nothing in the home folder', async () => {
  await script(join(base, 'bin', 'opencode'), 'mkdir -p "$HOME/.config/opencode"; echo 1.2.3');
  await mkdir(join(base, 'home'));
  const env = { PATH: [join(base, 'bin'), '/usr/bin', '/bin'].join(delimiter), HOME: join(base, 'home') };
  expect((await findOpencode({ env, resolve: nothing })).ok).toBe(true);
  expect(await readdir(join(base, 'home'))).toEqual([]);
});

test('the installed packages of this project hold both programs', async () => {
  expect(await findOpencode({ env: {} })).toMatchObject({
    ok: true,
    value: { version: expect.stringMatching(/^\d/) },
  });
  expect(await readdir(ripgrepFolder({ env: {} }) ?? '')).toContain('rg');
});

test('ripgrep of PATH is taken where the package has none', async () => {
  await script(join(base, 'bin', 'rg'), 'exit 0');
  const search = { resolve: nothing, platform: 'linux', arch: 'unknown' } as const;
  expect(ripgrepFolder({ ...search, env: { PATH: join(base, 'bin') } })).toBe(join(base, 'bin'));
  expect(ripgrepFolder({ ...search, env: { PATH: join(base, 'none') } })).toBeUndefined();
});
