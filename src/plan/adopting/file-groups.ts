/**
 * Groups source files into the tasks of an adopted feature: a file with its test, a small folder, a Go package, and files
 * that import each other in a circle. Pure; reads no disk.
 */

import { compareBytes, sortedByBytes } from '../../base/order.js';
import {
  endingOf,
  folderOf,
  type ImportingFile,
  importedPaths,
  type SourceTree,
  sourceKind,
} from './source-imports.js';

/** Files that become one task. */
export interface FileGroup {
  /** In byte order. */
  readonly sources: readonly string[];
  readonly tests: readonly string[];
  /** Other groups that its files import from, by their index. */
  readonly needs: readonly number[];
  /** Files outside of all groups that its files import. */
  readonly outside: readonly string[];
}

/** A folder with this many groups at most, and no more bytes, is one task. */
const SMALL_FOLDER = 3;
const SMALL_BYTES = 16_384;

const TEST_NAME = /[._-](?:test|spec|e2e|cy)\.[cm]?[jt]sx?$|(?:^|\/)test_[^/]*\.py$|_test\.(?:py|go)$/;
const TEST_FOLDER = /(?:^|\/)(?:__tests__|tests?|spec)(?:\/|$)/;

export function isTest(path: string): boolean {
  return TEST_NAME.test(path) || TEST_FOLDER.test(folderOf(path));
}

/** Each needed group stands before those that need it. */
export function groupFiles(files: readonly ImportingFile[], tree: SourceTree): readonly FileGroup[] {
  const imports = new Map(files.map((file) => [file.path, importsOf(file, files, tree)] as const));
  const paths = sortedByBytes(imports.keys());
  const sources = paths.filter((path) => !isTest(path) || sourceKind(path) === 'go');
  const groups = new Grouping(imports);
  for (const path of sources) groups.put(path, ownName(path));
  joinSmallFolders(groups, sources, new Map(files.map(({ path, text }) => [path, text.length])));
  groups.joinCircles();
  // A test stands with its file unless what it imports needs that file, too.
  for (const path of paths) {
    if (sources.includes(path)) continue;
    const subject = subjectOf(path, sources);
    const name = subject === undefined ? undefined : groups.nameOf(subject);
    if (name !== undefined && !groups.wouldCircle(path, name)) groups.put(path, name);
    else groups.put(path, `test ${withoutEnding(path)}`);
  }
  groups.joinCircles();
  return groups.inOrder();
}

/** Tests of pytest read the `conftest.py` of every folder above them without importing it. */
function importsOf(
  file: ImportingFile,
  files: readonly ImportingFile[],
  tree: SourceTree,
): readonly string[] {
  const found = importedPaths(file, tree);
  if (sourceKind(file.path) !== 'python' || !isTest(file.path)) return found;
  const shared = files.filter(({ path }) => {
    const folder = folderOf(path);
    const isAbove = folder === '' || file.path.startsWith(`${folder}/`);
    return path !== file.path && isAbove && /(?:^|\/)conftest\.py$/.test(path);
  });
  return [...new Set([...found, ...shared.map(({ path }) => path)])];
}

/** Files of one name are one group: `list.tsx` and `list.module.css`. */
function ownName(path: string): string {
  switch (sourceKind(path)) {
    case 'go':
      return `go ${folderOf(path)}`;
    case 'other':
      // Which file needs which is not known.
      return `all .${endingOf(path)}`;
    case 'python':
      return `file ${path.replace(/\.pyi?$/, '')}`;
    default:
      return `file ${stemOf(path)}`;
  }
}

/** A path up to the first dot of its name. */
function stemOf(path: string): string {
  const start = path.lastIndexOf('/') + 1;
  const dot = path.indexOf('.', start + 1);
  return dot < 0 ? path : path.slice(0, dot);
}

function withoutEnding(path: string): string {
  return path.replace(/\.[^./]+$/, '');
}

/** The file that a test is about, by its name: beside it, or the only one of that name. */
function subjectOf(test: string, sources: readonly string[]): string | undefined {
  const name = test.slice(test.lastIndexOf('/') + 1);
  const word = name
    .replace(/\.[^.]+$/, '')
    .replace(/[._-](?:test|spec|e2e|cy)$/, '')
    .replace(/^test_|_test$/, '');
  const named = sources.filter((path) => {
    const own = path.slice(path.lastIndexOf('/') + 1);
    return own.replace(/\.[^.]+$/, '') === word && sourceKind(path) === sourceKind(test);
  });
  const folder = folderOf(test);
  const near = [folder, folder.replace(/(?:^|\/)(?:__tests__|tests?|spec)$/, '')];
  return named.find((path) => near.includes(folderOf(path))) ?? (named.length === 1 ? named[0] : undefined);
}

function joinSmallFolders(
  groups: Grouping,
  sources: readonly string[],
  bytes: ReadonlyMap<string, number>,
): void {
  const folders = groupedBy(
    sources.filter((path) => ['script', 'style', 'python'].includes(sourceKind(path) ?? '')),
    folderOf,
  );
  const top = commonFolder(sources);
  for (const [folder, paths] of folders) {
    const names = new Set(paths.map((path) => groups.nameOf(path)));
    const size = paths.reduce((sum, path) => sum + (bytes.get(path) ?? 0), 0);
    if (folder === top || names.size < 2 || names.size > SMALL_FOLDER || size > SMALL_BYTES) continue;
    for (const path of paths) groups.put(path, `folder ${folder}`);
  }
}

function groupedBy(paths: Iterable<string>, nameOf: (path: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const path of paths) groups.set(nameOf(path), [...(groups.get(nameOf(path)) ?? []), path]);
  return groups;
}

export function commonFolder(paths: readonly string[]): string {
  const [first, ...others] = paths.map((path) => folderOf(path).split('/'));
  if (!first) return '';
  const ends = others.map((parts) => first.findIndex((part, i) => part !== parts[i]));
  const length = Math.min(first.length, ...ends.filter((end) => end >= 0));
  return first.slice(0, length).join('/');
}

/** Groups by name while they are made. */
class Grouping {
  private readonly imports: ReadonlyMap<string, readonly string[]>;
  private readonly names = new Map<string, string>();

  constructor(imports: ReadonlyMap<string, readonly string[]>) {
    this.imports = imports;
  }

  put(path: string, name: string): void {
    this.names.set(path, name);
  }

  nameOf(path: string): string | undefined {
    return this.names.get(path);
  }

  /** Whether a file that joins the group imports something that needs the group. */
  wouldCircle(path: string, name: string): boolean {
    const edges = this.edges();
    const targets = (this.imports.get(path) ?? []).flatMap((one) => this.names.get(one) ?? []);
    return targets.some((target) => target !== name && reaches(edges, target, name));
  }

  joinCircles(): void {
    const edges = this.edges();
    for (const circle of circlesOf(edges)) {
      const all = new Set(circle);
      const [first] = sortedByBytes(circle);
      for (const [path, name] of this.names) if (all.has(name)) this.names.set(path, first as string);
    }
  }

  inOrder(): FileGroup[] {
    const members = groupedBy(this.names.keys(), (path) => this.names.get(path) as string);
    const edges = this.edges();
    const order = orderOf(edges, (name) => sortedByBytes(members.get(name) ?? [])[0] ?? '');
    return order.map((name) => {
      const paths = sortedByBytes(members.get(name) ?? []);
      const isOfGo = (path: string) => sourceKind(path) === 'go';
      const tests = paths.filter((path) => isTest(path) && (!isOfGo(path) || path.endsWith('_test.go')));
      const outside = paths.flatMap((path) =>
        (this.imports.get(path) ?? []).filter((one) => !this.names.has(one)),
      );
      return {
        sources: paths.filter((path) => !tests.includes(path)),
        tests,
        needs: [...(edges.get(name) ?? [])].map((need) => order.indexOf(need)).sort((a, b) => a - b),
        outside: sortedByBytes(new Set(outside)),
      };
    });
  }

  private edges(): Map<string, Set<string>> {
    const edges = new Map<string, Set<string>>();
    for (const [path, name] of this.names) {
      const targets = edges.get(name) ?? new Set<string>();
      for (const one of this.imports.get(path) ?? []) {
        const target = this.names.get(one);
        if (target !== undefined && target !== name) targets.add(target);
      }
      edges.set(name, targets);
    }
    return edges;
  }
}

type Edges = ReadonlyMap<string, ReadonlySet<string>>;

function reaches(edges: Edges, from: string, to: string): boolean {
  const seen = new Set([from]);
  for (const next of seen) {
    if (next === to) return true;
    for (const one of edges.get(next) ?? []) seen.add(one);
  }
  return false;
}

/** Sets of names that reach each other, with more than one name. */
function circlesOf(edges: Edges): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (root: string) => {
    const walk: { name: string; rest: string[] }[] = [];
    const enter = (name: string) => {
      index.set(name, index.size);
      low.set(name, index.get(name) as number);
      stack.push(name);
      walk.push({ name, rest: [...(edges.get(name) ?? [])] });
    };
    enter(root);
    for (let top = walk.at(-1); top; top = walk.at(-1)) {
      const { name, rest } = top;
      const next = rest.pop();
      if (next !== undefined) {
        if (!index.has(next)) enter(next);
        else if (stack.includes(next))
          low.set(name, Math.min(low.get(name) as number, index.get(next) as number));
        continue;
      }
      walk.pop();
      const above = walk.at(-1);
      if (above) low.set(above.name, Math.min(low.get(above.name) as number, low.get(name) as number));
      if (low.get(name) !== index.get(name)) continue;
      const circle = stack.splice(stack.indexOf(name));
      if (circle.length > 1) circles.push(circle);
    }
  };
  for (const name of edges.keys()) if (!index.has(name)) visit(name);
  return circles;
}

/** What is needed first; where the order is open, by the path of the first file. */
function orderOf(edges: Edges, pathOf: (name: string) => string): string[] {
  const names = [...edges.keys()].sort((a, b) => compareBytes(pathOf(a), pathOf(b)));
  const done = new Set<string>();
  while (done.size < names.length) {
    const next = names.find(
      (name) => !done.has(name) && [...(edges.get(name) ?? [])].every((need) => done.has(need)),
    );
    if (next === undefined) throw new Error('BUG: groups in a circle');
    done.add(next);
  }
  return [...done];
}
