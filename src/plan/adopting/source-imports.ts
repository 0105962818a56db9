/** The files of the project that a source file imports, by simple rules for each language. Pure; reads no disk. */

import { ownValue } from '../../base/records/own-value.js';

/** What imports are looked up in. */
export interface SourceTree {
  has(path: string): boolean;
  /** The files directly in a folder (without `/` at its end; empty: the root). */
  filesIn(folder: string): readonly string[];
  /** Go modules, by the folder of their `go.mod`. */
  readonly goModules: ReadonlyMap<string, string>;
}

export interface ImportingFile {
  readonly path: string;
  readonly text: string;
}

export type SourceKind = 'script' | 'style' | 'python' | 'go' | 'other';

const KINDS: Readonly<Record<string, SourceKind>> = {
  ...Object.fromEntries(
    ['ts', 'tsx', 'mts', 'cts', 'js', 'jsx', 'mjs', 'cjs', 'vue', 'svelte', 'astro', 'html'].map(
      (ending) => [ending, 'script'] as const,
    ),
  ),
  ...Object.fromEntries(['css', 'scss', 'sass', 'less'].map((ending) => [ending, 'style'] as const)),
  ...Object.fromEntries(['py', 'pyi'].map((ending) => [ending, 'python'] as const)),
  go: 'go',
  ...Object.fromEntries(
    [
      'rs',
      'java',
      'kt',
      'cs',
      'rb',
      'php',
      'swift',
      'ex',
      'exs',
      'c',
      'h',
      'cc',
      'cpp',
      'hpp',
      'sh',
      'sql',
      'lua',
      'scala',
    ].map((ending) => [ending, 'other'] as const),
  ),
};

/** The kind of source code in a file; undefined: it is none, or unknown. */
export function sourceKind(path: string): SourceKind | undefined {
  return ownValue(KINDS, endingOf(path));
}

export function endingOf(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name.includes('.') ? name.slice(name.lastIndexOf('.') + 1).toLowerCase() : '';
}

export function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
}

/** Each once. Packages that are installed, and what is put together while a program runs, are not among them. */
export function importedPaths(file: ImportingFile, tree: SourceTree): readonly string[] {
  switch (sourceKind(file.path)) {
    case 'script':
      return found(scriptNames(file.text), (name) => relativeModule(file.path, name, tree));
    case 'style':
      return found(styleNames(file.text), (name) => relativeModule(file.path, name, tree));
    case 'python':
      return found(pythonNames(file.text), (name) => pythonModule(file.path, name, tree));
    case 'go':
      return found(goNames(file.text), (name) => goPackage(file.path, name, tree));
    default:
      return [];
  }
}

function found(names: Iterable<string>, resolve: (name: string) => readonly string[]): string[] {
  return [...new Set([...names].flatMap(resolve))];
}

const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`/g;
const SCRIPT_FORMS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*(['"])([^'"\n]+)\1/g,
  /\bimport\s*(['"])([^'"\n]+)\1/g,
  /\b(?:import|require|require\.resolve)\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\.(?:mock|unmock|doMock|importActual|importMock|requireActual)(?:<[^>()]*>)?\s*\(\s*(['"])([^'"\n]+)\1/g,
  /\bnew\s+URL\s*\(\s*(['"])([^'"\n]+)\1\s*,\s*import\.meta\.url/g,
  /<script\b[^>]*\ssrc=(['"])([^'"\n]+)\1/g,
];

function* scriptNames(text: string): Iterable<string> {
  const code = text.replace(COMMENT_OR_STRING, (part) => (/^\/[*/]/.test(part) ? ' ' : part));
  for (const form of SCRIPT_FORMS) for (const match of code.matchAll(form)) yield match[2] as string;
  for (const match of text.matchAll(/^\/\/\/\s*<reference\s+path=(['"])([^'"\n]+)\1/gm)) {
    const name = match[2] as string;
    yield name.startsWith('.') ? name : `./${name}`;
  }
}

function* styleNames(text: string): Iterable<string> {
  for (const match of text.matchAll(/@(?:import|use|forward)\s+(?:url\()?\s*(['"])([^'"\n]+)\1/g)) {
    const name = match[2] as string;
    yield name.startsWith('.') ? name : `./${name}`;
  }
}

/** Endings that an import may leave out, or name by what the file is compiled to. */
const ENDINGS = [
  '',
  '.ts',
  '.tsx',
  '.mts',
  '.cts',
  '.d.ts',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '.vue',
  '.json',
  '.css',
  '.scss',
];
const COMPILED: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx', '.d.ts', '.jsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts', '.d.mts'],
  '.cjs': ['.cts', '.d.cts'],
};

function relativeModule(from: string, name: string, tree: SourceTree): readonly string[] {
  if (!/^\.{1,2}(?:\/|$)/.test(name)) return [];
  const path = joined(folderOf(from), name.replace(/[?#].*$/, ''));
  if (path === undefined) return [];
  const ending = /\.[cm]?jsx?$/.exec(path)?.[0] ?? '';
  const bare = path.slice(0, path.length - ending.length);
  const candidates = [
    ...(path === '' ? [] : ENDINGS.map((one) => path + one)),
    ...(ownValue(COMPILED, ending) ?? []).map((one) => bare + one),
    ...ENDINGS.slice(1).map((one) => (path === '' ? `index${one}` : `${path}/index${one}`)),
  ];
  const hit = candidates.find((one) => tree.has(one));
  if (hit === undefined) return [];
  // Types that stand beside the code are a part of what is imported.
  const types = hit.replace(/\.[cm]?jsx?$/, (js) => `.d.${js.replace('x', '').slice(1).replace('js', 'ts')}`);
  return types !== hit && tree.has(types) ? [hit, types] : [hit];
}

function joined(folder: string, name: string): string | undefined {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** `a.b`, `.c`, and for `from a.b import c` both `a.b.c` and, behind it, `a.b`. */
function* pythonNames(text: string): Iterable<string> {
  const form =
    /^[ \t]*(?:from[ \t]+(\.*[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#;]+)|import[ \t]+([\w., \t]+))/gm;
  for (const [, from, names, modules] of text.matchAll(form)) {
    if (modules !== undefined) {
      for (const module of modules.split(',')) yield module.trim().split(/\s/)[0] ?? '';
      continue;
    }
    const base = from ?? '';
    const dot = base === '' || base.endsWith('.') ? '' : '.';
    for (const line of (names ?? '')
      .replace(/[()]/g, '')
      .replace(/#[^\n]*/g, '')
      .split(',')) {
      const name = line.trim().split(/\s/)[0] ?? '';
      // Names of a module's own are found behind it.
      yield name === '' || name === '*' ? base : `${base}${dot}${name}|${base}`;
    }
  }
}

function pythonModule(from: string, names: string, tree: SourceTree): readonly string[] {
  for (const name of names.split('|')) {
    const dots = /^\.*/.exec(name)?.[0].length ?? 0;
    const inner = name
      .slice(dots)
      .split('.')
      .filter((part) => part !== '');
    const up = folderOf(from)
      .split('/')
      .filter((part) => part !== '');
    const roots = dots > 0 ? [up.slice(0, Math.max(0, up.length - dots + 1)).join('/')] : pythonRoots(up);
    for (const root of roots) {
      const path = [...(root === '' ? [] : [root]), ...inner].join('/');
      const hits = [`${path}.py`, `${path}.pyi`, path === '' ? '__init__.py' : `${path}/__init__.py`].filter(
        (one) => one !== '.py' && one !== '.pyi' && tree.has(one),
      );
      if (hits.length > 0 && (inner.length > 0 || dots > 0)) return hits.filter((hit) => hit !== from);
    }
  }
  return [];
}

/** Where packages may start: the project, `src`, `lib`, and every folder above the file. */
function pythonRoots(up: readonly string[]): string[] {
  return [...new Set(['', 'src', 'lib', ...up.map((_, i) => up.slice(0, i + 1).join('/'))])];
}

function* goNames(text: string): Iterable<string> {
  for (const [, block, single] of text.matchAll(/^import\s+(?:\(([^)]*)\)|(?:[\w.]+\s+)?"([^"\n]+)")/gm)) {
    if (single !== undefined) yield single;
    for (const [, name] of (block ?? '').matchAll(/"([^"\n]+)"/g)) yield name as string;
  }
}

/** Every Go file of the package: a folder is one. */
function goPackage(from: string, name: string, tree: SourceTree): readonly string[] {
  for (const [folder, module] of tree.goModules) {
    if (name !== module && !name.startsWith(`${module}/`)) continue;
    const path = [folder, name.slice(module.length + 1)].filter((part) => part !== '').join('/');
    return path === folderOf(from) ? [] : tree.filesIn(path).filter((one) => one.endsWith('.go'));
  }
  return [];
}
