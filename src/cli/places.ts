/** Finds the project around a folder, and the folder for data outside of all projects. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
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

/** The folder in which conductor keeps data of the user that can be made again. */
export function userCache(): string {
  const { env, platform } = process;
  if (platform === 'win32')
    return join(env.LOCALAPPDATA || join(homedir(), 'AppData', 'Local'), 'conductor', 'Cache');
  // What `homedir` would say first; a build with nothing to do does not load it.
  const home = env.HOME || homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'conductor');
  return join(env.XDG_CACHE_HOME || join(home, '.cache'), 'conductor');
}
