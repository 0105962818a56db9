/**
 * An entry in the form of the remote execution protocol: an `ActionResult` in JSON that names files by SHA-256 and
 * size. Trusts no arriving data to have any form.
 */

import { compareBytes } from '../../base/order.js';
import { isDigest } from '../../model/digest.js';

export interface ActionFile {
  readonly path: string;
  readonly hash: string;
  readonly size: number;
  readonly executable: boolean;
}

export interface ActionLink {
  readonly path: string;
  readonly target: string;
}

export interface Action {
  readonly files: readonly ActionFile[];
  readonly links: readonly ActionLink[];
}

const MOST_FILES = 100_000;

/** JSON as Google's mapping of protocol buffers has it: camel case, 64-bit numbers as text, defaults left out. */
export function formatAction(action: Action): Buffer {
  const value = {
    outputFiles: sorted(action.files).map(({ path, hash, size, executable }) => ({
      path,
      digest: { hash, sizeBytes: String(size) },
      ...(executable ? { isExecutable: true } : {}),
    })),
    ...(action.links.length > 0 ? { outputSymlinks: sorted(action.links) } : {}),
    // Servers fill in the address of the writer unless there is a worker.
    executionMetadata: { worker: 'conductor' },
  };
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Undefined when it is no such thing. Names may be in camel case or with underscores, numbers may be text. */
export function parseAction(body: Buffer): Action | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const files = listOf(value, 'outputFiles', 'output_files').map(parseFile);
  const links = [
    ...listOf(value, 'outputSymlinks', 'output_symlinks'),
    ...listOf(value, 'outputFileSymlinks', 'output_file_symlinks'),
  ].map(parseLink);
  if (files.length + links.length > MOST_FILES) return undefined;
  if (files.includes(undefined) || links.includes(undefined) || files.length === 0) return undefined;
  return { files: files as ActionFile[], links: links as ActionLink[] };
}

export function sameAction(a: Action, b: Action): boolean {
  return formatAction(a).equals(formatAction(b));
}

function parseFile(value: unknown): ActionFile | undefined {
  const path = field(value, 'path');
  const digest = field(value, 'digest');
  const hash = field(digest, 'hash');
  // An empty file has no size in the JSON of some servers.
  const size = Number(field(digest, 'sizeBytes', 'size_bytes') ?? 0);
  if (typeof path !== 'string' || !isDigest(hash)) return undefined;
  if (!Number.isSafeInteger(size) || size < 0) return undefined;
  return { path, hash, size, executable: field(value, 'isExecutable', 'is_executable') === true };
}

function parseLink(value: unknown): ActionLink | undefined {
  const path = field(value, 'path');
  const target = field(value, 'target');
  return typeof path === 'string' && typeof target === 'string' ? { path, target } : undefined;
}

function listOf(value: unknown, ...names: string[]): unknown[] {
  const found = field(value, ...names);
  return Array.isArray(found) ? found : [];
}

function field(value: unknown, ...names: string[]): unknown {
  if (value === null || typeof value !== 'object') return undefined;
  const record = value as Record<string, unknown>;
  return names.map((name) => record[name]).find((one) => one !== undefined);
}

function sorted<T extends { readonly path: string }>(list: readonly T[]): T[] {
  return [...list].sort((a, b) => compareBytes(a.path, b.path));
}
