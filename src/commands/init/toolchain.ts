/** The tools of a project: its package manager and the commands that check it. Reads files, runs nothing. */

import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists, readText } from '../../io/files.js';
import { firstProgram } from '../../specs/programs.js';

export type PackageManager = 'npm' | 'pnpm' | 'yarn' | 'bun';
export type CheckKind = 'lint' | 'typecheck' | 'test';

export interface ProposedGate {
  readonly kind: CheckKind;
  readonly command: string;
  /** Where it was found: `package.json`, `Makefile`. */
  readonly from: string;
}

export interface Toolchain {
  /** Undefined where there is no package.json. */
  readonly packageManager: PackageManager | undefined;
  /** Cheap ones first, at most one of a kind. */
  readonly gates: readonly ProposedGate[];
  /** Those whose program is not on PATH, with its name. */
  readonly missing: readonly { readonly gate: ProposedGate; readonly program: string }[];
  /** Paths of the project that commands need and that no snapshot has: what is installed. */
  readonly links: readonly string[];
  /** Names of the packages that it depends on. */
  readonly dependencies: ReadonlySet<string>;
}

const KINDS: readonly CheckKind[] = ['lint', 'typecheck', 'test'];
/** Names of scripts and make targets, the usual one first. */
const NAMES: Readonly<Record<CheckKind, readonly string[]>> = {
  lint: ['lint', 'lint:check', 'check:lint'],
  typecheck: ['typecheck', 'type-check', 'types', 'check:types', 'check-types', 'tsc'],
  test: ['test', 'test:unit', 'tests'],
};
const LOCK_FILES: readonly (readonly [string, PackageManager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

/** `top` is the root of the repository, where a package workspace has its lock file. */
export async function detectToolchain(
  project: string,
  top: string,
  onPath: (program: string) => boolean,
): Promise<Toolchain> {
  const manifest = await readManifest(project);
  const packageManager = manifest && (await packageManagerOf(project, top, manifest));
  const found =
    manifest && packageManager
      ? await nodeGates(project, manifest, packageManager)
      : [...(await makeGates(project)), ...(await languageGates(project))];
  const missing = found.flatMap((gate) => {
    const program = firstProgram(gate.command);
    return program === undefined || onPath(program) ? [] : [{ gate, program }];
  });
  const runnable = found.filter((gate) => !missing.some((one) => one.gate === gate));
  return {
    packageManager,
    gates: KINDS.flatMap((kind) => runnable.find((gate) => gate.kind === kind) ?? []),
    missing,
    links: [
      ...(manifest ? await moduleFolders(project) : []),
      ...((await exists(join(project, '.venv'))) ? ['.venv'] : []),
    ],
    dependencies: new Set(Object.keys({ ...manifest?.dependencies, ...manifest?.devDependencies })),
  };
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

/** `node_modules` of the project and, where it has workspaces in `packages/` or `apps/`, of those. */
async function moduleFolders(project: string): Promise<string[]> {
  const folders = ['node_modules'];
  for (const group of ['packages', 'apps']) {
    const names = await readdir(join(project, group)).catch(() => []);
    folders.push(...names.sort().map((name) => `${group}/${name}/node_modules`));
  }
  const there = await Promise.all(folders.map((folder) => exists(join(project, folder))));
  // The first one is linked even before anything is installed.
  return folders.filter((_, index) => index === 0 || there[index]);
}

async function makeGates(project: string): Promise<ProposedGate[]> {
  for (const file of ['Makefile', 'makefile', 'GNUmakefile']) {
    const text = await readText(join(project, file));
    if (text === undefined) continue;
    const targets = new Set(
      [...text.matchAll(/^([A-Za-z][\w.-]*)\s*:(?![:=])/gm)].map(([, target]) => target),
    );
    return KINDS.flatMap((kind) => {
      const target = NAMES[kind].find((one) => targets.has(one));
      return target === undefined ? [] : [{ kind, command: `make ${target}`, from: file }];
    });
  }
  return [];
}

async function languageGates(project: string): Promise<ProposedGate[]> {
  const has = (file: string) => exists(join(project, file));
  if (await has('Cargo.toml')) {
    return [
      { kind: 'typecheck', command: 'cargo check --offline --all-targets', from: 'Cargo.toml' },
      { kind: 'test', command: 'cargo test --offline', from: 'Cargo.toml' },
    ];
  }
  if (await has('go.mod')) {
    // Its own cache may not be written in a sandbox.
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
    const go = 'GOCACHE="${TMPDIR:-/tmp}/go-build" go';
    return [
      { kind: 'lint', command: `${go} vet ./...`, from: 'go.mod' },
      { kind: 'test', command: `${go} test ./...`, from: 'go.mod' },
    ];
  }
  return pythonGates(project);
}

async function pythonGates(project: string): Promise<ProposedGate[]> {
  const has = (file: string) => exists(join(project, file));
  const pyproject = (await readText(join(project, 'pyproject.toml'))) ?? '';
  const named = (tool: string) => new RegExp(`^\\[tool\\.${tool}\\b`, 'm').test(pyproject);
  const tools: [CheckKind, string, boolean, string][] = [
    ['lint', 'ruff check', named('ruff') || (await has('ruff.toml')), 'ruff'],
    ['typecheck', 'mypy .', named('mypy') || (await has('mypy.ini')), 'mypy'],
    [
      'test',
      'pytest',
      named('pytest') ||
        (await has('pytest.ini')) ||
        (await has('conftest.py')) ||
        (await has('tests/conftest.py')),
      'pytest',
    ],
  ];
  const gates: ProposedGate[] = [];
  for (const [kind, command, isUsed, program] of tools) {
    if (!isUsed) continue;
    const from = pyproject === '' ? 'its configuration' : 'pyproject.toml';
    if (await has(`.venv/bin/${program}`)) gates.push({ kind, command: `.venv/bin/${command}`, from });
    else gates.push({ kind, command, from });
  }
  return gates;
}
