/**
 * Captures what a recipe left in its workspace as git objects: only what the task owns or may patch. Trusts neither
 * the index, nor `.git`, nor the ignore rules of the workspace.
 */

import { isUtf8 } from 'node:buffer';
import { readlink } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { lookSync, readBytes } from '../io/files.js';
import { git } from '../io/git/git-process.js';
import type { GitObjects } from '../io/git/objects.js';
import { isGitName, shownName } from '../io/git/raw-tree.js';
import { TreeLook } from '../io/git/reading/tree-look.js';
import { redactable, redactDeep } from '../io/process/environment.js';
import type { FileChange } from '../model/action.js';
import type { Failure } from '../model/failure.js';
import { patternSet } from '../model/paths/pattern-set.js';
import { type Entry, type Files, type ObjectId, sameEntry } from '../model/tree.js';
import { surveyWorkspace } from './large-trees/survey.js';
import { GitReading } from './reading/git-reading.js';
import { OwnReading } from './reading/own-reading.js';
import type { Reading, UnwrittenObjects } from './reading/reading.js';
import { type Restored, restoreFolder, type Seen, writeGitFile } from './restore.js';
import { type Workspace, workspaceCall } from './workspace.js';

/** Bytes of a link's target: what Linux allows. A longer one exists in no working tree. */
const MAX_TARGET = 4095;

export interface CaptureOptions {
  /** The tree that edits are compared with, and to which the workspace is put back when nothing may stay. */
  readonly inputTree: ObjectId;
  readonly outputs: readonly string[];
  readonly edits: readonly string[];
  readonly maxBytes: number;
  /** Values that may stand in no output. Absent: none. */
  readonly secrets?: readonly string[];
  /** What else was written is left behind without a word, instead of refusing the whole. */
  readonly ignoreOthers?: boolean;
  /** Nothing looks at the workspace or at the tree afterwards, unless the work is refused. */
  readonly isLast?: boolean;
}

export interface Captured {
  /** The input tree with outputs and edits: exactly what the workspace holds afterwards and the gates see. */
  readonly tree: ObjectId;
  readonly outputs: Files;
  readonly edits: readonly FileChange[];
  /** What else was written, without scratch files that the ignore rules name: it is gone. */
  readonly others: readonly string[];
  /** What of the tree is in no store yet (`writeObjects`); the contents of its files are held. Absent: nothing. */
  readonly unwritten?: UnwrittenObjects;
}

/** As `capture`; what a failure says of a path holds no secret. */
export async function captureResult(
  workspace: Workspace,
  objects: GitObjects,
  options: CaptureOptions,
): Promise<Result<Captured, Failure>> {
  const captured = await capture(workspace, objects, options);
  return captured.ok ? captured : err(redactDeep(captured.error, options.secrets ?? []));
}

/**
 * Captures the workspace and puts it to exactly the kept tree. Failures: `wrote-outside-outputs` (but for scratch files
 * that the input tree's own ignore rules ignore), `leaked-secret`, `unsafe-path`, `link-leaves-tree`, `output-too-large`. Whether outputs are
 * missing is for the caller to say.
 */
async function capture(
  workspace: Workspace,
  objects: GitObjects,
  options: CaptureOptions,
): Promise<Result<Captured, Failure>> {
  if (!lookSync(workspace.dir)?.isDirectory()) {
    return err({ kind: 'unsafe-path', path: '.', reason: 'the workspace was deleted' });
  }
  const { state, reading: own } = await lookAtFiles(workspace, objects);
  const planted = state.repositories[0];
  if (planted !== undefined) {
    return err({ kind: 'unsafe-path', path: planted, reason: 'it is itself a git repository' });
  }
  const outputSet = patternSet(options.outputs);
  const owned = (path: string) => options.edits.includes(path) || outputSet.matches(path);
  const special = state.special.find(owned);
  if (special !== undefined) {
    return err({ kind: 'unsafe-path', path: special, reason: 'it is a FIFO, a socket or a device, no file' });
  }
  const reading = own ?? (await GitReading.of(objects, workspace));
  const inside = new Set<string>();
  const outside = new Map<string, 'tracked' | 'new'>(state.special.map((path) => [path, 'new']));
  const unnamed: string[] = [];
  for (const { name, isNew } of reading.changed) {
    if (!isUtf8(name)) {
      unnamed.push(name.toString('latin1'));
      continue;
    }
    const path = name.toString('utf8');
    if (path.endsWith('/'))
      return err({ kind: 'unsafe-path', path, reason: 'it is itself a git repository' });
    if (owned(path)) inside.add(path);
    else if (outside.get(path) !== 'tracked') outside.set(path, isNew ? 'new' : 'tracked');
  }
  // Rules that the recipe wrote itself must not decide how its files are read. Those of other folders (of an installed package,
  // say) decide nothing: like any other file they are scratch, or reported below.
  const ruled = [...outside.keys()].filter((path) => {
    if (basename(path) !== '.gitattributes') return false;
    const folder = path.slice(0, -'.gitattributes'.length);
    return [...inside].some((one) => one.startsWith(folder));
  });
  if (ruled.length > 0) {
    await reading.reset(options.inputTree);
    return err({ kind: 'wrote-outside-outputs', paths: ruled.sort() });
  }
  const gitName = [...inside].find((path) => path.split('/').some(isGitName));
  if (gitName !== undefined) {
    return err({ kind: 'unsafe-path', path: gitName, reason: 'some file systems treat it as .git' });
  }
  const bytes = totalBytes(workspace.dir, inside);
  if (bytes > options.maxBytes) return err({ kind: 'output-too-large', bytes, limit: options.maxBytes });
  const leaks = await filesWith(workspace.dir, inside, options.secrets ?? []);
  if (leaks.length > 0) {
    // Nothing of it stays: neither an object nor the file.
    await reading.reset(options.inputTree);
    return err({ kind: 'leaked-secret', paths: leaks });
  }

  const inMemory =
    options.isLast === true && options.edits.length === 0 && !outputSet.includes.some((one) => one.isGlob);
  const taken = await reading.take(inside, inMemory);
  if (!taken.ok) return taken;
  const { tree, unwritten } = taken.value;

  // From here on the workspace is the kept tree and nothing else; what else was there is known by name. Where nothing else
  // was there and nobody looks, the next task's input tree takes its place anyway.
  if (!options.isLast || outside.size + unnamed.length > 0) await reading.reset(tree);
  else reading.leave();
  await writeGitFile(workspace.dir, workspace.gitDir);
  const call = workspaceCall(workspace);
  const isOwned = (name: string) => owned(Buffer.from(name, 'latin1').toString('utf8'));
  const strange = await withoutIgnored(
    unnamed.filter((name) => !isOwned(name)),
    call,
  );
  const refused = unnamed.find(isOwned) ?? (options.ignoreOthers ? undefined : strange[0]);
  if (refused !== undefined) {
    const path = shownName(Buffer.from(refused, 'latin1'));
    return err({ kind: 'unsafe-path', path, reason: 'its name is not UTF-8' });
  }
  const violations = await notIgnored(outside, call);
  if (violations.length > 0 && !options.ignoreOthers)
    return err({ kind: 'wrote-outside-outputs', paths: violations });
  if (state.root === 'other') {
    return err({ kind: 'unsafe-path', path: '.git', reason: 'it was replaced, and is no file any more' });
  }

  const read = async (id: ObjectId) => unwritten?.get(id)?.content ?? objects.read(id);
  const after = new TreeLook({ read, list: (id) => objects.list(id) }, tree);
  const outputs = await after.select(outputSet);
  const edits = await capturedEdits(objects, options, after);
  const changed = new Map<string, Entry>();
  for (const path of inside) {
    const entry = await after.get(path);
    if (entry) changed.set(path, entry);
  }
  const problem = await entryProblem({ read }, [...changed.keys()], changed);
  if (problem) return err(problem);
  for (const { type, content } of unwritten?.values() ?? []) if (type === 'blob') objects.hold(content);
  const others = [...violations, ...strange.map((name) => shownName(Buffer.from(name, 'latin1')))];
  return ok({ tree, outputs, edits, others, ...(unwritten === undefined ? {} : { unwritten }) });
}

/** Without a reading, git has to judge what has changed. */
async function lookAtFiles(
  workspace: Workspace,
  objects: GitObjects,
): Promise<{ readonly state: Restored; readonly reading: Reading | undefined }> {
  const { small, large } = workspace.shown;
  if (large) {
    const survey = await surveyWorkspace(objects, workspace, large);
    const isSound = survey.state.repositories.length === 0;
    const reading = isSound ? await OwnReading.ofLarge({ objects, workspace }, survey) : undefined;
    return { state: survey.state, reading };
  }
  const seen: Seen = { files: new Map(), folders: [], hasStrangeName: false };
  const state = await restoreFolder(workspace.dir, workspace.kept, small && seen);
  return { state, reading: small && (await OwnReading.ofSmall({ objects, workspace }, small, seen)) };
}

async function capturedEdits(
  objects: GitObjects,
  { edits, inputTree }: CaptureOptions,
  after: TreeLook,
): Promise<FileChange[]> {
  const before = new TreeLook(objects, inputTree);
  const found: FileChange[] = [];
  for (const path of edits) {
    const edit = { path, before: await before.get(path), after: await after.get(path) };
    if (!sameEntry(edit.before, edit.after)) found.push(edit);
  }
  return found;
}

function totalBytes(dir: string, paths: Iterable<string>): number {
  let bytes = 0;
  for (const path of paths) bytes += lookSync(join(dir, path))?.size ?? 0;
  return bytes;
}

/** Files that hold one of the secrets, in their content, their name or, of a link, its target. */
async function filesWith(
  dir: string,
  paths: Iterable<string>,
  secrets: readonly string[],
): Promise<string[]> {
  const wanted = redactable(secrets);
  const found: string[] = [];
  if (wanted.length === 0) return found;
  for (const path of paths) {
    const place = join(dir, path);
    const stat = lookSync(place);
    if (!stat) continue;
    const text = stat.isFile() ? await readBytes(place) : stat.isSymbolicLink() && (await readlink(place));
    const bytes = text || '';
    if (wanted.some((secret) => path.includes(secret) || bytes.includes(secret))) found.push(path);
  }
  return found.sort();
}

/** Changed tracked files, and new ones that the ignore rules of the input tree do not name. */
async function notIgnored(
  outside: ReadonlyMap<string, 'tracked' | 'new'>,
  call: Parameters<typeof git>[1],
): Promise<string[]> {
  const tracked = [...outside].filter(([, kind]) => kind === 'tracked').map(([path]) => path);
  const fresh = [...outside].filter(([, kind]) => kind === 'new').map(([path]) => path);
  const names = fresh.map((path) => Buffer.from(path, 'utf8').toString('latin1'));
  const left = (await withoutIgnored(names, call)).map((name) =>
    Buffer.from(name, 'latin1').toString('utf8'),
  );
  return [...tracked, ...left].sort();
}

/** Names as bytes, one character each. */
async function withoutIgnored(
  names: readonly string[],
  call: Parameters<typeof git>[1],
): Promise<readonly string[]> {
  if (names.length === 0) return names;
  const input = Buffer.from(names.map((name) => `${name}\0`).join(''), 'latin1');
  // Exit code 1: none is ignored.
  const exit = await git(['check-ignore', '--no-index', '-z', '--stdin'], { ...call, input });
  const ignored = new Set(exit.stdout.toString('latin1').split('\0'));
  return names.filter((name) => !ignored.has(name));
}

/** Why files that are in the store could not be a task's: their kind, where a link leads, their size in bytes. */
export async function contentProblem(
  objects: GitObjects,
  files: Files,
  maxBytes: number,
): Promise<Failure | undefined> {
  const problem = await entryProblem(objects, [...files.keys()], files);
  if (problem) return problem;
  let bytes = 0;
  for (const { id } of files.values()) bytes += (await objects.read(id))?.length ?? 0;
  return bytes > maxBytes ? { kind: 'output-too-large', bytes, limit: maxBytes } : undefined;
}

/** Why what is at these paths cannot be part of a result: a repository of its own, a link that leaves the project. */
export async function entryProblem(
  objects: Pick<GitObjects, 'read'>,
  paths: readonly string[],
  listing: Pick<Files, 'get'>,
): Promise<Failure | undefined> {
  for (const path of paths) {
    const entry = listing.get(path) as Entry;
    if (entry.mode === '160000')
      return { kind: 'unsafe-path', path, reason: 'it is itself a git repository' };
    if (entry.mode !== '120000') continue;
    const bytes = (await objects.read(entry.id)) ?? Buffer.alloc(0);
    if (bytes.length > MAX_TARGET) {
      const reason = `it is a link whose target has ${bytes.length} bytes; at most ${MAX_TARGET} are allowed`;
      return { kind: 'unsafe-path', path, reason };
    }
    if (!isUtf8(bytes))
      return { kind: 'unsafe-path', path, reason: 'it is a link whose target is not UTF-8' };
    const target = bytes.toString('utf8');
    const parts = target.split('/');
    const resolved = posix.normalize(posix.join(posix.dirname(path), target));
    const leaves = posix.isAbsolute(target) || resolved === '..' || resolved.startsWith('../');
    // After a name, `..` leads to where that name points, which is not what the text says when it is a link.
    const firstName = parts.findIndex((part) => part !== '' && part !== '.' && part !== '..');
    const turnsBack = firstName >= 0 && parts.includes('..', firstName);
    const intoGit = resolved.split('/').some((part) => part.toLowerCase() === '.git');
    if (leaves || turnsBack || intoGit) return { kind: 'link-leaves-tree', path, target };
  }
  return undefined;
}
