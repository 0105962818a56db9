/** A program in a real pseudo-terminal, for tests: keys in, what it printed out. Knows no program. */

import { stripVTControlCharacters } from 'node:util';
import { type IPty, spawn } from '@lydell/node-pty';
import { until } from './command-line.js';

export interface TerminalOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly columns?: number;
}

export class Terminal {
  private readonly pty: IPty;
  private text = '';
  private code: number | undefined;

  constructor(program: string, args: readonly string[], { cwd, env, columns = 160 }: TerminalOptions) {
    this.pty = spawn(program, [...args], { cwd, env: { ...env }, cols: columns, rows: 40, name: 'xterm' });
    this.pty.onData((data) => {
      this.text += data;
    });
    this.pty.onExit(({ exitCode }) => {
      this.code = exitCode;
    });
  }

  /** Characters printed so far, escape sequences included: a place for `shows` to begin at. */
  get length(): number {
    return this.text.length;
  }

  /** Everything printed so far, as a terminal gets it. */
  get raw(): string {
    return this.text;
  }

  /** The text printed since a place, without escape sequences. */
  since(from: number): string {
    return stripVTControlCharacters(this.text.slice(from));
  }

  type(keys: string): void {
    this.pty.write(keys);
  }

  /** Resolves with the text printed since a place, as soon as that matches. */
  async shows(pattern: RegExp, from: number): Promise<string> {
    await until(`the terminal to show ${pattern}`, () => pattern.test(this.since(from))).catch((error) => {
      throw new Error(`${(error as Error).message}; it shows ${JSON.stringify(this.since(from))}`);
    });
    return this.since(from);
  }

  /** The exit code, once the program has ended. */
  async ended(): Promise<number> {
    await until('the program to end', () => this.code !== undefined);
    return this.code as number;
  }

  dispose(): void {
    if (this.code === undefined) this.pty.kill('SIGKILL');
  }
}
