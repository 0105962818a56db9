/** The content of objects as git keeps it on disk: streams of zlib, for short ones without compression. */

import { deflateSync } from 'node:zlib';

/** Objects are small, and what is kept is packed later: speed before size. */
const LEVEL = 1;
/** Bytes up to which an object is not compressed, and up to which a small window is enough. */
const SHORT = 200;
const SMALL_WINDOW = 4096;

/**
 * A zlib stream. Most objects of a result are trees, commits and short texts: they shrink by less than what zlib needs to begin, so
 * that they are only framed. For others the window is as large as the content, because zlib clears all of it first.
 */
export function compressed(content: Buffer): Buffer {
  if (content.length <= SHORT) return framed(content);
  if (content.length > SMALL_WINDOW) return deflateSync(content, { level: LEVEL });
  return deflateSync(content, { level: LEVEL, windowBits: 12, memLevel: 5, chunkSize: SMALL_WINDOW });
}

/** One block that is stored as it is, with the checksum of zlib (Adler-32). */
function framed(content: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(content.length + 11);
  bytes.set([0x78, 0x01, 1]);
  bytes.writeUInt16LE(content.length, 3);
  bytes.writeUInt16LE(~content.length & 0xffff, 5);
  content.copy(bytes, 7);
  let [low, high] = [1, 0];
  for (const byte of content) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  bytes.writeUInt16BE(high, content.length + 7);
  bytes.writeUInt16BE(low, content.length + 9);
  return bytes;
}
