import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastLines, Output, type OutputOptions } from './process-output.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-output-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const lines: string[] = [];
function output(options: Partial<OutputOptions> = {}): Output {
  lines.length = 0;
  const onLine = (line: string) => lines.push(line);
  return new Output({ maxLogBytes: 1e6, maxTailBytes: 100, secrets: [], onLine, ...options });
}

test('lines are put together from chunks, characters too', () => {
  const out = output();
  const bytes = Buffer.from('größe\r\nzwei\nrest');
  for (const byte of bytes) out.take(Buffer.from([byte]), 'stdout');
  expect(out.finish()).toBe('größe\nzwei\nrest\n');
  expect(lines).toEqual(['größe', 'zwei', 'rest']);
});

test('bytes that are no UTF-8 become replacement characters', () => {
  const out = output();
  out.take(Buffer.from([0x61, 0xff, 0xc3, 0x0a]), 'stdout');
  expect(out.finish()).toBe('a\ufffd\ufffd\n');
});

test('the streams do not mix within a line', () => {
  const out = output();
  out.take(Buffer.from('out '), 'stdout');
  out.take(Buffer.from('err\n'), 'stderr');
  out.take(Buffer.from('put\n'), 'stdout');
  out.finish();
  expect(lines).toEqual(['err', 'out put']);
});

test('of a progress bar the line shows the last state', () => {
  const out = output();
  out.take(Buffer.from('10%\r50%\r100%\n'), 'stdout');
  expect(lines).toEqual(['100%']);
});

test('the tail keeps whole last lines within its bytes', () => {
  const out = output();
  for (let i = 0; i < 50_000; i++) out.take(Buffer.from(`line ${i}\n`), 'stdout');
  const tail = out.finish();
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(100);
  expect(tail.startsWith('line 4999')).toBe(true);
  expect(tail.endsWith('line 49999\n')).toBe(true);
});

test('endless output without a line break keeps only its end', () => {
  const out = output();
  for (let i = 0; i < 200; i++) out.take(Buffer.alloc(65_536, 'é'), 'stdout');
  const tail = out.finish();
  expect(Buffer.byteLength(tail)).toBeLessThanOrEqual(100);
  expect(tail).toMatch(/^é+\n$/);
});

test('the log ends at its limit with a note, and secrets are in neither log nor tail', async () => {
  const logFile = join(folder, 'gates', 'a.log');
  const out = output({ logFile, maxLogBytes: 1000, secrets: ['hunter2hunter2'] });
  out.take(Buffer.from('key hunter2hun'), 'stdout');
  out.take(Buffer.from('ter2\n'), 'stdout');
  for (let i = 0; i < 500; i++) out.take(Buffer.from('0123456789\n'), 'stderr');
  out.finish();
  const log = await readFile(logFile, 'utf8');
  expect(log.startsWith('key [secret]\n')).toBe(true);
  expect(log).toContain('the log has reached its size limit');
  expect((await stat(logFile)).size).toBeLessThan(1100);
});

test('a log that cannot be written leaves a note in the tail', () => {
  const out = output({ logFile: '/dev/full' });
  out.take(Buffer.from('one\n'), 'stdout');
  out.take(Buffer.from('two\n'), 'stdout');
  expect(out.finish()).toContain('cannot write the log: ENOSPC');
  expect(lines).toEqual(['one', 'two']);
});

test('a tail is cut between lines, and a longer line between characters', () => {
  expect(lastLines('aa\nbb\ncc\n', 6)).toBe('bb\ncc\n');
  expect(lastLines('aa\nbb\ncc\n', 5)).toBe('cc\n');
  expect(lastLines('ééé', 3)).toBe('é');
  expect(lastLines('short', 10)).toBe('short');
});

test.each([1, 5, 20])(
  'a secret across the cut of a long line is replaced, %i characters before it',
  async (before) => {
    const secret = 'sk-0123456789abcdefghij';
    const logFile = join(folder, 'log');
    const out = output({ secrets: [secret], logFile, maxTailBytes: 100_000 });
    const text = `${'x'.repeat(16_384 - before)}${secret}${secret}${'y'.repeat(40_000)}`;
    for (let at = 0; at < text.length; at += 1000) out.take(Buffer.from(text.slice(at, at + 1000)), 'stdout');
    const kept = out.finish() + lines.join('') + (await readFile(logFile, 'utf8'));
    for (let from = 0; from + 6 <= secret.length; from++)
      expect(kept).not.toContain(secret.slice(from, from + 6));
    expect(kept).toContain('[secret][secret]');
    expect(kept.match(/y/g)?.length).toBe(3 * 40_000);
  },
);
