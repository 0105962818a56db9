/**
 * The output of a program: split into lines, written to a log file, with a bounded tail in memory. Knows no
 * processes.
 */

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { codeOf } from '../files.js';
import { redact, redactable } from './environment.js';

export type OutputStream = 'stdout' | 'stderr';

export interface OutputOptions {
  readonly logFile?: string;
  /** Bytes. */
  readonly maxLogBytes: number;
  /** Bytes. */
  readonly maxTailBytes: number;
  readonly secrets: readonly string[];
  onLine?(line: string, stream: OutputStream): void;
  /**
   * As `onLine`, with the secrets in it: for a reader of data, who redacts what it hands on. Unless `isEnd`, it is a piece
   * of a long line.
   */
  onRawLine?(line: string, stream: OutputStream, isEnd: boolean): void;
  /** Such a line is neither logged nor handed on. */
  readonly skipped?: SkippedLines;
  /** Called for each skipped line. */
  onSkipped?(): void;
}

/** Lines that are not looked at. Plain data, because another process may look for them. */
export interface SkippedLines {
  readonly start: string;
  /** Stands in the first piece of the line, if it is given. */
  readonly has?: string;
}

export function isSkipped(line: string, { start, has = '' }: SkippedLines): boolean {
  return line.startsWith(start) && line.includes(has);
}

/** A line that is longer is handed on in pieces, so that endless output without a line break needs no memory. */
const MAX_LINE = 16_384;

/**
 * Takes chunks of bytes of both streams in the order in which they arrive. Invalid UTF-8 becomes U+FFFD; secrets are
 * replaced before anything is kept. A log that cannot be written is given up with a note, never the program's run.
 */
export class Output {
  private readonly options: OutputOptions;
  private readonly streams = {
    stdout: { decoder: new StringDecoder('utf8'), rest: '', isInLine: false, skips: false },
    stderr: { decoder: new StringDecoder('utf8'), rest: '', isInLine: false, skips: false },
  };
  private log: number | undefined;
  private isLogOpened = false;
  private logBytes = 0;
  private kept = '';
  private readonly secrets: readonly string[];
  /** Characters that stay behind a cut, so that a secret across it is seen whole. */
  private readonly overlap: number;

  constructor(options: OutputOptions) {
    this.options = options;
    this.secrets = redactable(options.secrets);
    this.overlap = Math.max(0, (this.secrets[0]?.length ?? 0) - 1);
  }

  /** The log file exists from the first output on, or from this call on. */
  openLog(): void {
    const { logFile } = this.options;
    if (this.isLogOpened || logFile === undefined) return;
    this.isLogOpened = true;
    try {
      mkdirSync(dirname(logFile), { recursive: true });
      this.log = openSync(logFile, 'a');
    } catch (error) {
      this.giveUpLog(error);
    }
  }

  take(chunk: Buffer, stream: OutputStream): void {
    const state = this.streams[stream];
    const text = state.rest + state.decoder.write(chunk);
    let from = 0;
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      this.line(text.slice(from, at), '\n', stream);
      from = at + 1;
    }
    while (text.length - from > MAX_LINE + this.overlap) {
      const cut = this.cutOutsideSecrets(text, from, from + MAX_LINE);
      this.line(text.slice(from, cut), '', stream);
      from = cut;
    }
    state.rest = text.slice(from);
  }

  /** Hands on what had no line break, closes the log and returns the tail: the last whole lines. */
  finish(): string {
    for (const stream of ['stdout', 'stderr'] as const) {
      const state = this.streams[stream];
      const rest = state.rest + state.decoder.end();
      state.rest = '';
      if (rest !== '') this.line(rest, '\n', stream);
    }
    if (this.log !== undefined) closeSync(this.log);
    this.log = undefined;
    return lastLines(this.kept, this.options.maxTailBytes);
  }

  /** Where to cut instead of `at`: behind the secret that it would cut in two. */
  private cutOutsideSecrets(text: string, from: number, at: number): number {
    let cut = at;
    for (let moved = true; moved; ) {
      moved = false;
      for (const secret of this.secrets) {
        const found = text.indexOf(secret, Math.max(from, cut - secret.length + 1));
        if (found < 0 || found >= cut) continue;
        cut = found + secret.length;
        moved = true;
      }
    }
    return cut;
  }

  private line(raw: string, ending: string, stream: OutputStream): void {
    const state = this.streams[stream];
    const { skipped } = this.options;
    if (!state.isInLine) {
      state.skips = skipped !== undefined && isSkipped(raw, skipped);
      if (state.skips) this.options.onSkipped?.();
    }
    state.isInLine = ending === '';
    if (state.skips) return;
    this.options.onRawLine?.(raw.endsWith('\r') ? raw.slice(0, -1) : raw, stream, !state.isInLine);
    const text = redact(raw, this.options.secrets);
    this.writeLog(text + ending);
    const line = text.endsWith('\r') ? text.slice(0, -1) : text;
    this.keep(line + ending);
    // A progress bar draws over itself: what stands at the end is what a person would see.
    this.options.onLine?.(line.slice(line.lastIndexOf('\r') + 1), stream);
  }

  private keep(text: string): void {
    this.kept += text;
    const limit = this.options.maxTailBytes;
    // One character more than the limit stays, so that the last cut sees whether it falls on a line break.
    if (this.kept.length > 2 * limit + MAX_LINE) this.kept = this.kept.slice(-(limit + 1));
  }

  private writeLog(text: string): void {
    this.openLog();
    if (this.log === undefined) return;
    try {
      this.logBytes += Buffer.byteLength(text);
      if (this.logBytes <= this.options.maxLogBytes) {
        writeSync(this.log, text);
        return;
      }
      writeSync(
        this.log,
        `\n[conductor: the log has reached its size limit; further output is not recorded]\n`,
      );
      closeSync(this.log);
      this.log = undefined;
    } catch (error) {
      if (this.log !== undefined) closeSync(this.log);
      this.giveUpLog(error);
    }
  }

  private giveUpLog(error: unknown): void {
    this.log = undefined;
    this.keep(`[conductor: cannot write the log: ${codeOf(error) ?? String(error)}]\n`);
  }
}

/** The last lines of a text that fit into a number of bytes; of a single longer line its end. */
export function lastLines(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const from = bytes.length - maxBytes;
  const lineBreak = bytes.indexOf(10, from - 1);
  if (lineBreak >= 0 && lineBreak + 1 < bytes.length) return bytes.toString('utf8', lineBreak + 1);
  let at = from;
  // Continuation bytes of UTF-8 are passed over: the cut is between characters.
  while (at < bytes.length && ((bytes[at] as number) & 0xc0) === 0x80) at++;
  return bytes.toString('utf8', at);
}
