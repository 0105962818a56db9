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

  /** `build`: ended as superseded when more had changed than the glance saw. */
  constructor(scanner: Scanner, reading: Reading, build: AbortController) {
    this.scanner = scanner;
    this.reading = reading;
    this.build = build;
  }

  get isMistaken(): boolean {
    return this.mistaken;
  }

  /** Looks, where there was only a glance: once there is time for it. */
  begin(): void {
    this.looking ??= this.look();
    // Whoever passes hears of it.
    this.looking.catch(() => {});
  }

  /** Returns when it may be written, or when the build has been ended. */
  async pass(): Promise<void> {
    this.begin();
    if (!(await this.looking)) return;
    await this.scanner.lend();
    this.isLent = true;
  }

  /** The build has ended: what it wrote is known to the looks that follow. */
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
