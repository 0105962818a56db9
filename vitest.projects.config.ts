import { defineConfig } from 'vitest/config';

/** Tests on real libraries, installed from the package registry when they run: `npm run test:projects`. */
export default defineConfig({
  test: {
    include: ['src/test/projects/*.project.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['src/test/rig/global-setup.ts'],
    setupFiles: ['src/test/rig/seed.ts'],
  },
});
