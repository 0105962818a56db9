/** Runs git once, with conductor's environment and configuration. Knows no repository and no command. */

import { spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { isDiskFull } from '../errors.js';
import { type Away, guardAway, type Stopped } from './git-away.js';
import { removeStaleLock } from './upkeep/stale-lock.js';
import { announceGit } from './writing/git-listeners.js';

export interface GitCall {
  /** Where git runs; relative pathspecs count from here. */
  readonly dir?: string;
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  readonly input?: Buffer | string;
  /** A file in place of `input`, of any size; the call rejects if it cannot be read. */
  readonly inputFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `<name>=<value>` for this call, over those of every call. */
  readonly settings?: readonly string[];
  /** For calls that commit in the person's name: their variables for git count. */
  readonly asPerson?: boolean;
  /** For calls that run the person's hooks, which no other call may. */
  readonly hooks?: boolean;
  /** For calls that speak to other machines: without a terminal to ask at, ended when aborted or when stuck. */
  readonly away?: Away;
}

export interface GitExit {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Why it was ended before it was done. */
  readonly stopped?: Stopped;
  /** The signal that ended it; its code is -1 then. */
  readonly signal?: NodeJS.Signals;
}

/** Thrown where git was expected to succeed: a bug, or a repository that is damaged beyond what is handled. */
export class GitError extends Error {
  readonly exit: GitExit;
  /** As Node's own errors say it, so that a full disk is known wherever it is met. */
  readonly code: GitCode;
  /** For `asFailure`. */
  readonly fault: { readonly command: string; readonly said: string; readonly signal?: string };

  /** `call`: where git worked. git does not always say why a write failed: then conductor looks whether the disk is full. */
  constructor(args: readonly string[], exit: GitExit, { workTree, gitDir }: GitCall = {}) {
    super(`git ${args[0]} failed (${exit.signal ?? exit.code}): ${exit.stderr.trim().slice(0, 2000)}`);
    this.name = 'GitError';
    this.exit = exit;
    const code = exit.signal ? 'ESIGNAL' : exit.code === USAGE ? 'EUSAGE' : codeFor(exit.stderr);
    const isFull =
      code === 'EGIT' &&
      UNWRITTEN.test(exit.stderr) &&
      [workTree, gitDir].some((folder) => folder !== undefined && isDiskFull(folder));
    this.code = isFull ? 'ENOSPC' : code;
    this.fault = {
      command: args[0] ?? '',
      said: exit.stderr,
      ...(exit.signal ? { signal: exit.signal } : {}),
    };
  }
}

/** git's words about a file that it could not write, often without a reason. If git could not create a file, it gives the reason. */
const UNWRITTEN = /unable to write/i;

/** Node's own names where there is one; `ESIGNAL`: somebody ended git, `EUSAGE`: git did not know what it was told. */
export type GitCode = 'EDAMAGED' | 'EOWNER' | 'ESIGNAL' | 'EUSAGE' | 'EGIT' | (typeof SYSTEM)[number][1];

/** Words of git about an object that it looked for by an id of ours. */
const NOT_THERE =
  /object [0-9a-f]{40,64} is a \w+ but specified type was|not a tree object|bad object [0-9a-f]|unable to read (tree |sha1 file of |[0-9a-f]{40})|failed to unpack tree object|Could not read [0-9a-f]{40}|unable to find [0-9a-f]{40}|missing (blob|tree) object|unexpected line in .*packed-refs|unterminated line in .*packed-refs|bad (signature|object|ref)|broken ref|file .* is far too short|index file .*pack.* is/;

/** git's exit code for an error that ends it, and that it names. Higher codes are signals or wrong arguments. */
export const FATAL = 128;

/** git's exit code for arguments that it does not know. */
const USAGE = 129;

const SYSTEM = [
  [/No space left on device|Disk quota exceeded|Out of diskspace/, 'ENOSPC'],
  [/Read-only file system/, 'EROFS'],
  [/Permission denied|insufficient permission/, 'EACCES'],
  [/Operation not permitted/, 'EPERM'],
  [/Too many open files/, 'EMFILE'],
  [/Input\/output error/, 'EIO'],
  [/Cannot allocate memory|out of memory/i, 'ENOMEM'],
] as const;

/**
 * What git's words stand for. Damage counts where the broken file is conductor's own, since only that may be thrown away:
 * it is named, or an object is not what conductor wrote down.
 */
export function codeFor(said: string): GitCode {
  if (/detected dubious ownership/.test(said)) return 'EOWNER';
  for (const [words, code] of SYSTEM) if (words.test(said)) return code;
  const isDamaged =
    /\/conductor\/repo\/.*(is corrupt|is empty|is not a GIT packfile|does not match index|cannot be mapped|is invalid)/.test(
      said,
    ) || NOT_THERE.test(said);
  return isDamaged ? 'EDAMAGED' : 'EGIT';
}

/** git is not installed; told apart from a git that fails. */
export class GitMissing extends Error {
  readonly code = 'EGITMISSING';

  constructor() {
    super('git was not found on PATH');
    this.name = 'GitMissing';
  }
}

/**
 * What holds for every call: no hook, no file system monitor, no background maintenance, no advice, no prompt. Hooks
 * and monitors are programs that a repository names; a build must not run them.
 */
const NO_HOOKS = ['-c', 'core.hooksPath=/dev/null'];
const SETTINGS = [
  'core.fsmonitor=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  'advice.addEmbeddedRepo=false',
  'core.safecrlf=false',
  // What git keeps is on disk before it has its name: one sync for all objects of a command. An index is a cache.
  'core.fsync=objects,derived-metadata,reference',
  'core.fsyncMethod=batch',
].flatMap((setting) => ['-c', setting]);

export function gitArguments(call: GitCall, args: readonly string[]): string[] {
  return [
    ...(call.hooks ? [] : NO_HOOKS),
    ...SETTINGS,
    ...(call.settings ?? []).flatMap((setting) => ['-c', setting]),
    ...(call.gitDir === undefined ? [] : [`--git-dir=${call.gitDir}`]),
    ...(call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`]),
    ...args,
  ];
}

/** Variables by which people say how their git speaks to servers and who commits; none leads it to another repository. */
const PERSONS =
  /^GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|(KEY|VALUE)_\d+)|SSH|SSH_COMMAND|SSH_VARIANT|(AUTHOR|COMMITTER)_\w+|SSL_\w+|HTTP_\w+|PROXY_\w+|ALLOW_PROTOCOL)$/;

/** Set for the person's hooks that conductor runs: a conductor that they start waits for no lock. */
export const IN_HOOK = 'CONDUCTOR_HOOK';

/** Nothing that git would take from the person's session: a hook's GIT_DIR, an editor, a prompt. */
export function gitEnvironment(call: GitCall): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined) continue;
    if (name.startsWith('GIT_') && !((call.away || call.asPerson) && PERSONS.test(name))) continue;
    if (name === 'NODE_OPTIONS' || name.startsWith('npm_')) continue;
    env[name] = value;
  }
  return {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    ...(call.hooks ? { [IN_HOOK]: '1' } : {}),
    ...(call.indexFile === undefined ? {} : { GIT_INDEX_FILE: call.indexFile }),
    ...call.env,
  };
}

/** One git process that has ended: its command, when it began (milliseconds since 1970) and how long it took. */
export type GitObserver = (span: {
  readonly command: string;
  readonly at: number;
  readonly ms: number;
}) => void;

let observer: GitObserver | undefined;

/** Hears of every git process from now on, until it is called with nothing. */
export function observeGit(onSpan: GitObserver | undefined): void {
  observer = onSpan;
}

/** To be called when a git process begins; the function that is returned when it has ended. Not heard of where nobody heard it begin. */
export function observed(args: readonly string[]): () => void {
  // The clock is modules of node that a build with nothing to do does not load.
  if (!observer) return () => {};
  const at = performance.timeOrigin + performance.now();
  return () =>
    observer?.({ command: args[0] ?? '', at, ms: performance.timeOrigin + performance.now() - at });
}

/**
 * Any exit code is an answer; rejects with `GitMissing`, or with the error of a spawn that failed otherwise. Tries once
 * more when a killed git has left its lock in the store.
 */
export async function git(args: readonly string[], call: GitCall = {}): Promise<GitExit> {
  await announceGit(args, call);
  const exit = await gitOnce(args, call);
  const store = call.gitDir;
  if (exit.code === 0 || store === undefined || !store.endsWith('/conductor/repo')) return exit;
  const left = /Unable to create '(.+\.lock)': File exists/.exec(exit.stderr)?.[1];
  if (left === undefined || !left.startsWith(`${store}/`)) return exit;
  return (await removeStaleLock(left, store)) ? gitOnce(args, call) : exit;
}

function gitOnce(args: readonly string[], call: GitCall): Promise<GitExit> {
  return new Promise((resolve, reject) => {
    const ended = observed(args);
    const child = spawn('git', gitArguments(call, args), {
      cwd: call.dir ?? call.workTree ?? call.gitDir ?? '/',
      env: gitEnvironment(call),
      stdio: ['pipe', 'pipe', 'pipe'],
      // Its own session has no terminal, so neither ssh nor a credential helper can prompt.
      detached: call.away !== undefined,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    const guard = call.away && guardAway(child, call.away);
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      guard?.end();
      const dir = call.dir ?? call.workTree ?? call.gitDir;
      const isGone = dir !== undefined && !existsSync(dir);
      reject(error.code === 'ENOENT' && error.path === 'git' && !isGone ? new GitMissing() : error);
    });
    child.on('close', (code, signal) => {
      const stopped = guard?.end();
      ended();
      resolve({
        code: code ?? -1,
        ...(signal ? { signal } : {}),
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
        ...(stopped === undefined ? {} : { stopped }),
      });
    });
    // A git that ends before it has read everything closes the pipe; its exit code says why.
    child.stdin.on('error', () => {});
    if (call.inputFile === undefined) {
      child.stdin.end(call.input);
      return;
    }
    const file = createReadStream(call.inputFile);
    file.on('error', (error) => {
      reject(error);
      child.kill();
    });
    // A git that ends early leaves the file half read, and open.
    child.on('close', () => file.destroy());
    file.pipe(child.stdin);
  });
}

/** As `git`, where only success is expected. */
export async function gitOk(args: readonly string[], call: GitCall = {}): Promise<Buffer> {
  const exit = await git(args, call);
  if (exit.code !== 0) throw new GitError(args, exit, call);
  return exit.stdout;
}

/** As `git`, for questions that git answers with exit code 1 if there is no such thing. Throws for every code but 0 and 1. */
export async function gitAsked(args: readonly string[], call: GitCall = {}): Promise<GitExit> {
  const exit = await git(args, call);
  if (exit.code !== 0 && exit.code !== 1) throw new GitError(args, exit, call);
  return exit;
}
