/** The places and names of specs in a project, and the names that their texts give to tasks. Reads no file. */

import type { Diagnostic } from '../model/failure.js';
import { isName, NAME_HINT, NAME_PATTERN } from '../model/paths/names.js';
import type { Listing, ObjectId } from '../model/tree.js';

export interface SpecFile {
  readonly kind: 'backlog' | 'spec-front-matter';
  readonly feature: string;
  readonly file: string;
  /** Where its documents are, with `/` at the end. */
  readonly folder: string;
  readonly lockFile: string;
  readonly id: ObjectId;
}

/** `id: T01` in any form that YAML has for it, where a key can stand: the same words in a sentence are none. */
const ID = new RegExp(
  String.raw`(?:^[ \t-]*|[{,][ \t]*)["']?id["']?[ \t]*:[ \t]*["']?(${NAME_PATTERN})(?=["'\s,}#]|$)`,
  'gm',
);
const SINGLE = '.spec.md';

/** Whether a file of this name is a backlog, or was probably meant as one. */
export function isLikeBacklog(name: string): boolean {
  return /^backlog\.ya?ml$/i.test(name);
}

/** The ids of tasks that a YAML text names, also one that cannot be parsed. In its order. */
export function idsIn(text: string): string[] {
  return [...text.matchAll(ID)].map((found) => found[1] as string);
}

/** The spec files of the project in byte order, and what looks like one and is none. */
export function findSpecFiles(
  listing: Listing,
  specs: string,
): { readonly files: SpecFile[]; readonly diagnostics: Diagnostic[] } {
  const root = `${specs}/`;
  const files: SpecFile[] = [];
  const diagnostics: Diagnostic[] = [];
  const byFeature = new Map<string, string>();
  for (const path of listing.under(root)) {
    const parts = path.slice(root.length).split('/');
    const last = parts.at(-1) as string;
    const report = (message: string, hint: string) => diagnostics.push({ file: path, message, hint });
    const isSingle = parts.length === 1 && last.endsWith(SINGLE);
    if (!isSingle && !isLikeBacklog(last)) continue;
    if (!isSingle && parts.length !== 2) {
      report(
        'is ignored: a backlog must be in the folder of its feature',
        `move it to \`${root}${parts.at(-2) ?? 'feature-001-first'}/BACKLOG.yaml\``,
      );
      continue;
    }
    if (!isSingle && last !== 'BACKLOG.yaml') {
      report(
        'is ignored: a backlog must be named BACKLOG.yaml',
        `rename it to ${path.slice(0, -last.length)}BACKLOG.yaml`,
      );
      continue;
    }
    const feature = isSingle ? last.slice(0, -SINGLE.length) : (parts[0] as string);
    const entry = listing.get(path);
    if (!entry || entry.mode === '120000' || entry.mode === '160000') {
      report('is ignored: it is a link', 'put the spec itself in its place');
    } else if (!isName(feature)) {
      report(`\`${feature}\` cannot be the name of a feature`, NAME_HINT);
    } else if (byFeature.has(feature)) {
      report(`the feature \`${feature}\` has another spec, ${byFeature.get(feature)}`, 'rename one of them');
    } else {
      byFeature.set(feature, path);
      const folder = isSingle ? root : `${root}${feature}/`;
      const lockFile = isSingle ? `${root}${feature}.spec.metadata.json` : `${folder}.metadata.json`;
      const kind = isSingle ? 'spec-front-matter' : 'backlog';
      files.push({ kind, feature, file: path, folder, lockFile, id: entry.id });
    }
  }
  return { files, diagnostics };
}

const NUMBERED = /^feature-(\d+)(?:-|\.|$)/;
const FEATURE_NAME = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** The number after the highest one of these names of folders and single files, in three digits at least. */
export function nextNumber(names: readonly string[]): string {
  const numbers = names.map((name) => Number(NUMBERED.exec(name)?.[1] ?? 0));
  return String(Math.max(0, ...numbers) + 1).padStart(3, '0');
}

export function numberedName(number: string, name: string): string {
  return `feature-${number}-${name}`;
}

/** Whether this can follow the number in the name of a feature. */
export function isFeatureName(name: string): boolean {
  return FEATURE_NAME.test(name) && name.length <= 80;
}
