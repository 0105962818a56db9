/** Finds the packages of a project that has several (workspaces of npm, pnpm, yarn and bun), for what is installed in each. */

import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseYaml } from '../../io/document/document.js';
import { throwIfNotNow } from '../../io/errors.js';
import { exists, readText } from '../../io/files.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { isPackageFolder } from './package-folder.js';

/** Levels of folders that are looked through for a pattern with `**`. */
const MAX_DEPTH = 6;

/** Beside each `node_modules` among the paths, those in the packages that its manifest names, where they are there. */
export async function innerPackageFolders(project: string, paths: readonly string[]): Promise<string[]> {
  const all = new Set<string>();
  for (const path of paths.filter(isPackageFolder)) {
    const above = dirname(path);
    for (const folder of await packagesBelow(join(project, above))) {
      const inner = join(above, folder, 'node_modules');
      if (!paths.includes(inner) && (await exists(join(project, inner)))) all.add(inner);
    }
  }
  return [...all];
}

/** Folders of the packages that the manifest in a folder names, relative to it. */
export async function packagesBelow(folder: string): Promise<string[]> {
  const patterns = await packagePatterns(folder);
  if (patterns.length === 0) return [];
  const set = patternSet(patterns);
  const included = patterns.filter((one) => !one.startsWith('!'));
  const depth = included.some((one) => one.includes('**'))
    ? MAX_DEPTH
    : Math.max(...included.map((one) => one.split('/').length));
  const found: string[] = [];
  const walk = async (inside: string, level: number): Promise<void> => {
    // Some folders belong to other users: they hold none of the project's packages.
    const entries = (await readdir(join(folder, inside), { withFileTypes: true }).catch(throwIfNotNow)) ?? [];
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === 'node_modules' || entry.name.startsWith('.')) continue;
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (set.matches(path) && (await exists(join(folder, path, 'package.json')))) found.push(path);
      if (level < depth) await walk(path, level + 1);
    }
  };
  await walk('', 1);
  return found.sort();
}

async function packagePatterns(folder: string): Promise<string[]> {
  const manifest = parsed(await readText(join(folder, 'package.json'))) as
    | { workspaces?: unknown }
    | undefined;
  const named = manifest?.workspaces;
  const list = Array.isArray(named) ? named : (named as { packages?: unknown } | undefined)?.packages;
  const text = await readText(join(folder, 'pnpm-workspace.yaml'));
  const yaml = text === undefined ? undefined : await parseYaml(text, 'pnpm-workspace.yaml');
  const pnpm = yaml?.ok ? (yaml.value as { packages?: unknown } | null)?.packages : undefined;
  return [list, pnpm]
    .flatMap((one) => (Array.isArray(one) ? one : []))
    .filter((one): one is string => typeof one === 'string' && one !== '')
    .map((one) => one.replace(/^(!?)\.\//, '$1').replace(/\/+$/, ''));
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
