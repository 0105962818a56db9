import { defineConfig } from 'vitest/config';

/** Tests with the real programs of coding agents: `npm run test:agents`. */
export default defineConfig({
  test: {
    include: ['src/test/programs/*.program.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    pool: 'forks',
    maxWorkers: 2,
    globalSetup: ['src/test/rig/global-setup.ts', 'src/test/programs/install.ts'],
    setupFiles: ['src/test/rig/seed.ts'],
  },
});
