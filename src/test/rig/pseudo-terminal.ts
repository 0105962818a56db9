/** conductor in a pseudo-terminal, as a person starts it: what is typed, what is shown. Knows none of its parts. */

import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { type IPty, spawn } from '@lydell/node-pty';
import { ensureBuilt, PACKAGE, type TemporaryProject, until } from './command-line.js';

export class PseudoTerminal {
  readonly exited: Promise<{ exitCode: number; signal?: number | undefined }>;
  private readonly pty: IPty;
  private text = '';
  private from = 0;

  /** A shell command line in the project; `conductor` is the built one. */
  constructor(project: TemporaryProject, line: string) {
    ensureBuilt();
    const conductor = `"${process.execPath}" "${join(PACKAGE, 'bin/conductor.js')}"`;
    this.pty = spawn('/bin/sh', ['-c', line.replaceAll('conductor', conductor)], {
      name: 'xterm',
      cols: 100,
      rows: 30,
      cwd: project.dir,
      env: { PATH: process.env.PATH ?? '', HOME: project.home, TERM: 'xterm' },
    });
    this.pty.onData((text) => {
      // Colours and the cursor's moves are for eyes.
      this.text += stripVTControlCharacters(text);
    });
    this.exited = new Promise((resolve) => {
      this.pty.onExit(resolve);
    });
  }

  get pid(): number {
    return this.pty.pid;
  }

  /** Everything that was shown. */
  get shown(): string {
    return this.text;
  }

  type(keys: string): void {
    this.pty.write(keys);
  }

  /** Waits for a text that is shown after the one that was waited for last. */
  async see(text: string): Promise<void> {
    await until(`the terminal to show ${JSON.stringify(text)} after\n${this.text.slice(this.from)}\n`, () => {
      const at = this.text.indexOf(text, this.from);
      if (at >= 0) this.from = at + text.length;
      return at >= 0;
    });
  }

  /** As a person who closes the window: its programs are told, and what they write goes nowhere. */
  close(): void {
    (this.pty as IPty & { destroy(): void }).destroy();
  }

  end(): void {
    try {
      this.pty.kill('SIGKILL');
    } catch {
      // It has ended.
    }
  }
}
