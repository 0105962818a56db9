/** Repositories of a person in temporary folders, and conductor's own store beside one, for tests. Knows no project. */

import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { gitEnvironment, observeGit } from '../../io/git/git-process.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';

export class ScratchRepository {
  readonly root: string;
  readonly dir: string;
  readonly cache: string;

  constructor(...init: readonly string[]) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'conductor-test-')));
    this.dir = join(this.root, 'repo');
    this.cache = join(this.root, 'cache');
    mkdirSync(this.dir);
    this.git('init', '-q', '-b', 'main', ...init);
    this.git('config', 'user.name', 'Ada');
    this.git('config', 'user.email', 'ada@example.org');
  }

  git(...args: string[]): string {
    return this.gitIn(this.dir, ...args);
  }

  gitIn(dir: string, ...args: string[]): string {
    return execFileSync('git', args, {
      cwd: dir,
      encoding: 'utf8',
      env: gitEnvironment({}),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }

  write(path: string, content: string | Buffer): void {
    mkdirSync(dirname(join(this.dir, path)), { recursive: true });
    writeFileSync(join(this.dir, path), content);
  }

  text(path: string): string {
    return readFileSync(join(this.dir, path), 'utf8');
  }

  commit(message = 'work'): void {
    this.git('add', '-A');
    this.git('commit', '-q', '-m', message);
  }

  /** Everything of the repository that conductor must leave as it is. */
  borrowed(): Record<string, string> {
    const gitDir = join(this.dir, '.git');
    return {
      objects: this.git('count-objects', '-v'),
      refs: this.git('for-each-ref'),
      worktrees: this.git('worktree', 'list', '--porcelain'),
      stash: this.git('stash', 'list'),
      config: readFileSync(join(gitDir, 'config'), 'utf8'),
      hooks: readdirSync(join(gitDir, 'hooks')).join(' '),
      index: this.git('ls-files', '-s', '-v'),
      entries: readdirSync(gitDir)
        .filter((name) => name !== 'conductor')
        .sort()
        .join(' '),
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** The git commands that conductor ran during the work, in order. */
export async function gitCommandsOf(work: () => Promise<unknown>): Promise<string[]> {
  const commands: string[] = [];
  observeGit(({ command }) => commands.push(command));
  try {
    await work();
  } finally {
    observeGit(undefined);
  }
  return commands;
}

/** The store of a new repository; both go with the test. */
export async function scratchObjects(): Promise<GitObjects> {
  return (await openScratch(new ScratchRepository())).objects;
}

/** Opens a project in a folder of the repository, which goes with the test. */
export async function openScratch(
  scratch: ScratchRepository,
  folder = '',
): Promise<{ readonly repository: Repository; readonly objects: GitObjects }> {
  onTestFinished(() => scratch.remove());
  const opened = await openRepository(join(scratch.dir, folder));
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const objects = new GitObjects(opened.value);
  onTestFinished(() => objects.close());
  return { repository: opened.value, objects };
}
