/** Bubblewrap: what a sandboxed program sees of the machine. Starts only its own probe. */

import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type Environment, findProgram } from '../environment.js';
import { isBelow, privateSystemFiles, SYSTEM_PLACES, toolPlaces } from '../tool-places.js';
import { Mounts, realPath } from './mounts.js';

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

/** How long places are believed to be as they were: many programs that start one after the other look once. */
const BELIEVED_MS = 1000;

const probes = new Map<string, Promise<SandboxSearch>>();
/** The program by PATH: a task asks several times, and every folder of PATH would be looked at each time. */
const searches = new Map<string, { readonly at: number; readonly program: string | undefined }>();

/**
 * The sandbox program, when there is one and it works here: containers often have it without the right to use it.
 * Probed once per program; `missing` says in words what is wrong.
 */
export function findSandbox(env: Environment): Promise<SandboxSearch> {
  if (process.platform !== 'linux')
    return Promise.resolve({ missing: `the sandbox needs Linux; this is ${process.platform}` });
  const program = programOf(env);
  if (program === undefined) return Promise.resolve({ missing: 'bubblewrap (bwrap) is not on PATH' });
  let found = probes.get(program);
  if (!found) {
    found = probe(program);
    probes.set(program, found);
  }
  return found;
}

function programOf(env: Environment): string | undefined {
  const { PATH = '' } = env;
  const now = performance.now();
  const known = searches.get(PATH);
  if (known && now - known.at < BELIEVED_MS) return known.program;
  forgetOld(searches, now);
  const program = findProgram('bwrap', env);
  searches.set(PATH, { at: now, program });
  return program;
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
  /** The number of the open file in which bubblewrap tells of the sandbox. Not open inside. */
  readonly infoFile?: number;
}

/**
 * The argument vector that runs `argv` in the sandbox. What is not named is not there; what is shown is read-only but
 * for the workspace and `writable`; processes have their own numbers and end with conductor's.
 */
export function sandboxArgv(plan: SandboxPlan, argv: readonly string[], start: SandboxStart): string[] {
  const { directory = plan.workspace, infoFile } = start;
  const mounts = mountArgs(plan, argv, start);
  // Where the whole machine is shown, devices, processes and settings of the kernel are still the sandbox's own.
  const whole = mounts[1] === '/' ? 3 : 0;
  return [
    plan.program,
    ...['--die-with-parent', '--new-session', '--unshare-pid', '--unshare-ipc', '--unshare-uts'],
    ...(plan.network ? [] : ['--unshare-net']),
    ...(infoFile === undefined ? [] : ['--info-fd', String(infoFile)]),
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
