/**
 * One writer per state folder: a lock that the kernel releases when its holder dies. Does not know what it guards.
 */

import { existsSync, mkdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import { codeOf, readText, removeTree } from './files.js';
import { writePassing } from './passing-files.js';
import { dismissLockOf, lockFileOf, prepareLockOf } from './process/file-lock.js';

export interface LockOwner {
  readonly command: string;
  readonly pid: number;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

export interface LockHandle {
  /** Gives the lock back; a second call does nothing. */
  release(): Promise<void>;
  /** The former holder was killed: its owner file was still there. */
  readonly foundOwner: boolean;
}

export interface LockOptions {
  /** False: a lock that is held is a failure at once. */
  readonly wait: boolean;
  readonly signal?: AbortSignal;
  /** It is held only briefly, so no file records it. */
  readonly brief?: boolean;
  /** Called once for each holder that is waited for. */
  onWaiting?(owner: LockOwner): void;
}

/** For people and for systems without sockets of this kind; not the lock itself. */
const OWNER_FILE = 'lock-owner.json';
/** How long a holder may take to say who it is: a stopped one never does. */
const ANSWER_MS = 500;
/** `O_EXLOCK` of macOS and the BSDs, which Node does not name. */
const O_EXLOCK = 0x20;
const O_NONBLOCK = 0x4;

/**
 * Takes the lock of a state folder (made when needed). Linux and Windows: a socket name that only one process can
 * listen on; who waits stays connected to the holder and tries again when the connection ends. Elsewhere: a file
 * opened with a lock, asked for again four times a second. Failures: `locked` (without `wait`), `cancelled`.
 */
export async function acquireLock(
  stateDir: string,
  owner: LockOwner,
  options: LockOptions,
): Promise<Result<LockHandle, Failure>> {
  mkdirSync(stateDir, { recursive: true });
  const { dev, ino } = statSync(stateDir, { bigint: true });
  const name = `conductor-${dev.toString(16)}-${ino.toString(16)}`;
  const take =
    process.platform === 'linux'
      ? () => listenAndLock(`\0${name}`, join(stateDir, 'lock'), owner)
      : process.platform === 'win32'
        ? () => listenOn(`\\\\.\\pipe\\${name}`, owner)
        : () => lockFile(join(stateDir, 'lock'));
  let told: string | undefined;
  for (;;) {
    if (options.signal?.aborted) return err({ kind: 'cancelled' });
    const taken = await take();
    if (taken.kind === 'taken') {
      if (!options.brief) return ok(await handle(stateDir, owner, taken.giveBack));
      // A killed holder left it: with it, every look without the lock would have to take the lock.
      const foundOwner = isOwned(stateDir);
      await removeTree(join(stateDir, OWNER_FILE)).catch(() => {});
      return ok({ release: taken.giveBack, foundOwner });
    }
    const meeting = await taken.meet();
    if (meeting === undefined) continue;
    try {
      const holder = meeting.owner ?? (await readOwner(stateDir)) ?? UNKNOWN_OWNER;
      if (!options.wait) {
        return err({ kind: 'locked', pid: holder.pid, command: holder.command, since: holder.startedAt });
      }
      const id = JSON.stringify(holder);
      if (id !== told) options.onWaiting?.(holder);
      told = id;
      await orAborted(meeting.ended, options.signal);
    } finally {
      meeting.leave();
    }
  }
}

/** Makes the next `acquireLock` of this folder quicker: starts the process that it needs. `dismissLock` ends that process. */
export function prepareLock(stateDir: string): void {
  if (process.platform === 'linux') prepareLockOf(join(stateDir, 'lock'));
}

export async function dismissLock(stateDir: string): Promise<void> {
  if (process.platform === 'linux') await dismissLockOf(join(stateDir, 'lock'));
}

/**
 * Whether a process has recorded that it holds the lock, or was killed while it held it. Brief holders record nothing: a
 * reader without the lock also compares the files that they write, before and after it reads.
 */
export function isOwned(stateDir: string): boolean {
  return existsSync(join(stateDir, OWNER_FILE));
}

const UNKNOWN_OWNER: LockOwner = { command: '(does not answer)', pid: 0, startedAt: '' };

type Attempt =
  | { readonly kind: 'taken'; giveBack(): Promise<void> }
  /** `meet` is undefined when the holder is gone already. */
  | { readonly kind: 'held'; meet(): Promise<Meeting | undefined> };

interface Meeting {
  readonly owner: LockOwner | undefined;
  /** Resolves when it is worth trying again. */
  readonly ended: Promise<void>;
  leave(): void;
}

async function handle(
  stateDir: string,
  owner: LockOwner,
  giveBack: () => Promise<void>,
): Promise<LockHandle> {
  const file = join(stateDir, OWNER_FILE);
  const foundOwner = isOwned(stateDir);
  // A full disk must not stand between a person and the command that would free it. After a power cut nobody holds the lock.
  await writePassing(file, `${JSON.stringify(owner)}\n`).catch(() => {});
  let released: Promise<void> | undefined;
  const release = async () => {
    await removeTree(file).catch(() => {});
    await giveBack();
  };
  return {
    foundOwner,
    release: () => {
      released ??= release();
      return released;
    },
  };
}

function listenOn(address: string, owner: LockOwner): Promise<Attempt> {
  return new Promise((resolve, reject) => {
    const visitors = new Set<Socket>();
    const server: Server = createServer((socket) => {
      visitors.add(socket);
      socket.unref();
      socket.on('error', () => {});
      socket.on('close', () => visitors.delete(socket));
      socket.write(`${JSON.stringify(owner)}\n`);
    });
    server.on('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve({ kind: 'held', meet: () => meetHolder(address) });
      else reject(error);
    });
    server.listen({ path: address, exclusive: true }, () => {
      server.unref();
      const giveBack = () =>
        new Promise<void>((closed) => {
          server.close(() => closed());
          for (const socket of visitors) socket.destroy();
        });
      resolve({ kind: 'taken', giveBack });
    });
  });
}

function meetHolder(address: string): Promise<Meeting | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: address });
    let met = false;
    let text = '';
    const ended = new Promise<void>((end) => socket.once('close', () => end()));
    const meet = (owner: LockOwner | undefined) => {
      met = true;
      clearTimeout(timer);
      resolve({ owner, ended, leave: () => socket.destroy() });
    };
    const timer = setTimeout(() => meet(undefined), ANSWER_MS);
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => {
      if (met) return;
      text += chunk;
      if (text.includes('\n') || text.length > 4096) meet(parseOwner(text));
    });
    socket.once('close', () => {
      clearTimeout(timer);
      // Gone, or too many processes wait: try again shortly.
      if (!met) void delay(5).then(() => resolve(undefined));
    });
  });
}

/** Names of sockets end at the border of a network namespace, which every container has: the file's lock does not. */
async function listenAndLock(address: string, file: string, owner: LockOwner): Promise<Attempt> {
  const attempt = await listenOn(address, owner);
  if (attempt.kind === 'held') return attempt;
  const locked = await lockFileOf(file).catch(async (error: unknown) => {
    await attempt.giveBack();
    throw error;
  });
  if (locked.kind === 'unknown') return attempt;
  if (locked.kind === 'held') {
    await attempt.giveBack();
    const again = async () => ({ owner: undefined, ended: delay(250), leave: () => {} });
    return { kind: 'held', meet: again };
  }
  const giveBack = async () => {
    await locked.giveBack();
    await attempt.giveBack();
  };
  return { kind: 'taken', giveBack };
}

async function lockFile(path: string): Promise<Attempt> {
  // read-write, create: the same numbers on macOS and the BSDs.
  const flags = 0x2 | 0x200 | O_EXLOCK | O_NONBLOCK;
  let file: FileHandle;
  try {
    file = await open(path, flags, 0o644);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EAGAIN' && code !== 'EWOULDBLOCK') throw error;
    const again = async () => ({ owner: undefined, ended: delay(250), leave: () => {} });
    return { kind: 'held', meet: again };
  }
  return { kind: 'taken', giveBack: () => file.close() };
}

async function readOwner(stateDir: string): Promise<LockOwner | undefined> {
  const text = await readText(join(stateDir, OWNER_FILE));
  return text === undefined ? undefined : parseOwner(text);
}

/** What comes over the socket is another process's word: anything that is no owner is none. */
function parseOwner(text: string): LockOwner | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockOwner> | null;
    const { command, pid, startedAt } = value ?? {};
    if (typeof command !== 'string' || typeof pid !== 'number' || typeof startedAt !== 'string')
      return undefined;
    return { command, pid, startedAt };
  } catch {
    return undefined;
  }
}

/** Waits for the promise or the signal, whichever is first. */
async function orAborted(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return promise;
  if (signal.aborted) return;
  let onAbort: () => void = () => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  await Promise.race([promise, aborted]);
  signal.removeEventListener('abort', onAbort);
}
