/** The lines in which git's programs speak to each other: a length in four digits, then the text. Knows no request. */

/** Ends a message. */
export const FLUSH = Buffer.from('0000');
/** Stands between a request and its arguments. */
export const DELIMITER = Buffer.from('0001');
const HEAD = 4;

export function packet(text: string): Buffer {
  const content = Buffer.from(text);
  return Buffer.concat([Buffer.from((content.length + HEAD).toString(16).padStart(HEAD, '0')), content]);
}

/** A line, or what stands in its place. */
export type Packet = Buffer | 'flush' | 'delimiter' | 'end';

/** Takes a stream of packets apart. `end`: the other side has ended, in the middle of one or between two. */
export class PacketReader {
  private chunks: Buffer[] = [];
  private length = 0;
  private isOver = false;
  private wake: () => void = () => {};

  constructor(stream: NodeJS.ReadableStream) {
    stream.on('data', (chunk: Buffer) => {
      this.chunks.push(chunk);
      this.length += chunk.length;
      this.wake();
    });
    const end = () => {
      this.isOver = true;
      this.wake();
    };
    for (const event of ['end', 'close', 'error']) stream.on(event, end);
  }

  async next(): Promise<Packet> {
    const head = await this.take(HEAD);
    if (!head) return 'end';
    const size = Number.parseInt(head.toString('latin1'), 16);
    if (size === 0) return 'flush';
    if (size === 1) return 'delimiter';
    if (!(size >= HEAD)) return 'end';
    return (await this.take(size - HEAD)) ?? 'end';
  }

  /** The lines up to the end of the message. */
  async message(): Promise<string[] | undefined> {
    const lines: string[] = [];
    for (;;) {
      const one = await this.next();
      if (one === 'flush') return lines;
      if (one === 'end') return undefined;
      if (one !== 'delimiter') lines.push(one.toString('utf8').replace(/\n$/, ''));
    }
  }

  private async take(size: number): Promise<Buffer | undefined> {
    while (this.length < size) {
      if (this.isOver) return undefined;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    const all = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    this.chunks = all.length > size ? [all.subarray(size)] : [];
    this.length -= size;
    return all.subarray(0, size);
  }
}
