/**
 * Turns errors of the operating system and of git into failures with a path, a cause and a hint. Knows no command.
 */

import { statfsSync } from 'node:fs';
import { shellWord } from '../base/shell-word.js';
import type { Failure } from '../model/failure.js';

/**
 * What a disk, a mount, a limit or another user is to blame for. `ENOENT` is not among them: a path of our own making.
 * Except for a folder that is made with its parents: Node says so when a parent could not be made.
 */
const SYSTEM = new Set([
  ...['EACCES', 'EPERM', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'EISDIR', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY'],
  ...['ELOOP', 'ENAMETOOLONG', 'EBUSY', 'ETXTBSY', 'ENOMEM', 'EAGAIN', 'ESTALE', 'EFBIG', 'ENXIO', 'ENODEV'],
]);

const NOT_NOW: ReadonlySet<string | undefined> = new Set(['EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * Whether the system had no resources to open a file or to start a process. Such an error says nothing about the file, the program
 * or the processes that use them.
 */
export function isNotNow(error: unknown): boolean {
  return NOT_NOW.has(codeOf(error));
}

/** Throws such an error again, and ignores every other one. Code that ignores both could remove a file that is needed. */
export function throwIfNotNow(error: unknown): void {
  if (isNotNow(error)) throw error;
}

/** The user may not read the file, or the disk does not answer: the file can still be whole. */
const NOT_SEEN: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EIO', 'ESTALE']);

/** As `throwIfNotNow`; also throws when the system does not let this process read the file. */
export function throwIfNotSeen(error: unknown): void {
  throwIfNotNow(error);
  if (NOT_SEEN.has(codeOf(error))) throw error;
}

/** An error of git as `io/git` throws it. */
interface GitFault {
  readonly command: string;
  readonly said: string;
  readonly signal?: string;
}

/** The failure for an error of the disk or of git. Undefined for every other error, which is a bug. */
export function asFailure(error: unknown): Failure | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const fault = (error as { fault?: GitFault }).fault;
  if (fault !== undefined) return gitFailure(code, fault);
  const { path, dest, syscall, message } = error as NodeJS.ErrnoException & { dest?: string };
  const place = String(dest ?? path ?? '');
  if (code === 'ENOSPC' || code === 'EDQUOT') return { kind: 'disk-full', path: place };
  if (code === 'ENAMENOTTEXT') return { kind: 'snapshot-failed', detail: String(message) };
  if (code === 'EGITMISSING') return { kind: 'git-missing', detail: String(message) };
  const isParent = code === 'ENOENT' && syscall === 'mkdir';
  if (typeof syscall !== 'string' || !(SYSTEM.has(code) || isParent)) return undefined;
  const reason = /^[A-Z]+: ([^,]+),/.exec(message)?.[1] ?? code;
  return { kind: 'system-error', operation: syscall, path: place, code, reason };
}

function gitFailure(code: string, { command, said, signal }: GitFault): Failure | undefined {
  const lines = said.trimEnd().split('\n');
  const told = lines.filter((line) => /^(fatal|error): /.test(line));
  const detail = (told.at(-1) ?? lines.at(-1) ?? '').slice(0, 1000);
  const path = /'([^'\n]+)'/.exec(told.join('\n'))?.[1] ?? '';
  switch (code) {
    case 'EDAMAGED':
      return { kind: 'store-damaged', detail };
    case 'EOWNER':
      return {
        kind: 'unsupported-repository',
        reason: 'it belongs to another user, and git does not trust it',
        hint:
          path === ''
            ? 'if you trust it, add its folder to `safe.directory` of your git settings'
            : `if you trust it: \`git config --global --add safe.directory ${shellWord(path)}\``,
      };
    case 'EUSAGE':
      return undefined;
    case 'ENOSPC':
      return { kind: 'disk-full', path };
    case 'ESIGNAL':
      return { kind: 'git-failed', command, detail: `it was ended by ${signal ?? 'a signal'}` };
    case 'EGIT':
      return { kind: 'git-failed', command, detail };
    default:
      return { kind: 'system-error', operation: `git ${command}`, path, code, reason: detail };
  }
}

/** The `code` of an error of the operating system (`ENOENT`), or undefined. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  // Node checks some arguments itself and has names of its own for what it finds: `ERR_FS_EISDIR`.
  return typeof code === 'string' ? code.replace(/^ERR_FS_(?=E)/, '') : undefined;
}

export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** A full file system may still report a few free blocks that no program gets. */
const NEARLY_NOTHING = 64 * 1024;

/** Whether the file system of a folder has no room, or no room for one more file. */
export function isDiskFull(folder: string): boolean {
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    return bavail * bsize < NEARLY_NOTHING || (files > 0 && ffree === 0);
  } catch {
    return false;
  }
}
