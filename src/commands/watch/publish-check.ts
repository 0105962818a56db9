/**
 * Checks a build of the watch before it publishes: a build that started on a partial scan may publish only if a full
 * scan finds the same tree. Also updates the project's index.
 */

import { SUPERSEDED } from '../../build/running-tasks.js';
import type { Reading } from './reading.js';
import type { Scanner } from './scanner.js';

export class PublishCheck {
  private readonly scanner: Scanner;
  private readonly reading: Reading;
  private readonly build: AbortController;
  private looking: Promise<boolean> | undefined;
  private isLent = false;
  private mistaken = false;

  /** `build`: ended as superseded if more had changed than the partial scan saw. */
  constructor(scanner: Scanner, reading: Reading, build: AbortController) {
    this.scanner = scanner;
    this.reading = reading;
    this.build = build;
  }

  get isMistaken(): boolean {
    return this.mistaken;
  }

  /** Starts the full scan if there was only a partial one. */
  begin(): void {
    this.looking ??= this.look();
    // `pass` reports a failure of the scan.
    this.looking.catch(() => {});
  }

  /** Resolves when the build may publish, or has been ended. */
  async pass(): Promise<void> {
    this.begin();
    if (!(await this.looking)) return;
    await this.scanner.lend();
    this.isLent = true;
  }

  /** After the build: the following scans know what it wrote. */
  async end(): Promise<void> {
    if (this.isLent) await this.scanner.takeBack();
  }

  private async look(): Promise<boolean> {
    const { loaded, partial, project } = this.reading;
    if (partial === undefined) return true;
    const looked = await this.scanner.look(loaded.config);
    const isSame = looked.ok && (looked.value === partial || looked.value === project.snapshot);
    if (isSame) return true;
    if (this.build.signal.aborted) return false;
    this.mistaken = true;
    this.build.abort(SUPERSEDED);
    return false;
  }
}
