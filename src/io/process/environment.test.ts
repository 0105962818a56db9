import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  cleanEnvironment,
  findProgram,
  programOnPath,
  redact,
  redactDeep,
  secretValues,
  withPathInFront,
} from './environment.js';

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

test('values that name a place or a mode are no secrets; keys, passwords and tokens are', () => {
  const plain = {
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'eu-central-1',
    NODE_ENV: 'production',
    OPENAI_BASE_URL: 'https://models.example.org/v1',
    GOOGLE_CLOUD_PROJECT: 'my-project-123456',
    KEYBOARD: 'qwertz-layout',
    PYTHONPATH: '/home/ada/projects/tools/lib/python3.12',
    COMMIT: 'the-quick-brown-fox-jumps-over',
    USE_TOKEN: 'true',
  };
  const secret = {
    ANTHROPIC_API_KEY: 'anything at all',
    AWS_SECRET_ACCESS_KEY: 'abcdefgh',
    MY_TOKEN: 'tokens',
    DB_PASSWORD: 'correct horse',
    PGPASSWORD: 'letmein',
    DATABASE_URL: 'postgres://ada:hunter2@db/app',
    PLAIN_NAME: 'sk-ant-0123456789abcdef',
    OTHER: 'ghp_0123456789abcdefghijABCDEFGHIJ012345',
    RANDOM: 'q8Zr1LmX0vTn4Ks7PbY2dHw9',
    HEX: '9f86d081884c7d659a2feaa0c55ad015',
  };
  const env = { ...plain, ...secret };
  expect(secretValues(env, Object.keys(env))).toEqual(Object.values(secret));
  expect(secretValues({}, ['MISSING_KEY'])).toEqual([]);
});

test('a secret is replaced as it stands, as JSON writes it and as an address does, keys of data too', () => {
  const secret = 'a"b\\c/d é';
  const text = `${secret} ${JSON.stringify({ secret })} https://x/?q=${encodeURIComponent(secret)}`;
  expect(redact(text, [secret])).toBe('[secret] {"secret":"[secret]"} https://x/?q=[secret]');
  expect(redactDeep({ [secret]: [1, { paths: [`dir/${secret}`] }] }, [secret])).toEqual({
    '[secret]': [1, { paths: ['dir/[secret]'] }],
  });
});

test('proxies, certificates and the XDG folders reach every program; variables of git do not', () => {
  const env = {
    HTTPS_PROXY: 'http://proxy:3128',
    no_proxy: 'localhost',
    NODE_EXTRA_CA_CERTS: '/ca.pem',
    SSL_CERT_FILE: '/ca.pem',
    XDG_CONFIG_HOME: '/x/config',
  };
  expect(cleanEnvironment({ ...env, XDG_RUNTIME_DIR: '/run/1', GIT_DIR: '/g', OTHER: 'x' }, [])).toEqual(env);
});
