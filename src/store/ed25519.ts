/** Ed25519 keys in the forms in which people have them: PEM and OpenSSH. Signs and verifies nothing. */

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** What stands before the 32 bytes of a key in PKCS #8 and in SPKI. */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const TYPE = 'ssh-ed25519';

/** The private key in a text; undefined when it is of another kind, or locked with a passphrase. */
export function parsePrivateKey(text: string): KeyObject | undefined {
  const openssh = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]+?)-----END/.exec(text)?.[1];
  try {
    if (openssh !== undefined) return fromOpenssh(Buffer.from(openssh, 'base64'));
    const key = createPrivateKey(text);
    return key.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** A public key as a line of ssh has it, without its type: base64 of type and 32 bytes. */
export function parsePublicKey(base64: string): KeyObject | undefined {
  try {
    const [type, key] = fields(Buffer.from(base64, 'base64'));
    if (type?.toString() !== TYPE || key?.length !== 32) return undefined;
    return createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, key]), format: 'der', type: 'spki' });
  } catch {
    return undefined;
  }
}

/** `openssh-key-v1`, cipher, its options, the number of keys, the public key, and in one field the private part. */
function fromOpenssh(raw: Buffer): KeyObject | undefined {
  const magic = 'openssh-key-v1\0';
  if (raw.toString('latin1', 0, magic.length) !== magic) return undefined;
  const head = fields(raw.subarray(magic.length), 3);
  const [cipher] = head;
  if (cipher?.toString() !== 'none') return undefined;
  const after = magic.length + head.reduce((sum, field) => sum + 4 + field.length, 0) + 4;
  const [, secret] = fields(raw.subarray(after), 2);
  // Two equal numbers, then type, public key, private key and comment.
  const [type, , key] = fields((secret ?? Buffer.alloc(8)).subarray(8), 3);
  if (type?.toString() !== TYPE || key?.length !== 64) return undefined;
  const der = Buffer.concat([PRIVATE_PREFIX, key.subarray(0, 32)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

/** Fields with their length in four bytes before them, at most `count`. */
function fields(raw: Buffer, count = Number.POSITIVE_INFINITY): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 4 <= raw.length && found.length < count; ) {
    const length = raw.readUInt32BE(at);
    if (at + 4 + length > raw.length) break;
    found.push(raw.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}
