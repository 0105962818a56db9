/** A git process that stays open and answers requests in order. Does not know what is requested. */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  codeFor,
  type GitCall,
  type GitError,
  gitArguments,
  gitEnvironment,
  observed,
} from './git-process.js';

/** Takes one whole answer from the front of what has arrived: its length in bytes, or 0 while it is not complete. */
export type Frame = (buffer: Buffer) => number;

interface Request {
  readonly frame: Frame;
  /** Takes an answer; false: it was the last one. */
  take(answer: Buffer): boolean;
  reject(error: Error): void;
}

/** A process that did not do what it was asked for. */
export class CoprocessFailed extends Error {
  readonly stderr: string;
  /** As those of a `GitError`. */
  readonly code: GitError['code'];
  readonly fault: GitError['fault'];

  constructor(args: readonly string[], what: string, stderr: string, signal?: string | null) {
    super(`git ${args[0]}: ${what}: ${stderr.trim().slice(0, 1000)}`);
    this.name = 'CoprocessFailed';
    this.stderr = stderr;
    this.code = signal ? 'ESIGNAL' : codeFor(stderr);
    this.fault = { command: args[0] ?? '', said: stderr, ...(signal ? { signal } : {}) };
  }
}

/** Thrown to every request that a process which ended has left without an answer. */
export class CoprocessEnded extends CoprocessFailed {
  constructor(args: readonly string[], end: { code: number | null; signal: string | null }, stderr: string) {
    super(args, `it ended (${end.signal ?? end.code})`, stderr, end.signal);
    this.name = 'CoprocessEnded';
  }
}

export class Coprocess {
  private readonly args: readonly string[];
  private readonly call: GitCall;
  private child: ChildProcessWithoutNullStreams | undefined;
  private waiting: Request[] = [];
  /** Those at the front of `waiting` that have their answer. */
  private answered = 0;
  private outgoing: Buffer[] = [];
  private chunks: Buffer[] = [];
  private size = 0;
  /** Bytes needed before it is worth looking for the end of the answer again. */
  private wanted = 1;
  /** The end of what it said on stderr. */
  private said = '';

  constructor(args: readonly string[], call: GitCall) {
    this.args = args;
    this.call = call;
  }

  /** Requests may be sent without waiting for the answers before them. A process that has ended is started again. */
  ask(request: string | Buffer, frame: Frame): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const take = (answer: Buffer) => {
        resolve(answer);
        return false;
      };
      this.request(request, { frame, take, reject });
    });
  }

  /** A request with `count` answers. Each is handed over as it comes, and is not kept. */
  askMany(
    { request, frame, count }: { readonly request: string; readonly frame: Frame; readonly count: number },
    onAnswer: (answer: Buffer) => void,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      let left = count;
      const take = (answer: Buffer) => {
        onAnswer(answer);
        if (--left === 0) resolve();
        return left > 0;
      };
      this.request(request, { frame, take, reject });
    });
  }

  private request(text: string | Buffer, request: Request): void {
    const child = this.child ?? this.start();
    this.waiting.push(request);
    this.send(child, text);
  }

  /** What is asked in one turn goes out in one piece. */
  private send(child: ChildProcessWithoutNullStreams, request: string | Buffer): void {
    this.outgoing.push(typeof request === 'string' ? Buffer.from(request) : request);
    if (this.outgoing.length === 1) setImmediate(() => this.flush(child));
  }

  private flush(child: ChildProcessWithoutNullStreams): void {
    // A process that has ended since takes nothing; what is waiting now is for the one after it.
    if (this.child !== child || this.outgoing.length === 0) return;
    const all = Buffer.concat(this.outgoing);
    this.outgoing = [];
    child.stdin.write(all);
  }

  /** For an answer that turned out to be wrong: what the process said is the likely cause. */
  failure(what: string): CoprocessFailed {
    return new CoprocessFailed(this.args, what, this.said);
  }

  async close(): Promise<void> {
    const child = this.child;
    if (!child) return;
    await new Promise<void>((resolve) => {
      child.once('close', () => resolve());
      this.flush(child);
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
    this.said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.child === child) this.said = (this.said + chunk.toString('utf8')).slice(-4000);
    });
    child.stdin.on('error', () => {});
    child.stdout.on('data', (chunk: Buffer) => {
      if (this.child !== child) return;
      this.chunks.push(chunk);
      this.size += chunk.length;
      if (this.size >= this.wanted) this.answer();
    });
    const told = observed(this.args);
    child.once('close', told);
    const ended = (error: Error) => {
      if (this.child !== child) return;
      this.child = undefined;
      const left = this.waiting.slice(this.answered);
      this.waiting = [];
      this.answered = 0;
      this.outgoing = [];
      for (const request of left) request.reject(error);
    };
    child.on('error', ended);
    child.on('close', (code, signal) => ended(new CoprocessEnded(this.args, { code, signal }, this.said)));
    return child;
  }

  private answer(): void {
    let buffer = this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    let at = this.answered;
    while (at < this.waiting.length && buffer.length > 0) {
      const request = this.waiting[at] as Request;
      const length = request.frame(buffer);
      // A frame that knows how much is missing says so as a negative number.
      if (length <= 0) {
        this.wanted = length === 0 ? buffer.length + 1 : -length;
        break;
      }
      if (!request.take(buffer.subarray(0, length))) at++;
      buffer = buffer.subarray(length);
      this.wanted = 1;
    }
    // Of many that wait each would be moved for each answer.
    if (at * 2 < this.waiting.length) this.answered = at;
    else {
      this.waiting.splice(0, at);
      this.answered = 0;
    }
    this.chunks = buffer.length > 0 ? [buffer] : [];
    this.size = buffer.length;
  }
}

/** An answer of one line. */
export const lineFrame: Frame = (buffer) => buffer.indexOf(0x0a) + 1;

/** `start: ok` and `commit: ok`. */
export const twoLines: Frame = (buffer) => {
  const first = buffer.indexOf(0x0a);
  return first < 0 ? 0 : buffer.indexOf(0x0a, first + 1) + 1;
};
