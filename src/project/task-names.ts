/** The names of features and tasks from a quick read of the spec files: for suggestions, not for building. */

import { findSpecFiles } from '../specs/spec-files.js';
import { readSpecsOnDisk } from './specs-on-disk.js';

export interface TaskNames {
  readonly features: readonly string[];
  readonly labels: readonly string[];
}

/** `id: T01` in any of the forms that YAML has for it; the names that a spec may use are plain words. */
const ID = /(?:^|[\s{,])["']?id["']?\s*:\s*["']?([A-Za-z0-9_][A-Za-z0-9._-]*)["']?\s*(?=$|[,}#])/gm;

/** In the order of files and of their lines. `specs` is the folder of the specs. A spec that is broken is read as well. */
export async function readTaskNames(directory: string, specs: string): Promise<TaskNames> {
  const { listing, contents } = await readSpecsOnDisk(directory, specs);
  const { files } = findSpecFiles(listing, specs);
  const labels = files.flatMap(({ feature, id, kind }) => {
    const text = contents.get(id)?.toString('utf8') ?? '';
    const front = kind === 'backlog' ? text : (text.split(/^---[ \t]*$/m)[1] ?? '');
    const ids = [...front.matchAll(ID)].map((match) => match[1] as string);
    const all = kind === 'spec-front-matter' && ids.length === 0 ? ['main'] : ids;
    return all.map((one) => `${feature}/${one}`);
  });
  return { features: files.map(({ feature }) => feature), labels: [...new Set(labels)] };
}
