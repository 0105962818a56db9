/**
 * SHA-256 of a short text. Node's own is faster but takes milliseconds to load, which a build with nothing to do
 * would pay for a few names.
 */

/** The first 32 bits behind the point of the cube roots of the first 64 primes, and of the square roots of eight. */
// biome-ignore format: a table
const ROUNDS = [
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
];
// biome-ignore format: a table
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];

const rotate = (word: number, by: number) => (word >>> by) | (word << (32 - by));

/** Hexadecimal. Written for a few calls, which no compiler makes faster: with plain loops, and without copies. */
export function sha256(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const message = new Uint8Array(blocks * 64);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setUint32(blocks * 64 - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(blocks * 64 - 4, (bytes.length * 8) >>> 0);
  const hash = [...START];
  for (let block = 0; block < blocks; block++) mix(hash, view, block * 64);
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

type Eight = [number, number, number, number, number, number, number, number];

function mix(hash: number[], message: DataView, at: number): void {
  const words: number[] = [];
  for (let i = 0; i < 16; i++) words.push(message.getInt32(at + i * 4));
  let [a, b, c, d, e, f, g, h] = hash as Eight;
  for (let i = 0; i < 64; i++) {
    if (i > 15) {
      const near = words[i - 15] as number;
      const far = words[i - 2] as number;
      const first = rotate(near, 7) ^ rotate(near, 18) ^ (near >>> 3);
      const second = rotate(far, 17) ^ rotate(far, 19) ^ (far >>> 10);
      words.push(((words[i - 16] as number) + first + (words[i - 7] as number) + second) | 0);
    }
    const upper = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const first = h + upper + ((e & f) ^ (~e & g)) + (ROUNDS[i] as number) + (words[i] as number);
    const lower = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const second = lower + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) hash[i] = ((hash[i] as number) + value) | 0;
}
