/**
 * Decides whether to trust an entry from a remote, by its origin and its signature, before any ref names it. Does not
 * know where it comes from.
 */

import type { GitObjects } from '../io/git/objects.js';
import { isGitName, leavesFolder } from '../io/git/raw-tree.js';
import type { Origin } from '../model/action.js';
import type { Trust } from '../model/cache-config.js';
import { type Files, Listing } from '../model/tree.js';
import type { EntryName } from './encoded-entry.js';
import { parseSignature, SIGNATURE_FILE, type SignatureCheck, statementOf } from './signature.js';

export interface AdmissionPolicy {
  readonly trust: Trust;
  /** Who builds here: a pull request may use what pull requests made. */
  readonly here: Origin;
  /** Present where `trust` is `signed`. */
  readonly signatures?: SignatureCheck;
}

/** Whether what this maker made may be used here at all, wherever it lies. */
export function acceptsOrigin(
  policy: Pick<AdmissionPolicy, 'trust' | 'here'>,
  origin: Origin | undefined,
): boolean {
  return policy.trust === 'all' || policy.here.pullRequest || origin?.pullRequest !== true;
}

export interface ArrivedEntry {
  readonly name: EntryName;
  readonly files: Files;
  /** By its own word. */
  readonly origin: Origin | undefined;
  /** A lock file records exactly these files: its review was a review of them, whatever their origin. */
  readonly isRecorded?: boolean;
}

/** Why an entry is not believed; undefined when it is. */
export async function admissionProblem(
  policy: AdmissionPolicy,
  objects: GitObjects,
  { name, files, origin, isRecorded = false }: ArrivedEntry,
): Promise<string | undefined> {
  if (!isRecorded && !acceptsOrigin(policy, origin))
    return 'it was built for a pull request, and the config does not trust those';
  if (policy.trust !== 'signed') return undefined;
  if (!policy.signatures) return 'the config trusts only signed results, and names no `signers`';
  const entry = files.get(SIGNATURE_FILE);
  const signature = parseSignature(entry && (await objects.read(entry.id))?.toString('utf8'));
  if (!signature) return 'it is not signed';
  const statement = await statementOf(objects, name, files);
  return statement ? policy.signatures.problem(statement, signature) : 'its files cannot be read';
}

const FOLDERS = /^(outputs|edits\/(base|before|after))\//;
const SINGLE = new Set(['result.json', 'gates.json', SIGNATURE_FILE]);

/** Why a listing of an entry's files is not one that conductor writes; undefined when it is. */
export function shapeProblem(files: Files): string | undefined {
  const listing = new Listing(files);
  for (const path of listing.paths) {
    const mode = listing.get(path)?.mode;
    if (mode === '160000') return `${path} is itself a git repository`;
    if (SINGLE.has(path) && mode === '100644') continue;
    const inside = FOLDERS.exec(path);
    if (!inside) return `${path} does not belong to a result`;
    const parts = path.slice(inside[0].length).split('/');
    if (parts.some((part) => leavesFolder(part) || isGitName(part))) return `${path} is not a safe path`;
    if (listing.under(`${path}/`).length > 0) return `${path} is both a file and a folder`;
  }
  return undefined;
}
