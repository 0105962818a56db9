/** Finds the project around a folder, and the folder for data outside of all projects. */

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import envPaths from 'env-paths';
import { CONFIG_NAMES } from './config/config-names.js';

/**
 * The project that a folder belongs to: the nearest folder upwards with a config, else with specs, else the folder
 * itself. The search ends at the root of the repository.
 */
export function findProject(directory: string): string {
  let withSpecs: string | undefined;
  for (let folder = directory; ; folder = dirname(folder)) {
    if (CONFIG_NAMES.some((name) => existsSync(join(folder, name)))) return folder;
    if (existsSync(join(folder, 'specs'))) withSpecs ??= folder;
    if (existsSync(join(folder, '.git')) || dirname(folder) === folder) return withSpecs ?? directory;
  }
}

export function userCache(): string {
  return envPaths('conductor', { suffix: '' }).cache;
}
