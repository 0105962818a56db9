/** Bubblewrap: what a sandboxed program sees of the machine. Starts only its own probe. */

import { execFile } from 'node:child_process';
import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { type Environment, findProgram } from './environment.js';
import { isBelow, privateSystemFiles, SYSTEM_PLACES, toolPlaces } from './tool-places.js';

/**
 * What a sandboxed program may see and change beside system folders and the tools that its environment leads to. Nothing else
 * is there: the home folder is empty, and so are `/tmp` and `/run`. Paths are absolute; those that do not exist are passed over.
 */
export interface SandboxPlan {
  /** Absolute path of bubblewrap, from `findSandbox`. */
  readonly program: string;
  /** Writable, and where the program starts. Must exist. */
  readonly workspace: string;
  readonly readOnly?: readonly string[];
  readonly writable?: readonly string[];
  /** Folders or files that are shown at another place, read-only. */
  readonly mounts?: readonly Mount[];
  readonly network: boolean;
  /** Never shown by something above them: a folder is covered by an empty one, a file by an empty one. */
  readonly hide?: readonly string[];
}

/** The part of a sandbox plan that follows from the project and the workspace alone. */
export type SandboxPlaces = Pick<SandboxPlan, 'readOnly' | 'mounts' | 'hide'>;

export interface Mount {
  readonly from: string;
  /** Must exist, as a folder or a file as `from` is one. */
  readonly to: string;
}

/** Where people keep what no gate and no agent needs, relative to the home folder. */
const SECRET_PLACES = [
  ...['.ssh', '.gnupg', '.aws', '.azure', '.kube', '.docker', '.password-store'],
  ...['.config/gh', '.config/gcloud', '.config/git/credentials', '.git-credentials'],
  ...['.npmrc', '.yarnrc.yml', '.netrc', '.pypirc', '.cargo/credentials', '.cargo/credentials.toml'],
];

/** The usual places of secrets below a home folder, for `hide`: a folder above them may be shown. */
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
  if (process.platform !== 'linux')
    return Promise.resolve({ missing: `the sandbox needs Linux; this is ${process.platform}` });
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
  const plan = { program, workspace: tmpdir(), network: false };
  const [file, ...args] = sandboxArgv(plan, ['true'], { env: {} });
  return new Promise((resolve) => {
    execFile(file as string, args, { timeout: 10_000 }, (error, _stdout, stderr) => {
      const reason = stderr.trim().split('\n')[0] || error?.message;
      resolve(error ? { missing: `bubblewrap does not work here: ${reason}` } : { program });
    });
  });
}

export interface SandboxStart {
  /** The program's variables: PATH and HOME decide which tools it sees. */
  readonly env: Environment;
  /** Where it starts. Default: the workspace. */
  readonly directory?: string;
}

/**
 * The argument vector that runs `argv` in the sandbox. What is not named is not there; what is shown is read-only but
 * for the workspace and `writable`; processes have their own numbers and end with conductor's.
 */
export function sandboxArgv(plan: SandboxPlan, argv: readonly string[], start: SandboxStart): string[] {
  const { directory = plan.workspace } = start;
  const mounts = mountArgs(plan, argv, start);
  // Where the whole machine is shown, devices, processes and settings of the kernel are still the sandbox's own.
  const whole = mounts[1] === '/' ? 3 : 0;
  return [
    plan.program,
    ...['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    ...(plan.network ? [] : ['--unshare-net']),
    // As root bubblewrap keeps capabilities, and with them a program could mount everything writable again.
    ...['--cap-drop', 'ALL', ...mounts.slice(0, whole), '--dev', '/dev', '--proc', '/proc'],
    // Without this root needs no capability to have the kernel run a program outside (`core_pattern`).
    ...KERNEL_SETTINGS.flatMap((path) => ['--ro-bind-try', path, path]),
    ...mounts.slice(whole),
    ...['--remount-ro', '/'],
    ...['--setenv', 'TMPDIR', '/tmp', '--chdir', realPath(directory)?.path ?? directory],
    ...['--', ...argv],
  ];
}

/** How long places are believed to be as they were: many programs that start one after the other look once. */
const BELIEVED_MS = 1000;
const looked = new Map<string, { readonly at: number; readonly args: readonly string[] }>();
const machines = new Map<string, { readonly at: number; readonly mounts: Mounts }>();

/** Where programs that start now find what they may see. */
function mountArgs(plan: SandboxPlan, argv: readonly string[], start: SandboxStart): readonly string[] {
  const { env, directory = plan.workspace } = start;
  const hide = plan.hide ?? [];
  const program = argv[0] === undefined ? undefined : findProgram(argv[0], env, directory);
  const tools = toolPlaces(outside(env, plan.workspace), hide, program);
  // One that a program was given inside of what it may write is its own, not the person's.
  const xdg = XDG_FOLDERS.map((name) => env[name]).filter(
    (folder) => !(plan.writable ?? []).some((own) => folder !== undefined && isBelow(folder, own)),
  );
  const empty = ['/tmp', '/var/tmp', '/run', env.HOME, ...xdg];
  const key = JSON.stringify([plan, empty, tools]);
  const now = performance.now();
  const known = looked.get(key);
  if (known && now - known.at < BELIEVED_MS) return known.args;
  forgetOld(looked, now);
  const outer = tools.filter((path) => !isBelow(path, plan.workspace));
  const mounts = ofMachine({ network: plan.network, empty, tools: outer }, now).copy();
  for (const path of plan.readOnly ?? []) mounts.show(path, '--ro-bind', 1);
  for (const path of [plan.workspace, ...(plan.writable ?? [])]) mounts.show(path, '--bind', 2);
  for (const { from, to } of plan.mounts ?? []) mounts.mount(from, to);
  for (const path of [...privateSystemFiles(), ...hide]) mounts.cover(path);
  const args = mounts.args();
  // What is mounted in a workspace, or written by one program, is made for each.
  const isLasting = (plan.mounts ?? []).length === 0 && (plan.writable ?? []).every(realPath);
  if (isLasting) looked.set(key, { at: now, args });
  return args;
}

/** What a sandbox shows of the machine: the same for many workspaces, and most of what there is to look at. */
function ofMachine(
  shown: {
    readonly network: boolean;
    readonly empty: readonly (string | undefined)[];
    readonly tools: readonly string[];
  },
  now: number,
): Mounts {
  const { network, empty, tools } = shown;
  const key = JSON.stringify(shown);
  const known = machines.get(key);
  if (known && now - known.at < BELIEVED_MS) return known.mounts;
  forgetOld(machines, now);
  const mounts = new Mounts();
  for (const path of SYSTEM_PLACES) mounts.show(path, '--ro-bind', 1);
  for (const path of empty) if (path?.startsWith('/') && path !== '/') mounts.empty(path);
  // Names are looked up with what systemd keeps below /run, and NixOS has its programs there.
  const system = network ? ['/etc/resolv.conf', '/run/current-system'] : ['/run/current-system'];
  for (const path of system) if (realPath(path)?.path.startsWith('/run/')) mounts.show(path, '--ro-bind', 1);
  for (const path of tools) mounts.show(path, '--ro-bind', 1);
  machines.set(key, { at: now, mounts });
  return mounts;
}

function forgetOld(known: Map<string, { readonly at: number }>, now: number): void {
  for (const [old, { at }] of known) if (now - at >= BELIEVED_MS) known.delete(old);
}

const KERNEL_SETTINGS = ['/proc/sys', '/proc/sysrq-trigger', '/proc/acpi', '/proc/scsi'];

/** Programs in the workspace are seen with it; a folder of them that is not there yet may come. */
function outside(env: Environment, workspace: string): Environment {
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => !isBelow(folder, workspace));
  return { ...env, PATH: folders.join(delimiter) };
}

/** Folders of a user's programs that need not lie in the home folder: each is an empty one in the sandbox. */
const XDG_FOLDERS = ['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME'];

interface Entry {
  readonly path: string;
  readonly rank: number;
  readonly args: readonly string[];
  readonly isShown: boolean;
}

/** What is mounted where, in an order in which nothing hides what comes after it. */
class Mounts {
  private readonly entries: Map<string, Entry>;

  constructor(entries: Iterable<readonly [string, Entry]> = []) {
    this.entries = new Map(entries);
  }

  copy(): Mounts {
    return new Mounts(this.entries);
  }

  /** A place at its own path. Links on the way to it are made as well. */
  show(path: string, option: '--ro-bind' | '--bind', rank: number): void {
    const found = realPath(path);
    if (found === undefined) return;
    this.links(path);
    this.set({ path: found.path, rank, args: [option, found.path, found.path], isShown: true });
  }

  mount(from: string, to: string): void {
    const [source, target] = [realPath(from), realPath(to)];
    if (source === undefined || target === undefined) return;
    this.set({ path: target.path, rank: 4, args: ['--ro-bind', source.path, target.path], isShown: true });
  }

  empty(path: string): void {
    const real = realPath(path)?.path ?? path;
    this.links(path);
    this.set({ path: real, rank: 0, args: ['--tmpfs', real], isShown: false });
  }

  /** Covers what something above it shows; what nothing shows need not be covered. */
  cover(path: string): void {
    const found = realPath(path);
    if (found === undefined) return;
    const above = [...this.entries.values()].some(
      (entry) => entry.isShown && entry.path !== found.path && isBelow(found.path, entry.path),
    );
    if (!above) return;
    const args = found.isFolder ? ['--tmpfs', found.path] : ['--dev-bind', '/dev/null', found.path];
    this.set({ path: found.path, rank: 0, args, isShown: false });
  }

  /** A mount hides what was mounted below it before: folders above come first, whatever the kind. */
  args(): string[] {
    return [...this.entries.values()]
      .filter((entry) =>
        entry.args[0] === '--symlink' ? !this.isBelowShown(entry.path) : !this.isThere(entry),
      )
      .sort((a, b) => depth(a.path) - depth(b.path) || a.rank - b.rank)
      .flatMap((entry) => entry.args);
  }

  /** Whether the mount that it lies in shows the same with the same rights: each mount costs about 0.1 ms. The root becomes read-only. */
  private isThere({ path, args, isShown }: Entry): boolean {
    for (let above = dirname(path); isShown && args[1] === path && above !== '/'; above = dirname(above)) {
      const entry = this.entries.get(above);
      if (entry) return entry.isShown && entry.args[0] === args[0] && entry.args[1] === above;
    }
    return false;
  }

  /** The symbolic links on the way of a path: where nothing else is shown they have to be made. */
  private links(path: string): void {
    let place = '';
    for (const part of path.split('/').slice(1)) {
      place = `${place}/${part}`;
      const target = linkTarget(place);
      if (target === undefined || this.isBelowShown(place)) continue;
      this.set({ path: place, rank: 1, args: ['--symlink', target, place], isShown: false });
      this.links(resolve(dirname(place), target));
    }
  }

  private isBelowShown(path: string): boolean {
    return [...this.entries.values()].some((entry) => entry.isShown && isBelow(path, entry.path));
  }

  /** Of two for one place the one with more rights counts. */
  private set(entry: Entry): void {
    const there = this.entries.get(entry.path);
    if (there === undefined || there.rank <= entry.rank) this.entries.set(entry.path, entry);
  }
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
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
