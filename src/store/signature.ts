/** What a signature covers: the key and the files. Knows no signing keys. */

import { createHash } from 'node:crypto';
import { compareBytes } from '../base/order.js';
import type { Result } from '../base/result.js';
import type { GitObjects } from '../io/git/objects.js';
import { digestFields } from '../model/digest.js';
import type { Files } from '../model/tree.js';
import type { EntryName } from './encoded-entry.js';

export const SIGNATURE_FILE = 'signature.json';

/** As it is in an entry, with the files that it covers. */
export interface Signature {
  readonly schema: 1;
  /** The signer, as the file of signers has it. */
  readonly by: string;
  readonly kind: 'ed25519' | 'ssh';
  /** Base64 of an ed25519 signature, or what `ssh-keygen -Y sign` writes. */
  readonly value: string;
}

export interface Signer {
  /** Or why it cannot be signed now. */
  sign(statement: Buffer): Promise<Result<Signature, string>>;
}

export interface SignatureCheck {
  /** Why it cannot be believed; undefined when one of the trusted signers has signed exactly this. */
  problem(statement: Buffer, signature: Signature): Promise<string | undefined>;
}

/**
 * The bytes that are signed: the entry's name and a SHA-256 over the paths, modes and contents of its files. Git's own
 * ids are not part of it, so that a signature never rests on SHA-1. Undefined when a file cannot be read.
 */
export async function statementOf(
  objects: Pick<GitObjects, 'read'>,
  name: EntryName,
  files: Files,
): Promise<Buffer | undefined> {
  const fields: string[] = [name];
  const signed = [...files]
    .filter(([path]) => path !== SIGNATURE_FILE)
    .sort(([a], [b]) => compareBytes(a, b));
  for (const [path, entry] of signed) {
    const content = await objects.read(entry.id);
    if (!content) return undefined;
    fields.push(path, entry.mode, createHash('sha256').update(content).digest('hex'));
  }
  return Buffer.from(`conductor signature 1\n${digestFields('conductor.signature.1', fields)}\n`);
}

export function parseSignature(text: string | undefined): Signature | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<Signature>;
    const sound =
      value.schema === 1 &&
      typeof value.by === 'string' &&
      (value.kind === 'ed25519' || value.kind === 'ssh') &&
      typeof value.value === 'string';
    return sound ? (value as Signature) : undefined;
  } catch {
    return undefined;
  }
}
