/**
 * Files beside the workspaces that say which are in use, and which are given up for a day: the next build knows by them
 * what a killed one left behind. Knows no trees.
 */

import { rmSync, writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { namesIn } from '../../io/files.js';

/** How long the mark of a workspace stays that no task uses: the next task often comes at once. */
const MARKED_MS = 1000;

export class WorkspaceMarks {
  private readonly folder: string;
  /** Names of workspaces whose mark this process has written. */
  private readonly marked = new Set<string>();
  private readonly used = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What other processes have left, by the number of the workspace. */
  async ofOthers(): Promise<{ readonly number: number; readonly isBusy: boolean }[]> {
    const found: { number: number; isBusy: boolean }[] = [];
    for (const file of await namesIn(this.folder)) {
      const mark = /^([0-9a-f]+-w(\d+))\.(busy|retired)$/.exec(file);
      if (mark && !this.marked.has(mark[1] as string))
        found.push({ number: Number(mark[2]), isBusy: mark[3] === 'busy' });
    }
    return found;
  }

  take(name: string): void {
    if (!this.marked.has(name)) writeFileSync(this.file(name, 'busy'), '');
    this.marked.add(name);
    this.used.add(name);
  }

  /** The mark goes when no task has taken the workspace again in a short time, or by `removeUnused`. */
  leave(name: string): void {
    this.used.delete(name);
    this.timer ??= setTimeout(() => this.removeUnused(), MARKED_MS).unref();
  }

  removeUnused(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const name of this.marked) {
      if (this.used.has(name)) continue;
      rmSync(this.file(name, 'busy'), { force: true });
      this.marked.delete(name);
    }
  }

  async retire(name: string): Promise<void> {
    await rename(this.file(name, 'busy'), this.file(name, 'retired'));
    this.marked.delete(name);
    this.used.delete(name);
  }

  file(name: string, as: 'busy' | 'retired'): string {
    return join(this.folder, `${name}.${as}`);
  }
}
