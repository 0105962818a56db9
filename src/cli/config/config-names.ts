/** The possible names of the config file; the first one that exists counts. Plain data. */

export const CONFIG_NAMES = [
  'conductor.config.ts',
  'conductor.config.mts',
  'conductor.config.js',
  'conductor.config.mjs',
];
