import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cleanEnvironment, findProgram, programOnPath, redact, withPathInFront } from './environment.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-env-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('only the usual variables and the named ones get through, never those of git', () => {
  const env = {
    ...{ PATH: '/bin', HOME: '/h', LC_ALL: 'C', TZ: 'UTC', MY_KEY: 'k', EMPTY: undefined },
    ...{ GIT_DIR: '/x', NODE_OPTIONS: '--inspect', npm_config_cache: '/c', API_TOKEN: 't', AWS_SECRET: 's' },
  };
  expect(cleanEnvironment(env, ['MY_KEY', 'GIT_DIR', 'MISSING', 'EMPTY'])).toEqual({
    PATH: '/bin',
    HOME: '/h',
    LC_ALL: 'C',
    TZ: 'UTC',
    MY_KEY: 'k',
  });
});

test('a program is found on PATH only as an executable file', async () => {
  await writeFile(join(folder, 'tool'), '#!/bin/sh\n');
  await mkdir(join(folder, 'directory'));
  expect(programOnPath('tool', { PATH: folder })).toBe(false);
  await chmod(join(folder, 'tool'), 0o755);
  expect(findProgram('tool', { PATH: `/nowhere:${folder}` })).toBe(join(folder, 'tool'));
  expect(findProgram('./tool', {}, folder)).toBe(join(folder, 'tool'));
  expect(programOnPath('directory', { PATH: folder })).toBe(false);
  expect(programOnPath('', { PATH: folder })).toBe(false);
  expect(programOnPath('sh', {})).toBe(true);
});

test('folders go in front of PATH, and an empty PATH means the default one', () => {
  expect(withPathInFront({ PATH: '/bin' }, ['/w/bin'])).toEqual({ PATH: '/w/bin:/bin' });
  expect(withPathInFront({}, ['/w/bin']).PATH).toBe('/w/bin:/usr/local/bin:/usr/bin:/bin');
  expect(withPathInFront({ A: '1', B: undefined }, [])).toEqual({ A: '1' });
});

test('secrets are replaced, the longest first, keys on several lines line by line', () => {
  expect(redact('token abcdefgh and abcdef', ['abcdef', 'abcdefgh'])).toBe('token [secret] and [secret]');
  expect(redact('x MIIEvQIBADAN y', ['-----BEGIN\nMIIEvQIBADAN\n-----END'])).toBe('x [secret] y');
  expect(redact('a b c', ['', ' ', 'a'])).toBe('a b c');
});
