/** The folder of the user's caches is the one that each system has for them. */

import envPaths from 'env-paths';
import { afterEach, expect, test, vi } from 'vitest';
import { userCache } from '../../cli/places.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

// What `env-paths` knows of the environment, it reads when it is loaded.
const theirs = () => envPaths('conductor', { suffix: '' }).cache;

test.each([process.platform, 'linux', 'darwin', 'win32'] as const)('on %s as env-paths says', (platform) => {
  const before = process.platform;
  Object.defineProperty(process, 'platform', { value: platform });
  try {
    expect(userCache()).toBe(theirs());
  } finally {
    Object.defineProperty(process, 'platform', { value: before });
  }
});

test.runIf(process.platform === 'linux')(
  'a variable names another folder, and the home folder is the fallback',
  () => {
    vi.stubEnv('HOME', '/home/of');
    vi.stubEnv('XDG_CACHE_HOME', '/caches');
    expect(userCache()).toBe('/caches/conductor');
    vi.stubEnv('XDG_CACHE_HOME', '');
    expect(userCache()).toBe('/home/of/.cache/conductor');
  },
);
