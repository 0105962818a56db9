/**
 * Where a Python environment leads for packages that are installed as editable: into the project. Commands in a workspace
 * look first into the workspace's own folders.
 */

import { readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { readTextSync } from '../../io/files.js';

/** Whether a folder is an environment as `venv`, `virtualenv` and `uv` make it. */
export function isPythonEnvironment(folder: string): boolean {
  return readTextSync(join(folder, 'pyvenv.cfg')) !== undefined;
}

/** The installation that an environment was made from, where it is one of its own: absolute. */
export function interpreterOf(environment: string): string | undefined {
  const text = readTextSync(join(environment, 'pyvenv.cfg')) ?? '';
  const home = /^home\s*=\s*(.+)$/m.exec(text)?.[1]?.trim();
  if (home === undefined || !isAbsolute(home) || basename(home) !== 'bin') return undefined;
  const isInstallation = names(join(home, '../lib')).some((name) => /^(python|pypy)/.test(name));
  return isInstallation ? dirname(home) : undefined;
}

/** Folders of `root` that the environment imports from, relative to it: those of `.pth` files and of editable finders. */
export function editablePaths(environment: string, root: string): string[] {
  const found = new Set<string>();
  const real = realpathSync(root);
  const add = (path: string): void => {
    if (!isAbsolute(path)) return;
    for (const base of [root, real]) {
      const inside = relative(base, path);
      if (inside.startsWith('..') || isAbsolute(inside) || inside.split('/').includes('site-packages'))
        continue;
      found.add(inside);
      return;
    }
  };
  for (const folder of sitePackages(environment)) {
    for (const name of readdirSync(folder)) {
      const isFinder = /^__editable__.*finder\.py$/.test(name);
      if (!name.endsWith('.pth') && !isFinder) continue;
      const text = readTextSync(join(folder, name)) ?? '';
      if (isFinder) for (const path of mappedPackages(text)) add(join(path, '..'));
      // Lines that begin with `import` are code.
      else for (const line of text.split(/\r?\n/)) add(line.trim());
    }
  }
  return [...found].sort();
}

/** The folders of packages in a finder that setuptools wrote: `MAPPING = {'name': '/path/name'}`. */
function mappedPackages(text: string): string[] {
  const mapping = /^MAPPING\b[^=]*=\s*(\{.*\})/m.exec(text)?.[1] ?? '';
  return [...mapping.matchAll(/:\s*'((?:[^'\\]|\\.)*)'/g)].map(([, path]) =>
    (path as string).replace(/\\(.)/g, '$1'),
  );
}

function sitePackages(environment: string): string[] {
  const found: string[] = [];
  for (const lib of ['lib', 'lib64']) {
    for (const name of names(join(environment, lib))) {
      const folder = join(environment, lib, name, 'site-packages');
      if (/^(python|pypy)/.test(name) && names(folder).length > 0) found.push(folder);
    }
  }
  return found;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
