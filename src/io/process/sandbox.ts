/** Bubblewrap: what a sandboxed program sees of the machine. Starts nothing but its own probe. */

import { execFile } from 'node:child_process';
import { realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Environment, findProgram } from './environment.js';

/** What a sandboxed program may see and change. Paths are absolute; those that do not exist are passed over. */
export interface SandboxPlan {
  /** Absolute path of bubblewrap, from `findSandbox`. */
  readonly program: string;
  /** Writable, and where the program starts. Must exist. */
  readonly workspace: string;
  /** Shown although they lie below a covered place (`/tmp`, `/run`, `hide`). */
  readonly readOnly?: readonly string[];
  readonly writable?: readonly string[];
  readonly network: boolean;
  /** Covered: a folder by an empty one that vanishes with the sandbox, a file by an empty one. */
  readonly hide?: readonly string[];
}

/** Where people keep what no gate and no agent needs, relative to the home folder. */
const SECRET_PLACES = [
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.password-store'],
  ...['.config/gh', '.config/gcloud', '.config/git/credentials', '.git-credentials'],
  ...['.npmrc', '.yarnrc.yml', '.netrc', '.pypirc', '.cargo/credentials', '.cargo/credentials.toml'],
];

/** The usual places of secrets below a home folder, for `hide`. */
export function secretPlaces(home: string): string[] {
  return SECRET_PLACES.map((place) => join(home, place));
}

export type SandboxSearch = { readonly program: string } | { readonly missing: string };

const probes = new Map<string, Promise<SandboxSearch>>();

/**
 * The sandbox program, when there is one and it works here: containers often have it without the right to use it.
 * Probed once per program; `missing` says in words what is wrong.
 */
export function findSandbox(env: Environment): Promise<SandboxSearch> {
  if (process.platform !== 'linux') {
    return Promise.resolve({ missing: `the sandbox needs Linux; this is ${process.platform}` });
  }
  const program = findProgram('bwrap', env);
  if (program === undefined) return Promise.resolve({ missing: 'bubblewrap (bwrap) is not on PATH' });
  let found = probes.get(program);
  if (!found) {
    found = probe(program);
    probes.set(program, found);
  }
  return found;
}

/** Tries exactly the options that are used later: a plain `bwrap true` works in containers where `--proc` does not. */
function probe(program: string): Promise<SandboxSearch> {
  const [file, ...args] = sandboxArgv({ program, workspace: tmpdir(), network: false }, ['true']);
  return new Promise((resolve) => {
    execFile(file as string, args, { timeout: 10_000 }, (error, _stdout, stderr) => {
      const reason = stderr.trim().split('\n')[0] || error?.message;
      resolve(error ? { missing: `bubblewrap does not work here: ${reason}` } : { program });
    });
  });
}

type Mount = { readonly path: string; readonly rank: number; readonly args: readonly string[] };

/**
 * The argument vector that runs `argv` in the sandbox, started in `directory` (default: the workspace). The whole
 * file system is read-only, `/tmp` and `/run` are empty (sockets of other programs live there), processes are
 * numbered anew and die with conductor's.
 */
export function sandboxArgv(
  plan: SandboxPlan,
  argv: readonly string[],
  directory = plan.workspace,
): string[] {
  const mounts: Mount[] = [];
  for (const path of ['/tmp', '/run', ...(plan.hide ?? [])]) {
    const real = realPath(path);
    if (real === undefined) continue;
    const cover = real.isFolder ? ['--tmpfs', real.path] : ['--dev-bind', '/dev/null', real.path];
    mounts.push({ path: real.path, rank: 0, args: cover });
  }
  // Names are looked up with what systemd keeps below /run, and NixOS has its programs there.
  const system = plan.network ? ['/etc/resolv.conf', '/run/current-system'] : ['/run/current-system'];
  const shown = system.map((path) => realPath(path)?.path).filter((path) => path?.startsWith('/run/'));
  for (const path of [...shown, ...(plan.readOnly ?? [])]) mounts.push(...bind('--ro-bind', path, 1));
  for (const path of [plan.workspace, ...(plan.writable ?? [])]) mounts.push(...bind('--bind', path, 2));
  // A mount hides what was mounted below it before: folders above come first, whatever the kind.
  mounts.sort((a, b) => depth(a.path) - depth(b.path) || a.rank - b.rank);
  return [
    plan.program,
    ...['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    ...(plan.network ? [] : ['--unshare-net']),
    // As root bubblewrap keeps capabilities, and with them a program could mount everything writable again.
    ...['--cap-drop', 'ALL'],
    ...['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'],
    ...mounts.flatMap((mount) => mount.args),
    ...['--setenv', 'TMPDIR', '/tmp', '--chdir', realPath(directory)?.path ?? directory],
    ...['--', ...argv],
  ];
}

function bind(option: string, path: string | undefined, rank: number): Mount[] {
  const real = path === undefined ? undefined : realPath(path);
  return real === undefined ? [] : [{ path: real.path, rank, args: [option, real.path, real.path] }];
}

/** Links are followed: a mount goes to the place itself. */
function realPath(path: string): { path: string; isFolder: boolean } | undefined {
  try {
    const real = realpathSync(path);
    return { path: real, isFolder: statSync(real).isDirectory() };
  } catch {
    return undefined;
  }
}

function depth(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}
