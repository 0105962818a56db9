import { defineConfig } from 'vitest/config';

/** Tests of the page in a real browser: `npm run test:ui`. */
export default defineConfig({
  test: {
    include: ['src/test/page/*.browser.ts'],
    testTimeout: 240_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 1,
    globalSetup: ['src/test/rig/global-setup.ts'],
    setupFiles: ['src/test/rig/seed.ts'],
  },
});
