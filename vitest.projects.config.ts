import { defineConfig } from 'vitest/config';

/** Real libraries, and projects with the real tools of their languages: `npm run test:projects`. */
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
