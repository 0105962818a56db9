/** Workspaces of one repository in a temporary folder, with git as the judge of what is in them, for tests. */

import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ok } from '../../base/result.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import { NO_RULES, type RulesText } from '../../model/git-rules/git-rules.js';
import { type Workspace, WorkspacePool } from '../../workspace/workspace-pool.js';
import { ScratchRepository } from '../rig/scratch-repository.js';

export class WorkspaceRig {
  readonly scratch: ScratchRepository;
  readonly repository: Repository;
  readonly objects: GitObjects;

  private constructor(scratch: ScratchRepository, repository: Repository) {
    this.scratch = scratch;
    this.repository = repository;
    this.objects = new GitObjects(repository);
  }

  /** A repository with the one file `f`. */
  static async open(): Promise<WorkspaceRig> {
    const scratch = new ScratchRepository();
    scratch.write('f', '1');
    scratch.commit();
    const opened = await openRepository(scratch.dir);
    if (!opened.ok) throw new Error(JSON.stringify(opened.error));
    return new WorkspaceRig(scratch, opened.value);
  }

  async close(): Promise<void> {
    await this.objects.close();
    this.scratch.remove();
  }

  pool({
    rules = NO_RULES,
    keep = [],
  }: {
    readonly rules?: RulesText;
    readonly keep?: readonly string[];
  } = {}): WorkspacePool {
    const setup = async () => ok(undefined);
    const cacheDir = this.scratch.cache;
    const options = { cacheDir, link: [], keep, setupKey: '', isSandboxed: async () => false, rules, setup };
    return new WorkspacePool(this.repository, this.objects, options);
  }

  async acquire(pool: WorkspacePool, tree: string): Promise<Workspace> {
    const got = await pool.acquire(tree);
    if (!got.ok) throw new Error(JSON.stringify(got.error));
    return got.value;
  }

  /** The tree that git makes of all files of a workspace, with a repository and an index of its own. */
  judged({ dir }: Workspace): string {
    const gitDir = join(this.scratch.cache, 'judge');
    if (!existsSync(gitDir)) execFileSync('git', ['init', '-q', '--bare', gitDir]);
    rmSync(join(gitDir, 'index'), { force: true });
    const settings = ['core.autocrlf=false', 'core.excludesFile=/dev/null', 'advice.addEmbeddedRepo=false'];
    const args = [...settings.flatMap((one) => ['-c', one]), `--git-dir=${gitDir}`, `--work-tree=${dir}`];
    const run = (...more: string[]) =>
      execFileSync('git', [...args, ...more], { cwd: dir, encoding: 'utf8' });
    run('add', '-A', '-f', '.');
    return run('write-tree').trim();
  }
}
