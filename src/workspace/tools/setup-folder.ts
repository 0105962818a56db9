/** What set-up makes, once for each state of the files that it reads, in a folder that no task ever writes. */

import { createHash } from 'node:crypto';
import { lstat, mkdir, readdir, rm, stat, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { ok, type Result } from '../../base/result.js';
import { exists, makeDir, readText, writeAtomic } from '../../io/files.js';
import { gitOk } from '../../io/git/git-process.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import type { SandboxPlaces } from '../../io/process/sandbox/sandbox.js';
import type { Failure } from '../../model/failure.js';
import type { RulesText } from '../../model/git-rules/git-rules.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { ObjectId } from '../../model/tree.js';
import { canonicalCall, openCanonicalGit } from '../canonical-git.js';
import { sandboxPlaces } from '../places.js';
import { removeForcibly } from '../restore.js';
import { hashOf, workspacesFolder } from '../workspace.js';
import { innerPackageFolders } from './inner-packages.js';
import type { OutsidePackages } from './outside-links.js';

export interface SetupOptions {
  readonly cacheDir: string;
  readonly link: readonly string[];
  readonly read?: readonly string[];
  readonly inner?: readonly string[];
  readonly outside?: OutsidePackages;
  /** Paths that set-up makes and that stay. */
  readonly keep: readonly string[];
  /** The commands, as text: empty when there are none. */
  readonly setupKey: string;
  /** Patterns of further files that set-up reads. */
  readonly setupInputs?: readonly string[];
  /** The files that people wrote: all that set-up sees. Without it there is no set-up. */
  readonly setupTree?: ObjectId;
  /** The repository's rules for files; absent: none. */
  readonly rules?: RulesText;
  setup(
    dir: string,
    places: SandboxPlaces,
    signal: AbortSignal | undefined,
  ): Promise<Result<undefined, Failure>>;
}

/** What a finished set-up offers to workspaces. */
export interface FinishedSetup {
  readonly key: string;
  readonly dir: string;
  /** Those of `keep` that it made, and what belongs to them in packages of the project. */
  readonly made: readonly string[];
}

/** Manifests and lock files of package managers, and files that name versions of tools. */
const READ_BY_SETUP =
  /^(package\.json|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|yarn\.lock|\.yarnrc(\.yml)?|\.npmrc|\.pnpmfile\.cjs|bun\.lockb?|deno\.(json|jsonc|lock)|pyproject\.toml|setup\.(py|cfg)|requirements.*\.(txt|in)|constraints.*\.txt|(poetry|uv|pdm)\.lock|Pipfile(\.lock)?|Cargo\.(toml|lock)|go\.(mod|sum|work)|Gemfile(\.lock)?|.*\.gemspec|composer\.(json|lock)|pom\.xml|build\.gradle(\.kts)?|settings\.gradle(\.kts)?|gradle\.lockfile|environment\.ya?ml|conda-lock\.yml|pixi\.(toml|lock)|flake\.(nix|lock)|libs\.versions\.toml|mix\.(exs|lock)|.*\.csproj|packages\.lock\.json|\.tool-versions|mise\.toml|\.(nvmrc|node-version|python-version|ruby-version)|rust-toolchain(\.toml)?|Makefile|Justfile)$/;

/** Changes of packages that installers apply. */
const PATCHES = /(^|\/)(patches|\.yarn\/patches)\/[^/]+\.patch$/;

/** What may be a file of the project in the text of commands: `./tools/setup.sh`. */
function namedFiles(commands: string): ReadonlySet<string> {
  const words = commands.match(/[^\s"'`\\()[\]{};&|<>=,]+/g) ?? [];
  return new Set(words.map((word) => word.replace(/^(\.\/)+/, '')));
}

/** Unused for as long, a folder is removed. */
const UNUSED_MS = 7 * 24 * 60 * 60 * 1000;

export class SetupFolders {
  private readonly repository: Repository;
  private readonly objects: GitObjects;
  private readonly cacheDir: string;
  private readonly running = new Map<string, Promise<Result<FinishedSetup, Failure>>>();

  constructor(repository: Repository, objects: GitObjects, cacheDir: string) {
    this.repository = repository;
    this.objects = objects;
    this.cacheDir = cacheDir;
  }

  removeUnused(): Promise<void> {
    return removeUnusedSetups(this.repository, this.cacheDir);
  }

  /** Runs set-up unless it has been run on the same files. Undefined when there is none to run. */
  async finished(
    options: SetupOptions,
    signal: AbortSignal | undefined,
  ): Promise<Result<FinishedSetup | undefined, Failure>> {
    const { setupTree, setupKey } = options;
    if (setupTree === undefined || setupKey === '') return ok(undefined);
    const key = await this.keyOf(setupTree, options);
    for (;;) {
      let run = this.running.get(key);
      if (run === undefined) {
        run = this.make(key, setupTree, options, signal).finally(() => this.running.delete(key));
        this.running.set(key, run);
      }
      const done = await run;
      // Who began it has given up; who still needs it begins again.
      if (!done.ok && done.error.kind === 'cancelled' && !signal?.aborted) continue;
      return done;
    }
  }

  private async keyOf(tree: ObjectId, options: SetupOptions): Promise<string> {
    const hash = createHash('sha256').update(
      JSON.stringify([1, options.setupKey, options.keep, options.link]),
    );
    const listing = await this.objects.list(tree);
    const named = namedFiles(options.setupKey);
    const inputs = patternSet(options.setupInputs ?? []);
    const isRead = (path: string) =>
      READ_BY_SETUP.test(basename(path)) || named.has(path) || inputs.matches(path) || PATCHES.test(path);
    for (const path of listing.paths) {
      const entry = isRead(path) ? listing.get(path) : undefined;
      if (entry) hash.update(`${path}\0${entry.mode} ${entry.id}\0`);
    }
    return hash.digest('hex').slice(0, 16);
  }

  private async make(
    key: string,
    tree: ObjectId,
    options: SetupOptions,
    signal: AbortSignal | undefined,
  ): Promise<Result<FinishedSetup, Failure>> {
    const name = setupPrefix(this.repository, this.cacheDir) + key;
    const [dir, done] = [join(name, 'tree'), join(name, 'done')];
    const known = madeIn(await readText(done));
    if (known !== undefined) {
      const now = performance.timeOrigin + performance.now();
      await utimes(done, now / 1000, now / 1000);
      return ok({ key, dir, made: known });
    }
    // A set-up that was cut off, failed, or whose record is damaged begins again.
    await removeForcibly(name);
    await this.removeUnused();
    await makeDir(dir);
    const canonical = await openCanonicalGit(this.repository, dirname(name), options.rules);
    const call = canonicalCall(canonical, { dir, index: join(name, 'index') });
    await gitOk(['read-tree', '--reset', '-u', tree], call);
    for (const path of options.link) await this.link(dir, path);
    const places = sandboxPlaces(this.repository, options);
    const ran = await options.setup(dir, places, signal);
    if (!ran.ok) return ran;
    const stands = await mapBounded(options.keep, (path) => exists(join(dir, path)));
    const kept = options.keep.filter((_, index) => stands[index]);
    // Packages of the project have what was installed for them.
    const made = [...kept, ...(await innerPackageFolders(dir, kept))];
    await writeAtomic(done, JSON.stringify(made));
    return ok({ key, dir, made });
  }

  private async link(dir: string, path: string): Promise<void> {
    const [target, place] = [join(this.repository.project, path), join(dir, path)];
    if (await lstat(place).catch(() => undefined)) return;
    if (!(await lstat(target).catch(() => undefined))) return;
    await mkdir(dirname(place), { recursive: true });
    await symlink(target, place);
  }
}

/** How the paths of the folders begin that are made once for all workspaces of a project: of set-ups and of submodules. */
export function setupPrefix(repository: Repository, cacheDir: string): string {
  return join(workspacesFolder(repository, cacheDir), `${hashOf(repository).slice(0, 8)}-setup-`);
}

/** Removes those that no build has used for a week. */
export async function removeUnusedSetups(repository: Repository, cacheDir: string): Promise<void> {
  const prefix = setupPrefix(repository, cacheDir);
  const now = performance.timeOrigin + performance.now();
  for (const name of await readdir(dirname(prefix)).catch(() => [])) {
    if (!name.startsWith(basename(prefix))) continue;
    const place = join(dirname(prefix), name);
    // One that was cut off has no record of its last use.
    const used = await stat(join(place, 'done')).catch(() => stat(place).catch(() => undefined));
    if (now - (used?.mtimeMs ?? now) > UNUSED_MS)
      await removeForcibly(place).catch(() => rm(place, { force: true }));
  }
}

/** What a finished set-up made; undefined where there is no sound record of it. */
function madeIn(text: string | undefined): string[] | undefined {
  try {
    const made: unknown = JSON.parse(text ?? '');
    return Array.isArray(made) && made.every((one) => typeof one === 'string') ? made : undefined;
  } catch {
    return undefined;
  }
}
