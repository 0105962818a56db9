/** Writes new files into a project: all of them or none. Never overwrites and follows no link. */

import { lstat, mkdir, rename, rmdir, unlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { codeOf, exists, makeDir, makeTemporaryFolder, removeTree } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import { CONDUCTOR_FOLDER, ownFolderProblem } from '../../project/log-files.js';

export interface NewFile {
  /** Relative to the project, or to the new folder. */
  readonly path: string;
  readonly content: Uint8Array;
}

/** Takes back what was written. */
export type Undo = () => Promise<void>;

/** Fails with `files-in-the-way`, or `usage` where a folder on the way is none. */
export async function writeNewFiles(
  project: string,
  files: readonly NewFile[],
): Promise<Result<Undo, Failure>> {
  const wrong = await wayProblem(project, files);
  if (wrong) return err(wrong);
  const made: string[] = [];
  const undo = async () => {
    for (const path of made.reverse()) await unlink(path).catch(() => undefined);
    for (const path of made) await removeEmpty(dirname(path), project);
    made.length = 0;
  };
  for (const { path, content } of files) {
    try {
      await makeDir(dirname(join(project, path)));
      await writeFile(join(project, path), content, { flag: 'wx' });
      made.push(join(project, path));
    } catch (error) {
      await undo();
      if (codeOf(error) === 'EEXIST') return err({ kind: 'files-in-the-way', paths: [path] });
      throw error;
    }
  }
  return ok(undo);
}

/** A folder that appears in one step, whole. Its files are written beside the logs first. */
export async function writeNewFolder(
  project: string,
  folder: string,
  files: readonly NewFile[],
): Promise<Result<Undo, Failure>> {
  const target = join(project, folder);
  const wrong =
    (await wayProblem(project, [{ path: folder, content: new Uint8Array() }])) ?? ownFolderProblem(project);
  if (wrong) return err(wrong);
  const staged = await makeTemporaryFolder(join(project, CONDUCTOR_FOLDER));
  try {
    for (const { path, content } of files) {
      await makeDir(dirname(join(staged, path)));
      await writeFile(join(staged, path), content, { flag: 'wx' });
    }
    await mkdir(dirname(target), { recursive: true });
    await rename(staged, target);
  } catch (error) {
    await removeTree(staged);
    await removeEmpty(dirname(target), project);
    const code = codeOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return err({ kind: 'files-in-the-way', paths: [folder] });
    throw error;
  }
  return ok(async () => {
    await removeTree(target);
    await removeEmpty(dirname(target), project);
  });
}

/** What is already there, or a link on the way: a repository's link must not lead a write out of it. */
async function wayProblem(project: string, files: readonly NewFile[]): Promise<Failure | undefined> {
  const there: string[] = [];
  for (const { path } of files) {
    const parts = path.split('/');
    for (let length = 1; length < parts.length; length++) {
      const folder = parts.slice(0, length).join('/');
      const found = await lstat(join(project, folder)).catch(() => undefined);
      if (!found) break;
      if (found.isDirectory()) continue;
      const message = `${path} cannot be written: ${folder} is not a folder`;
      return { kind: 'usage', message, hint: 'conductor follows no links; put a folder there' };
    }
    if (await exists(join(project, path))) there.push(path);
  }
  return there.length > 0 ? { kind: 'files-in-the-way', paths: there } : undefined;
}

/** Removes folders that are left empty, up to the project. */
async function removeEmpty(folder: string, project: string): Promise<void> {
  for (let one = folder; one.length > project.length; one = dirname(one)) {
    try {
      await rmdir(one);
    } catch {
      return;
    }
  }
}
