/** The tools of a project: its package manager and the commands that check it. Reads files, runs nothing. */

import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { exists, readText } from '../../io/files.js';
import type { Repository } from '../../io/git/repository.js';
import type { Environment } from '../../io/process/environment.js';
import { programOnPath } from '../../io/process/process.js';
import { firstProgram } from '../../specs/programs.js';
import { type CheckKind, KINDS, NAMES, otherGates, type ProposedGate } from './language-gates.js';

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun';
export interface Toolchain {
  /** Undefined where there is no package.json. */
  readonly packageManager: PackageManager | undefined;
  /** Cheap ones first; of package.json at most one of a kind, beside those of the languages that are there. */
  readonly gates: readonly ProposedGate[];
  /** Those whose program is not on PATH, with its name. */
  readonly missing: readonly { readonly gate: ProposedGate; readonly program: string }[];
  /** Paths of the project that commands need and that no snapshot has: what is installed. */
  readonly links: readonly string[];
  /** Commands that install what cannot be linked, with what they make. */
  readonly setup: { readonly commands: readonly string[]; readonly keep: readonly string[] } | undefined;
  /** Names of the packages that it depends on. */
  readonly dependencies: ReadonlySet<string>;
}

const LOCK_FILES: readonly (readonly [string, PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

/**
 * The toolchain of a project on this machine. `linked`: the folders of programs that its workspaces have; absent: those that
 * a new config links, in the project and in the folders of its repository above it.
 */
export function projectToolchain(
  { project, top }: Pick<Repository, 'project' | 'top'>,
  env: Environment,
  linked: readonly string[] = binFolders(project, top),
): Promise<Toolchain> {
  const path = { ...env, PATH: [...linked, env.PATH ?? ''].join(':') };
  return detectToolchain(project, top, (program) => programOnPath(program, path));
}

function binFolders(project: string, top: string): string[] {
  const folders = [join(project, 'node_modules/.bin')];
  for (let folder = project; folder !== top && folder !== dirname(folder); ) {
    folder = dirname(folder);
    folders.push(join(folder, 'node_modules/.bin'));
  }
  return folders;
}

/** `top` is the root of the repository, where a package workspace has its lock file. */
export async function detectToolchain(
  project: string,
  top: string,
  onPath: (program: string) => boolean,
): Promise<Toolchain> {
  const manifest = await readManifest(project);
  const packageManager = manifest && (await packageManagerOf(project, top, manifest));
  const scripts =
    manifest && packageManager ? await nodeGates(project, manifest, packageManager) : ([] as ProposedGate[]);
  const others = await otherGates(project, scripts);
  const found = [...scripts, ...others];
  const isPlugAndPlay = manifest !== undefined && (await exists(join(project, '.pnp.cjs')));
  const missing = found.flatMap((gate) => {
    const program = firstProgram(gate.command);
    return program === undefined || onPath(program) ? [] : [{ gate, program }];
  });
  const runnable = found.filter((gate) => !missing.some((one) => one.gate === gate));
  return {
    packageManager,
    gates: KINDS.flatMap((kind) => ofKind(runnable, kind, scripts)),
    missing,
    links: [
      ...(manifest && !isPlugAndPlay ? await moduleFolders(project, top) : []),
      ...(await environments(project)),
    ],
    setup: isPlugAndPlay ? PLUG_AND_PLAY : undefined,
    dependencies: new Set(Object.keys({ ...manifest?.dependencies, ...manifest?.devDependencies })),
  };
}

/** Yarn's zip files are found by their own places only: a link to them does not do. */
const PLUG_AND_PLAY = {
  commands: ['yarn install --immutable'],
  keep: ['.yarn/cache', '.yarn/unplugged', '.yarn/install-state.gz'],
};

function ofKind(
  gates: readonly ProposedGate[],
  kind: CheckKind,
  scripts: readonly ProposedGate[],
): ProposedGate[] {
  const alike = gates.filter((gate) => gate.kind === kind);
  const script = alike.find((gate) => scripts.includes(gate));
  return [...(script ? [script] : []), ...alike.filter((gate) => !scripts.includes(gate))];
}

interface Commands {
  /** Starts a program of an installed package. */
  readonly run: string;
  /** Fetches a package and starts its program. */
  readonly fetch: string;
  readonly addDevelopment: string;
}

const COMMANDS: Readonly<Record<PackageManager, Commands>> = {
  npm: { run: 'npx', fetch: 'npx', addDevelopment: 'npm install --save-dev' },
  pnpm: { run: 'pnpm exec', fetch: 'pnpm dlx', addDevelopment: 'pnpm add --save-dev' },
  yarn: { run: 'yarn', fetch: 'yarn dlx', addDevelopment: 'yarn add --dev' },
  bun: { run: 'bunx', fetch: 'bunx', addDevelopment: 'bun add --dev' },
};

/** Commands of package managers; npm's if there is none. */
export function managerCommands(manager: PackageManager | undefined): Commands {
  return COMMANDS[manager ?? 'npm'];
}

interface Manifest {
  readonly packageManager?: unknown;
  readonly scripts?: Readonly<Record<string, unknown>>;
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

async function readManifest(project: string): Promise<Manifest | undefined> {
  const text = await readText(join(project, 'package.json'));
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' ? value : {};
  } catch {
    return {};
  }
}

async function packageManagerOf(project: string, top: string, manifest: Manifest): Promise<PackageManager> {
  const named = /^(npm|pnpm|yarn|bun)(?:@|$)/.exec(String(manifest.packageManager ?? ''))?.[1];
  if (named !== undefined) return named as PackageManager;
  for (let folder = project; ; folder = dirname(folder)) {
    for (const [file, manager] of LOCK_FILES) if (await exists(join(folder, file))) return manager;
    if (folder === top || dirname(folder) === folder) return 'npm';
  }
}

async function nodeGates(
  project: string,
  manifest: Manifest,
  manager: PackageManager,
): Promise<ProposedGate[]> {
  const scripts = manifest.scripts ?? {};
  const gates = KINDS.flatMap((kind): ProposedGate[] => {
    const name = NAMES[kind].find((one) => isCheck(scripts[one]));
    if (name === undefined) return [];
    const command = name === 'test' && manager !== 'bun' ? `${manager} test` : `${manager} run ${name}`;
    return [{ kind, command, from: 'package.json' }];
  });
  const hasTypeScript = Object.hasOwn(
    { ...manifest.dependencies, ...manifest.devDependencies },
    'typescript',
  );
  if (hasTypeScript && (await exists(join(project, 'tsconfig.json')))) {
    gates.push({ kind: 'typecheck', command: 'tsc --noEmit', from: 'tsconfig.json' });
  }
  return gates;
}

/** A script that ends by itself and says something: not what `npm init` writes, not one that watches. */
function isCheck(script: unknown): boolean {
  return (
    typeof script === 'string' && script.trim() !== '' && !/no test specified|--watch(?!=false)/.test(script)
  );
}

/** What of the project and of the repository around it its packages need. Packages inside it have their own by themselves. */
async function moduleFolders(project: string, top: string): Promise<string[]> {
  const links = ['node_modules'];
  for (
    let folder = dirname(project);
    isInside(project, top) && isInside(folder, top);
    folder = dirname(folder)
  ) {
    const names = await readdir(folder).catch(() => []);
    const used = names.filter((name) => name === 'node_modules' || ROOT_CONFIG.test(name)).sort();
    links.push(...used.map((name) => relative(project, join(folder, name))));
    if (folder === top) break;
  }
  return links;
}

/** Configuration that packages of a monorepo read from the folders above them. */
const ROOT_CONFIG =
  /^(tsconfig.*\.json|jsconfig\.json|babel\.config\.\w+|eslint\.config\.\w+|\.eslintrc(\.\w+)?|\.prettierrc(\.\w+)?|prettier\.config\.\w+|biome\.jsonc?|jest\.(config|preset)\.\w+|vitest\.(config|workspace|shared)\.\w+|\.browserslistrc|\.editorconfig)$/;

function isInside(folder: string, top: string): boolean {
  return folder === top || folder.startsWith(`${top}/`);
}

async function environments(project: string): Promise<string[]> {
  const found = await Promise.all(['.venv', 'venv'].map((name) => exists(join(project, name, 'pyvenv.cfg'))));
  return ['.venv', 'venv'].filter((_, index) => found[index]);
}
