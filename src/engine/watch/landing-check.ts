/**
 * Stands between a build of the watch and what it writes. A build that began with a glance lands only when a look finds
 * the same; and the project's index is brought up to date, for git to see what is in the way. Builds nothing.
 */

import { SUPERSEDED } from '../runs.js';
import type { Lookout } from './lookout.js';
import type { Reading } from './reading.js';

export class LandingCheck {
  private readonly lookout: Lookout;
  private readonly reading: Reading;
  private readonly build: AbortController;
  private looking: Promise<boolean> | undefined;
  private isLent = false;
  private mistaken = false;

  /** `build`: ended as superseded when more had changed than the glance saw. */
  constructor(lookout: Lookout, reading: Reading, build: AbortController) {
    this.lookout = lookout;
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
    await this.lookout.lend();
    this.isLent = true;
  }

  /** The build has ended: what it wrote is known to the looks that follow. */
  async end(): Promise<void> {
    if (this.isLent) await this.lookout.takeBack();
  }

  private async look(): Promise<boolean> {
    const { loaded, glanced, project } = this.reading;
    if (glanced === undefined) return true;
    const looked = await this.lookout.look(loaded.config);
    const isSame = looked.ok && (looked.value === glanced || looked.value === project.snapshot);
    if (isSame) return true;
    if (this.build.signal.aborted) return false;
    this.mistaken = true;
    this.build.abort(SUPERSEDED);
    return false;
  }
}
