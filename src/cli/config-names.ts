/** The names that a project's configuration may have, the first one found counts. Plain data. */

export const CONFIG_NAMES = [
  'conductor.config.ts',
  'conductor.config.mts',
  'conductor.config.js',
  'conductor.config.mjs',
];
