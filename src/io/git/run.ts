/** Runs git once, with an environment and a configuration of our own. Knows no repository and no command. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';

export interface GitCall {
  /** Where git runs; relative pathspecs count from here. */
  readonly dir?: string;
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  readonly input?: Buffer | string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface GitExit {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Thrown where git was expected to succeed: a bug, or a repository that is damaged beyond what is handled. */
export class GitError extends Error {
  readonly exit: GitExit;
  /** As Node's own errors say it, so that a full disk is known wherever it is met. */
  readonly code: 'ENOSPC' | 'EDAMAGED' | 'EGIT';

  constructor(args: readonly string[], exit: GitExit) {
    super(`git ${args[0]} failed (${exit.code}): ${exit.stderr.trim().slice(0, 2000)}`);
    this.name = 'GitError';
    this.exit = exit;
    this.code = codeFor(exit.stderr);
  }
}

/** Damage counts where the broken file is conductor's own: only that may be thrown away. */
function codeFor(said: string): GitError['code'] {
  if (/No space left on device|Disk quota exceeded|Out of diskspace/.test(said)) return 'ENOSPC';
  return /\/conductor\/repo\/.*(is corrupt|is not a GIT packfile|does not match index|cannot be mapped|is invalid)/.test(
    said,
  )
    ? 'EDAMAGED'
    : 'EGIT';
}

/** git is not installed; told apart from a git that fails. */
export class GitMissing extends Error {
  constructor() {
    super('git was not found on PATH');
    this.name = 'GitMissing';
  }
}

/**
 * What holds for every call: no hook, no file system monitor, no background maintenance, no advice, no prompt. Hooks
 * and monitors are programs that a repository names; a build must not run them.
 */
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  'advice.addEmbeddedRepo=false',
  'core.safecrlf=false',
].flatMap((setting) => ['-c', setting]);

export function gitArguments(call: GitCall, args: readonly string[]): string[] {
  return [
    ...SETTINGS,
    ...(call.gitDir === undefined ? [] : [`--git-dir=${call.gitDir}`]),
    ...(call.workTree === undefined ? [] : [`--work-tree=${call.workTree}`]),
    ...args,
  ];
}

/** Nothing that git would take from the person's session: a hook's GIT_DIR, an editor, a prompt. */
export function gitEnvironment(call: GitCall): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || name.startsWith('GIT_')) continue;
    if (name === 'NODE_OPTIONS' || name.startsWith('npm_')) continue;
    env[name] = value;
  }
  return {
    ...env,
    LC_ALL: 'C',
    GIT_TERMINAL_PROMPT: '0',
    GIT_OPTIONAL_LOCKS: '0',
    ...(call.indexFile === undefined ? {} : { GIT_INDEX_FILE: call.indexFile }),
    ...call.env,
  };
}

/** Any exit code is an answer; rejects with `GitMissing`, or with the error of a spawn that failed otherwise. */
export function git(args: readonly string[], call: GitCall = {}): Promise<GitExit> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', gitArguments(call, args), {
      cwd: call.dir ?? call.workTree ?? call.gitDir ?? '/',
      env: gitEnvironment(call),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error: NodeJS.ErrnoException) => {
      const dir = call.dir ?? call.workTree ?? call.gitDir;
      const isGone = dir !== undefined && !existsSync(dir);
      reject(error.code === 'ENOENT' && error.path === 'git' && !isGone ? new GitMissing() : error);
    });
    child.on('close', (code) => {
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(stdout),
        stderr: Buffer.concat(stderr).toString('utf8'),
      });
    });
    // A git that ends before it has read everything closes the pipe; its exit code says why.
    child.stdin.on('error', () => {});
    child.stdin.end(call.input);
  });
}

/** As `git`, where only success is expected. */
export async function gitOk(args: readonly string[], call: GitCall = {}): Promise<Buffer> {
  const exit = await git(args, call);
  if (exit.code !== 0) throw new GitError(args, exit);
  return exit.stdout;
}
