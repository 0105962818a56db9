/** Where the tools are that a sandboxed program needs: system folders, what PATH leads to, tool homes. Reads only names. */

import { accessSync, constants, existsSync, lstatSync, readdirSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join } from 'node:path';
import type { Environment } from './environment.js';

/** Shown read-only as they are, where they exist. */
export const SYSTEM_PLACES = [
  ...[
    '/usr',
    '/bin',
    '/sbin',
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/etc',
    '/opt',
    '/nix',
    '/gnu',
    '/snap',
  ],
  // Programs ask here how many processors and how much memory they may use; some systems keep certificates in /var.
  ...['/sys/devices/system/cpu', '/sys/fs/cgroup', '/var/lib/ca-certificates'],
];

/** Below the home folder: what holds programs or packages and, as a rule, no login. */
const TOOL_HOMES = [
  ...['.nvm', '.fnm', '.local/share/fnm', '.n', '.volta/bin', '.volta/tools', '.asdf', '.local/share/mise'],
  ...['.bun/bin', '.bun/install/global', '.deno/bin', '.local/share/pnpm', '.yarn/bin', '.yarn/berry/cache'],
  ...['.pyenv', '.local/bin', '.local/lib', '.local/pipx', '.local/share/pipx', '.local/share/uv', '.rye/py'],
  ...['.rustup', '.cargo/bin', '.cargo/registry', '.cargo/git', '.cargo/config.toml', 'go/bin', 'go/pkg/mod'],
  ...['.rbenv', '.rvm/rubies', '.gem/ruby', '.sdkman/candidates', '.m2/repository', '.dotnet', '.ghcup/bin'],
  ...['.cache/ms-playwright', '.cache/puppeteer', '.cache/Cypress', '.cache/node/corepack'],
];

/** Variables whose value, when a program gets them, names a place that it reads. */
const PLACE_VARIABLES = [
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'],
  ...['JAVA_HOME', 'GOROOT', 'GOPATH', 'GOMODCACHE', 'RUSTUP_HOME', 'PYENV_ROOT', 'NVM_DIR', 'VOLTA_HOME'],
  ...['PNPM_HOME', 'BUN_INSTALL', 'VIRTUAL_ENV', 'PLAYWRIGHT_BROWSERS_PATH', 'COREPACK_HOME', 'FNM_DIR'],
];

/** Folders that hold programs of a user beside everything else: never shown whole. */
const SHARED = new Set(['.local', '.config', '.cache', '.cargo', '.volta', '.yarn', '.bun', 'go', 'Library']);

/** Parts of an installation beside its folder of programs, and what shows that it is one. */
const PARTS = [
  ...['bin', 'sbin', 'lib', 'lib64', 'libexec', 'include', 'share', 'etc', 'conf', 'jmods', 'release', 'pkg'],
  ...['src', 'go.env', 'VERSION', 'ssl', 'pyvenv.cfg', 'conda-meta', 'install'],
];
const SIGNS = ['lib', 'lib64', 'libexec', 'pkg', 'pyvenv.cfg', 'conda-meta'];

/** More entries of one folder than this are not looked through for links. */
const MAX_LINKS = 5000;

const known = new Map<string, readonly string[]>();

/**
 * Places outside of `SYSTEM_PLACES` that programs of this environment need, each to be shown read-only; `program` is one
 * that need not be on PATH. A folder that holds one of `guarded` (the home folder, the project) is never among them.
 */
export function toolPlaces(
  env: Environment,
  guarded: readonly string[],
  program?: string,
): readonly string[] {
  const values = PLACE_VARIABLES.map((name) => env[name]);
  const key = JSON.stringify([env.PATH, env.HOME, values, guarded, program]);
  const cached = known.get(key);
  if (cached) return cached;
  const search = new Search([...guarded, ...(env.HOME ? [env.HOME] : [])].map((path) => real(path) ?? path));
  for (const folder of (env.PATH ?? '').split(delimiter)) if (isAbsolute(folder)) search.programs(folder);
  for (const place of values) if (place && isAbsolute(place)) search.add(place);
  if (env.HOME) for (const place of TOOL_HOMES) search.add(join(env.HOME, place));
  if (program !== undefined) search.program(program);
  const found = [...search.places];
  known.set(key, found);
  return found;
}

class Search {
  readonly places = new Set<string>();
  private readonly guarded: readonly string[];

  constructor(guarded: readonly string[]) {
    this.guarded = guarded;
  }

  /** A folder of PATH: shown with the installation that it belongs to, and what links in it lead to. */
  programs(folder: string): void {
    const place = real(folder);
    if (place === undefined) return;
    this.installation(folder);
    let entries: { readonly name: string; isSymbolicLink(): boolean }[];
    try {
      entries = readdirSync(place, { withFileTypes: true });
    } catch {
      return;
    }
    if (entries.length > MAX_LINKS) return;
    for (const entry of entries) if (entry.isSymbolicLink()) this.program(join(place, entry.name));
  }

  /** A program, with what it is a link to. */
  program(path: string): void {
    const target = real(path);
    if (target === undefined || this.isShown(target)) return;
    this.add(path);
    if (!this.installation(dirname(target))) this.add(target);
  }

  add(place: string): boolean {
    const target = real(place);
    if (target === undefined) return false;
    if (this.isShown(target)) return true;
    if (this.holdsGuarded(target)) return false;
    this.places.add(place);
    if (target !== place) this.places.add(target);
    return true;
  }

  /** Of a folder of programs `/x/node-20/bin` the parts of `/x/node-20`, where that is an installation of its own. */
  private installation(folder: string): boolean {
    const above = dirname(folder);
    // A package of Node: its programs need the others beside it.
    const packages = `${folder}/`.lastIndexOf('/node_modules/');
    if (packages >= 0 && this.add(folder.slice(0, packages + '/node_modules'.length))) return true;
    const isInstalled =
      ['bin', 'sbin'].includes(basename(folder)) &&
      !SHARED.has(basename(above)) &&
      !this.holdsGuarded(above) &&
      SIGNS.some((name) => existsSync(join(above, name)));
    if (isInstalled) for (const name of PARTS) this.add(join(above, name));
    return this.add(folder);
  }

  private holdsGuarded(place: string): boolean {
    const target = real(place) ?? place;
    return this.guarded.some((one) => isBelow(one, target));
  }

  private isShown(target: string): boolean {
    return [...SYSTEM_PLACES, ...this.places].some((one) => isBelow(target, one));
  }
}

/** Below `/etc`, what this user may read and not everybody may: that is root, above all, who in the sandbox is root still. */
export function privateSystemFiles(): readonly string[] {
  privates ??= [...privateFiles('/etc')];
  return privates;
}
let privates: readonly string[] | undefined;

export function* privateFiles(folder: string, depth = 0): Generator<string> {
  let entries: { readonly name: string; isDirectory(): boolean; isFile(): boolean }[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) {
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const path = join(folder, entry.name);
    const needed = entry.isDirectory() ? 0o005 : 0o004;
    const isOpen = ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & needed) === needed;
    if (!isOpen && mayUse(path)) yield path;
    else if (isOpen && entry.isDirectory() && depth < 4) yield* privateFiles(path, depth + 1);
  }
}

/** Whether this user could read a file, or list or enter a folder. The user in the sandbox is the same one, without more rights. */
function mayUse(path: string): boolean {
  // The system is asked for the user who started this program.
  if (process.getuid?.() !== process.geteuid?.() || process.getgid?.() !== process.getegid?.()) return true;
  return [constants.R_OK, constants.X_OK].some((right) => {
    try {
      accessSync(path, right);
      return true;
    } catch {
      return false;
    }
  });
}

export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** The kernel's own look: thousands of links lie in folders of programs. */
function real(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
