import { defineConfig } from 'vitest/config';

/** What takes long: servers of caches, signatures, hand edits of patches, the OpenCode server, kills, hostile models, templates, random edits and histories. `npm run test:long`. */
export default defineConfig({
  test: {
    include: ['src/**/*.long.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['src/test/rig/global-setup.ts'],
    setupFiles: ['src/test/rig/seed.ts'],
  },
});
