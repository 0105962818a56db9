/**
 * The real command line and a person's project in a temporary folder, for tests. Knows how conductor is started, nothing
 * of its parts.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { codeOf } from '../../io/files.js';

/** The folder of this package. */
export const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');
const BIN = join(PACKAGE, 'bin/conductor.js');

export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both: what stood on stdout, then what stood on stderr. */
  readonly text: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
  /** What was printed so far, both streams. */
  printed(): string;
}

/** A project of a person: a git repository, a home and a cache, all removed together. */
export class TemporaryProject {
  readonly root: string;
  dir: string;
  readonly home: string;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-line-')));
    this.dir = join(this.root, 'project');
    this.home = join(this.root, 'home');
    mkdirSync(this.dir);
    mkdirSync(this.home);
    this.git('init', '-q', '-b', 'main');
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  git(...args: string[]): string {
    return execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...args], {
      cwd: this.dir,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: this.home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** From here on the project is this folder of the repository. */
  enter(folder: string): void {
    this.dir = join(this.dir, folder);
  }

  commit(): void {
    this.git('add', '-A');
    this.git('commit', '-q', '-m', 'work');
  }

  path(path: string): string {
    return join(this.dir, path);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true });
    writeFileSync(this.path(path), text);
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8');
  }

  remove(path: string): void {
    rmSync(this.path(path), { recursive: true, force: true });
  }

  /** Starts conductor in the project and leaves it running. Its group is its own, so that all of it can be killed. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    ensureBuilt();
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.dir,
      env: { PATH: process.env.PATH, HOME: this.home, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, text: stdout + stderr }));
    });
    return { process: child, pid: child.pid as number, ended, printed: () => stdout + stderr };
  }

  conductor(...args: string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  dispose(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Every file below a folder with its content: `l:` and the target for a link, `x:` or `f:` and the bytes for a file. */
export function filesBelow(folder: string, skip: readonly string[] = []): Record<string, string> {
  const found: Record<string, string> = {};
  const walk = (inside: string) => {
    for (const entry of readdirSync(join(folder, inside), { withFileTypes: true })) {
      const path = inside === '' ? entry.name : `${inside}/${entry.name}`;
      if (skip.includes(path)) continue;
      const full = join(folder, path);
      if (entry.isDirectory()) walk(path);
      else if (entry.isSymbolicLink()) found[path] = `l:${readlinkSync(full)}`;
      else found[path] = `${statSync(full).mode & 0o100 ? 'x' : 'f'}:${readFileSync(full, 'latin1')}`;
    }
  };
  walk('');
  return found;
}

/** Processes whose command line or environment names the folder; empty where the system does not say. */
export function processesNaming(folder: string): number[] {
  const read = (pid: number, name: string) => {
    try {
      return readFileSync(`/proc/${pid}/${name}`, 'latin1');
    } catch {
      return '';
    }
  };
  return pids().filter(
    (pid) =>
      pid !== process.pid && (read(pid, 'cmdline').includes(folder) || read(pid, 'environ').includes(folder)),
  );
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/**
 * Resolves when the check holds; rejects after `ms` milliseconds, saying what was waited for. A check may look at files
 * that another process just makes, renames or removes: one that is gone when it is read means "not yet".
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  // Less than what a test may take, so that its failure says what it waited for; a loaded machine needs most of it.
  ms = 50_000,
): Promise<void> {
  const end = performance.now() + ms;
  while (!(await holdsNow(holds))) {
    if (performance.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function holdsNow(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await holds();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

let built = false;

/** The command line runs from `dist/`: it is built once when it is missing or older than a source file. */
export function ensureBuilt(): void {
  if (built) return;
  const lock = join(PACKAGE, 'node_modules/.conductor-dist-lock');
  for (let tries = 0; ; tries++) {
    try {
      mkdirSync(lock);
      break;
    } catch {
      // Another test file builds: it takes seconds. A lock left by a killed run is taken over.
      if (tries > 600) rmdirSync(lock);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    }
  }
  try {
    if (isStale()) execFileSync(process.execPath, ['scripts/build.js'], { cwd: PACKAGE, stdio: 'pipe' });
    built = true;
  } finally {
    rmdirSync(lock);
  }
}

function isStale(): boolean {
  const made = statSync(join(PACKAGE, 'dist/main.cjs'), { throwIfNoEntry: false });
  const types = statSync(join(PACKAGE, 'dist/index.d.ts'), { throwIfNoEntry: false });
  if (!made || !types) return true;
  const plugins = '.opencode/plugin';
  const sources = readdirSync(join(PACKAGE, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:tsx?|css|html)$/.test(name))
    .filter((name) => !/\.(?:test|long)\.tsx?$/.test(name) && !name.startsWith('test/'))
    .map((name) => `src/${name}`);
  return [
    ...['build.js', 'loaded-later.js', 'validators.js'].map((name) => `scripts/${name}`),
    ...readdirSync(join(PACKAGE, plugins)).map((name) => `${plugins}/${name}`),
    ...sources,
  ].some((path) => statSync(join(PACKAGE, path)).mtimeMs > made.mtimeMs);
}

/** Every command that does something, by the words that are typed for it. */
export function commandsOf(parent: Command, words: readonly string[] = []): [string, Command][] {
  const inner = parent
    .createHelp()
    .visibleCommands(parent)
    .filter((one) => one.name() !== 'help');
  if (inner.length === 0) return [[words.join(' '), parent]];
  return inner.flatMap((one) => commandsOf(one, [...words, one.name()]));
}
