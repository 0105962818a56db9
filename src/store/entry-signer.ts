/**
 * Signs what is made here. What cannot be signed is kept without a signature and with a mark, and is signed before it is sent:
 * only what has a mark, so that nobody signs what others made. Knows no remote.
 */

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitObjects } from '../io/git/objects.js';
import { ObjectSet } from '../io/git/writing/object-set.js';
import { canonicalJson } from '../model/digest.js';
import type { Files, ObjectId } from '../model/tree.js';
import type { EntryName } from './encoded-entry.js';
import { entryFiles, entryMessage } from './entry-message.js';
import { SIGNATURE_FILE, type Signature, type Signer, statementOf } from './signature.js';

interface EntrySignerParts {
  /** Absent: the key is not on this machine. What a mark names still waits for it. */
  readonly signer?: Signer | undefined;
  /** The folder of conductor's own repository. */
  readonly home: string;
  /** Gets why results cannot be signed, once. */
  warn(message: string): void;
}

export class EntrySigner {
  private readonly parts: EntrySignerParts;
  private readonly marks: string;
  private isTold = false;

  constructor(parts: EntrySignerParts) {
    this.parts = parts;
    this.marks = join(parts.home, 'unsigned');
  }

  /** Undefined where it cannot be signed now: work that was paid for is not lost for want of a key. */
  async signature(
    objects: Pick<GitObjects, 'read'>,
    name: EntryName,
    files: Files,
  ): Promise<Signature | undefined> {
    if (!this.parts.signer) return undefined;
    const statement = await statementOf(objects, name, files);
    const signed = statement && (await this.sign(statement));
    if (!statement || signed) return signed;
    await mkdir(this.marks, { recursive: true }).catch(() => {});
    // A mark that cannot be written (a full disk) keeps nothing from being built.
    await writeFile(this.markOf(statement), '').catch(() => {});
    return undefined;
  }

  /**
   * The commit, or one with the signature that could not be made before, which `place` puts in its stead; undefined while
   * it still cannot be made.
   */
  async signed(
    objects: GitObjects,
    name: EntryName,
    commit: ObjectId,
    place: (commit: ObjectId) => Promise<void>,
  ): Promise<ObjectId | undefined> {
    const files = existsSync(this.marks) ? await entryFiles(objects, commit) : undefined;
    if (!files || files.has(SIGNATURE_FILE)) return commit;
    const statement = await statementOf(objects, name, files);
    if (!statement || !existsSync(this.markOf(statement))) return commit;
    const signature = await this.sign(statement);
    if (!signature) return undefined;
    const set = new ObjectSet(objects.hash);
    const id = set.add('blob', signatureText(signature));
    const tree = set.tree(new Map(files).set(SIGNATURE_FILE, { mode: '100644', id }));
    const made = set.commit(tree, await entryMessage(objects, name, files));
    for (const { type, content } of set.objects.values()) await objects.write(type, content);
    // Only then: a process killed between the two would leave an unsigned entry that nobody signs.
    await place(made);
    await rm(this.markOf(statement), { force: true }).catch(() => {});
    return made;
  }

  private async sign(statement: Buffer): Promise<Signature | undefined> {
    const signed = await this.parts.signer?.sign(statement);
    if (!signed) return undefined;
    if (signed.ok) return signed.value;
    if (!this.isTold)
      this.parts.warn(
        `results could not be signed: ${signed.error}. conductor keeps them here without a signature and does not send them; add the key to your ssh agent or correct \`cache.sign\`, and the next build signs and sends them`,
      );
    this.isTold = true;
    return undefined;
  }

  private markOf(statement: Buffer): string {
    return join(this.marks, createHash('sha256').update(statement).digest('hex'));
  }
}

function signatureText(signature: Signature): Buffer {
  return Buffer.from(`${canonicalJson(signature)}\n`);
}
