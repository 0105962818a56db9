/** The spec files of a project on disk, without git: their contents, and the names of their tasks for suggestions. */

import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { throwIfNotSeen } from '../io/errors.js';
import { readBytes } from '../io/files.js';
import { type Entry, Listing, type ObjectId } from '../model/tree.js';
import { findSpecFiles, idsIn } from '../specs/spec-files.js';

export interface SpecsOnDisk {
  /** Files that may be specs, named as git names their contents. */
  readonly listing: Listing;
  readonly contents: ReadonlyMap<ObjectId, Buffer>;
}

/** `specs` is the folder of the specs, without `/` at its end; when there is none, nothing is found. */
export async function readSpecsOnDisk(directory: string, specs: string): Promise<SpecsOnDisk> {
  const entries = new Map<string, Entry>();
  const contents = new Map<ObjectId, Buffer>();
  const take = async (path: string, isLink: boolean) => {
    const bytes = (isLink ? undefined : await readBytes(`${directory}/${path}`)) ?? Buffer.alloc(0);
    const id = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    entries.set(path, { mode: isLink ? '120000' : '100644', id });
    contents.set(id, bytes);
  };
  for (const entry of await entriesOf(`${directory}/${specs}`)) {
    const path = `${specs}/${entry.name}`;
    if (entry.isDirectory()) {
      for (const inner of await entriesOf(`${directory}/${path}`)) {
        if (/^backlog\.ya?ml$/i.test(inner.name)) await take(`${path}/${inner.name}`, inner.isSymbolicLink());
      }
    } else if (entry.name.endsWith('.spec.md')) await take(path, entry.isSymbolicLink());
  }
  return { listing: new Listing(entries), contents };
}

async function entriesOf(folder: string) {
  return (await readdir(folder, { withFileTypes: true }).catch(throwIfNotSeen)) ?? [];
}

export interface TaskNames {
  readonly features: readonly string[];
  readonly labels: readonly string[];
}

/** In the order of files and of their lines. `specs` is the folder of the specs. A spec that is broken is read as well. */
export async function readTaskNames(directory: string, specs: string): Promise<TaskNames> {
  const { listing, contents } = await readSpecsOnDisk(directory, specs);
  const { files } = findSpecFiles(listing, specs);
  const labels = files.flatMap(({ feature, id, kind }) => {
    const text = contents.get(id)?.toString('utf8') ?? '';
    const front = kind === 'backlog' ? text : (text.split(/^---[ \t]*$/m)[1] ?? '');
    const ids = idsIn(front);
    const all = kind === 'spec-front-matter' && ids.length === 0 ? ['main'] : ids;
    return all.map((one) => `${feature}/${one}`);
  });
  return { features: files.map(({ feature }) => feature), labels: [...new Set(labels)] };
}
