/** A git command that stays open and answers requests in order. Knows nothing of what is asked. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { codeFor, type GitCall, type GitError, gitArguments, gitEnvironment } from './run.js';

/** Takes one whole answer from the front of what has arrived: its length in bytes, or 0 while it is not complete. */
export type Frame = (buffer: Buffer) => number;

interface Request {
  readonly frame: Frame;
  resolve(answer: Buffer): void;
  reject(error: Error): void;
}

/** Thrown to every request that a process which ended has left without an answer. */
export class CoprocessEnded extends Error {
  readonly stderr: string;
  /** As that of a `GitError`. */
  readonly code: GitError['code'];

  constructor(args: readonly string[], code: number | null, stderr: string) {
    super(`git ${args[0]} ended (${code}): ${stderr.trim().slice(0, 1000)}`);
    this.name = 'CoprocessEnded';
    this.stderr = stderr;
    this.code = codeFor(stderr);
  }
}

export class Coprocess {
  private readonly args: readonly string[];
  private readonly call: GitCall;
  private child: ChildProcessWithoutNullStreams | undefined;
  private waiting: Request[] = [];
  private chunks: Buffer[] = [];
  private size = 0;
  /** Bytes needed before it is worth looking for the end of the answer again. */
  private wanted = 1;

  constructor(args: readonly string[], call: GitCall) {
    this.args = args;
    this.call = call;
  }

  /** Requests may be sent without waiting for the answers before them. A process that has ended is started again. */
  ask(request: string | Buffer, frame: Frame): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const child = this.child ?? this.start();
      this.waiting.push({ frame, resolve, reject });
      child.stdin.write(request);
    });
  }

  async close(): Promise<void> {
    const child = this.child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      child.stdin.end();
    });
  }

  private start(): ChildProcessWithoutNullStreams {
    const child = spawn('git', gitArguments(this.call, this.args), {
      cwd: this.call.dir ?? this.call.gitDir ?? '/',
      env: gitEnvironment(this.call),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child = child;
    this.chunks = [];
    this.size = 0;
    this.wanted = 1;
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-4000);
    });
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.child !== child) return;
      this.chunks.push(chunk);
      this.size += chunk.length;
      if (this.size >= this.wanted) this.answer();
    });
    const ended = (error: Error) => {
      if (this.child !== child) return;
      this.child = undefined;
      const left = this.waiting;
      this.waiting = [];
      for (const request of left) request.reject(error);
    };
    child.on('error', ended);
    child.on('close', (code) => ended(new CoprocessEnded(this.args, code, stderr)));
    return child;
  }

  private answer(): void {
    let buffer = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    while (this.waiting.length > 0 && buffer.length > 0) {
      const request = this.waiting[0] as Request;
      const length = request.frame(buffer);
      // A frame that knows how much is missing says so as a negative number.
      if (length <= 0) {
        this.wanted = length === 0 ? buffer.length + 1 : -length;
        break;
      }
      this.waiting.shift();
      request.resolve(buffer.subarray(0, length));
      buffer = buffer.subarray(length);
      this.wanted = 1;
    }
    this.chunks = buffer.length > 0 ? [buffer] : [];
    this.size = buffer.length;
  }
}

/** An answer of one line. */
export const lineFrame: Frame = (buffer) => buffer.indexOf(0x0a) + 1;
