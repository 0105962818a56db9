/** One build at a time, as a process beside the server that clients talk to. It ends with the server. */

import { withLimit } from './waiting.js';

export interface ConductorEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of conductor until it ends or the signal aborts. `onLine` gets what it prints for people. */
export type RunConductor = (
  args: readonly string[],
  signal: AbortSignal,
  onLine?: (line: string) => void,
) => Promise<ConductorEnd>;

/** Lines that are kept of a running build. */
const LINES = 60;

export interface BuildEnd {
  readonly code: number;
  readonly text: string;
}

export class BackgroundBuild {
  /** As a person would type it; of the last build after it has ended. */
  command = '';
  private readonly run: RunConductor;
  private lines: string[] = [];
  private running: Promise<BuildEnd> | undefined;
  private last: Promise<BuildEnd> | undefined;
  private isTold = true;
  /** Clients that have waited for the build and do not know its end. */
  private readonly waiting = new Set<string>();
  private stop = new AbortController();

  constructor(run: RunConductor) {
    this.run = run;
  }

  get isRunning(): boolean {
    return this.running !== undefined;
  }

  /** Another build of the project is a failure, and no reason to wait. */
  start(args: readonly string[]): void {
    this.command = ['conductor', ...args].join(' ');
    this.lines = [];
    this.stop = new AbortController();
    const onLine = (line: string) => {
      this.lines.push(line);
      if (this.lines.length > LINES) this.lines.shift();
    };
    this.running = this.run([...args, '--no-wait'], this.stop.signal, onLine).then(({ code }) => {
      this.running = undefined;
      return { code, text: this.lastLines() };
    });
    this.last = this.running;
    this.isTold = false;
    this.waiting.clear();
  }

  /** A client waits for the build that runs. */
  waits(client: string): void {
    if (this.isRunning) this.waiting.add(client);
  }

  /**
   * How the last build ended, once for each client that waited for it, or for the first one that asks: a client that asks
   * again wants another build.
   */
  async untold(client: string): Promise<BuildEnd | undefined> {
    if (this.isRunning) return undefined;
    const hasWaited = this.waiting.delete(client);
    if (this.isTold && !hasWaited) return undefined;
    this.isTold = true;
    return this.last;
  }

  lastLines(): string {
    return `${this.lines.join('\n')}\n`;
  }

  /** How the build ended; undefined if it has not after `ms`. */
  async ended(ms: number, signal: AbortSignal): Promise<BuildEnd | undefined> {
    return this.last && withLimit(this.last, ms, signal);
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }
}
