/** A body that arrives in pieces: hashed and measured on the way, into memory or a file. Knows no protocol. */

import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

export interface ReceivedBody {
  /** Empty where the body went to a file. */
  readonly body: Buffer;
  readonly bytes: number;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** Thrown when more arrives than may. */
export class BodyTooLarge extends Error {}

export async function receiveBody(
  source: Readable,
  { maxBytes, toFile }: { readonly maxBytes: number; readonly toFile?: string | undefined },
): Promise<ReceivedBody> {
  const hash = createHash('sha256');
  const chunks: Buffer[] = [];
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      hash.update(chunk);
      if (bytes > maxBytes) done(new BodyTooLarge());
      else done(null, chunk);
    },
  });
  if (toFile !== undefined) await pipeline(source, measured, createWriteStream(toFile));
  else {
    await pipeline(source, measured, async (arriving) => {
      for await (const chunk of arriving) chunks.push(chunk as Buffer);
    });
  }
  return { body: Buffer.concat(chunks), bytes, sha256: hash.digest('hex') };
}
