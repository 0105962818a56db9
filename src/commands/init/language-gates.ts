/** The commands that check what is not a package of Node: make targets, languages, scripts. Reads files, runs nothing. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { exists, readText } from '../../io/files.js';

export type CheckKind = 'lint' | 'typecheck' | 'test';

export interface ProposedGate {
  readonly kind: CheckKind;
  readonly command: string;
  /** Where it was found: `package.json`, `Makefile`. */
  readonly from: string;
}

export const KINDS: readonly CheckKind[] = ['lint', 'typecheck', 'test'];
/** Names of scripts and make targets, the usual one first. */
export const NAMES: Readonly<Record<CheckKind, readonly string[]>> = {
  lint: ['lint', 'lint:check', 'check:lint'],
  typecheck: ['typecheck', 'type-check', 'types', 'check:types', 'check-types', 'tsc'],
  test: ['test', 'test:unit', 'tests'],
};

/** Make targets first, which people write for this, then each language that is there. `scripts`: what package.json gives. */
export async function otherGates(
  project: string,
  scripts: readonly ProposedGate[],
): Promise<readonly ProposedGate[]> {
  const made = await makeGates(project, scripts);
  const languages = [
    ...(await rustGates(project)),
    ...(await goGates(project)),
    ...(await pythonGates(project)),
  ];
  const isTested = [...scripts, ...made, ...languages].some(({ kind }) => kind === 'test');
  return merged(made, [...languages, ...(isTested ? [] : await shellGates(project))]);
}

/** A kind that make checks is checked for all languages; else each language checks its own, in one gate of each kind. */
function merged(made: readonly ProposedGate[], found: readonly ProposedGate[]): ProposedGate[] {
  return KINDS.flatMap((kind) => {
    const own = made.find((gate) => gate.kind === kind);
    if (own) return [own];
    return found.filter((gate) => gate.kind === kind);
  });
}

async function makeGates(project: string, scripts: readonly ProposedGate[]): Promise<ProposedGate[]> {
  for (const file of ['Makefile', 'makefile', 'GNUmakefile']) {
    const text = await readText(join(project, file));
    if (text === undefined) continue;
    const targets = new Map(
      [...text.matchAll(/^([A-Za-z][\w.-]*)\s*:(?![:=]).*\n((?:\t.*\n?)*)/gm)].map(
        ([, target, recipe]) => [target, recipe ?? ''] as const,
      ),
    );
    return KINDS.flatMap((kind) => {
      const target = NAMES[kind].find((one) => targets.has(one));
      if (target === undefined) return [];
      // It only calls the script that is a gate already.
      const callsScript = /\b(npm|npx|pnpm|yarn|bunx?)\b/.test(targets.get(target) ?? '');
      if (callsScript && scripts.some((gate) => gate.kind === kind)) return [];
      return [{ kind, command: `make ${target}`, from: file }];
    });
  }
  return [];
}

async function rustGates(project: string): Promise<ProposedGate[]> {
  if (!(await exists(join(project, 'Cargo.toml')))) return [];
  return [
    { kind: 'typecheck', command: 'cargo check --offline --all-targets', from: 'Cargo.toml' },
    { kind: 'test', command: 'cargo test --offline', from: 'Cargo.toml' },
  ];
}

async function goGates(project: string): Promise<ProposedGate[]> {
  const from = (await exists(join(project, 'go.work'))) ? 'go.work' : 'go.mod';
  if (!(await exists(join(project, from)))) return [];
  // Its own cache may not be written in a sandbox.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours
  const go = 'GOCACHE="${TMPDIR:-/tmp}/go-build" go';
  return [
    { kind: 'lint', command: `${go} vet ./...`, from },
    { kind: 'test', command: `${go} test ./...`, from },
  ];
}

async function pythonGates(project: string): Promise<ProposedGate[]> {
  const has = (file: string) => exists(join(project, file));
  const pyproject = (await readText(join(project, 'pyproject.toml'))) ?? '';
  const configured = (tool: string) => new RegExp(`^\\[tool\\.${tool}\\b`, 'm').test(pyproject);
  const named = await requirementsOf(project, pyproject);
  const tests = await pythonTests(project);
  const tools: [CheckKind, string, boolean, string][] = [
    [
      'lint',
      'ruff check',
      configured('ruff') || (await has('ruff.toml')) || (await has('.ruff.toml')),
      'ruff',
    ],
    [
      'typecheck',
      'mypy .',
      configured('mypy') || (await has('mypy.ini')) || (await has('.mypy.ini')),
      'mypy',
    ],
    ['typecheck', 'pyright', (await has('pyrightconfig.json')) || configured('pyright'), 'pyright'],
    [
      'test',
      'pytest',
      configured('pytest') ||
        (await has('pytest.ini')) ||
        (await has('conftest.py')) ||
        (await has('tests/conftest.py')) ||
        (tests.length > 0 && /\bpytest\b/.test(named)),
      'pytest',
    ],
  ];
  const gates: ProposedGate[] = [];
  for (const [kind, command, isUsed, program] of tools) {
    if (!isUsed || gates.some((gate) => gate.kind === kind)) continue;
    const from = pyproject === '' ? 'its configuration' : 'pyproject.toml';
    const folder = (await has(`.venv/bin/${program}`))
      ? '.venv/bin/'
      : (await has(`venv/bin/${program}`))
        ? 'venv/bin/'
        : '';
    gates.push({ kind, command: `${folder}${command}`, from });
  }
  const folder = tests.find((text) => text.isUnittest)?.folder;
  if (folder !== undefined && !gates.some(({ kind }) => kind === 'test')) {
    const start = folder === '.' ? '' : ` -s ${folder} -t .`;
    gates.push({ kind: 'test', command: `python3 -m unittest discover${start}`, from: 'its tests' });
  }
  return gates;
}

/** What names the packages that a Python project needs, as one text. */
async function requirementsOf(project: string, pyproject: string): Promise<string> {
  const names = (await readdir(project)).filter((name) =>
    /^(requirements.*\.(txt|in)|setup\.(cfg|py)|tox\.ini|Pipfile)$/.test(name),
  );
  const texts = await mapBounded(names, (name) => readText(join(project, name)));
  return [pyproject, ...texts].join('\n');
}

export async function pythonTests(project: string): Promise<{ folder: string; isUnittest: boolean }[]> {
  const found = [];
  for (const folder of ['tests', 'test', '.']) {
    const names = await readdir(join(project, folder)).catch(() => []);
    for (const name of names.filter((one) => /^(test_.*|.*_test)\.py$/.test(one)).slice(0, 5)) {
      const text = (await readText(join(project, folder, name))) ?? '';
      found.push({ folder, isUnittest: /^\s*(import|from) unittest\b/m.test(text) });
    }
  }
  return found;
}

const SCRIPTS = [
  ...['test.sh', 'tests.sh', 'run-tests.sh', 'run_tests.sh', 'test/run.sh', 'tests/run.sh'],
  ...['script/test', 'scripts/test', 'scripts/test.sh', 'bin/test'],
];

/** Tests that are shell scripts, where nothing else tests. */
export async function shellGates(project: string): Promise<ProposedGate[]> {
  for (const folder of ['test', 'tests']) {
    const names = await readdir(join(project, folder)).catch(() => []);
    if (names.some((name) => name.endsWith('.bats')))
      return [{ kind: 'test', command: `bats ${folder}`, from: folder }];
  }
  for (const script of SCRIPTS) {
    const found = await stat(join(project, script)).catch(() => undefined);
    if (!found?.isFile()) continue;
    const isExecutable = (found.mode & 0o100) !== 0;
    return [{ kind: 'test', command: isExecutable ? `./${script}` : `sh ${script}`, from: script }];
  }
  return [];
}
