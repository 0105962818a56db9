/** What of the surroundings a started program may see: variables and places of programs. Reads no variable itself. */

import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/** Variables as a program gets them. */
export type Environment = Readonly<Record<string, string | undefined>>;

const USUAL = new Set([
  ...['PATH', 'HOME', 'LANG', 'TERM', 'TMPDIR', 'USER', 'SHELL', 'TZ'],
  // Without these a program on Windows does not start.
  ...['SYSTEMROOT', 'COMSPEC', 'PATHEXT', 'TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA'],
]);

/** Where programs are when PATH is not set, as in `execvp`. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

/**
 * The variables that gates, commands and agents get: the usual harmless ones and those that the config names.
 * `GIT_*` never gets through, named or not: it would point a program's git at another repository.
 */
export function cleanEnvironment(env: Environment, names: readonly string[]): Record<string, string> {
  const named = new Set(names);
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || name.toUpperCase().startsWith('GIT_')) continue;
    const usual = USUAL.has(process.platform === 'win32' ? name.toUpperCase() : name);
    if (usual || name.startsWith('LC_') || named.has(name)) clean[name] = value;
  }
  return clean;
}

/** The environment with folders in front of its PATH. */
export function withPathInFront(env: Environment, folders: readonly string[]): Record<string, string> {
  const copy: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) copy[name] = value;
  if (folders.length > 0) {
    const name = pathName(copy);
    copy[name] = [...folders, copy[name] || DEFAULT_PATH].join(delimiter);
  }
  return copy;
}

/**
 * The absolute path of a program: looked up in PATH, or, when its name has a slash, from `cwd`. Undefined when there
 * is no such file or it may not be executed.
 */
export function findProgram(program: string, env: Environment, cwd = '/'): string | undefined {
  if (program === '') return undefined;
  if (program.includes('/') || isAbsolute(program)) {
    const path = resolve(cwd, program);
    return isExecutable(path) ? path : undefined;
  }
  const endings = process.platform === 'win32' ? ['', ...(env.PATHEXT ?? '.EXE;.CMD').split(';')] : [''];
  for (const folder of (env[pathName(env)] || DEFAULT_PATH).split(delimiter)) {
    for (const ending of endings) {
      const path = join(resolve(cwd, folder), program + ending);
      if (isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** Whether PATH has this program (or the path that it names is one). */
export function programOnPath(program: string, env: Environment, cwd?: string): boolean {
  return findProgram(program, env, cwd) !== undefined;
}

/** Replaces every occurrence of a secret. Those shorter than six characters are passed over: they are words. */
export function redact(text: string, secrets: readonly string[]): string {
  let clean = text;
  for (const secret of redactable(secrets)) {
    if (clean.includes(secret)) clean = clean.split(secret).join('[secret]');
  }
  return clean;
}

/**
 * What is looked for: longest first, so that a secret inside another leaves no rest; each line of a key on several
 * lines for itself; none shorter than six characters.
 */
export function redactable(secrets: readonly string[]): string[] {
  return secrets
    .flatMap((secret) => (secret.includes('\n') ? [secret, ...secret.split(/\r?\n/)] : [secret]))
    .filter((secret) => secret.trim().length >= 6)
    .sort((a, b) => b.length - a.length);
}

function pathName(env: Environment): string {
  if (process.platform !== 'win32') return 'PATH';
  return Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
