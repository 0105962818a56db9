/**
 * Reports each problem that stops a watch from using the files on disk once, and reports when the last one has ended.
 */

import type { Failure } from '../../model/failure.js';
import type { Emit } from '../../project/host.js';

export class Problems {
  private readonly emit: Emit;
  private scan: string | undefined;
  private hasFailed = false;
  private read: string | undefined;

  constructor(emit: Emit) {
    this.emit = emit;
  }

  /** Whether the last good config and specs hold in place of those on disk. */
  get ofReading(): boolean {
    return this.read !== undefined;
  }

  beginScan(): void {
    this.hasFailed = false;
  }

  /** `kept`: there are a good config and specs to continue with. */
  scanFailed(failure: Failure, kept: boolean): void {
    this.hasFailed = true;
    this.scan = this.tell(failure, this.scan, kept);
  }

  endScan(): void {
    if (this.hasFailed || this.scan === undefined) return;
    this.scan = undefined;
    this.tellEnd();
  }

  readFailed(failure: Failure, kept: boolean): void {
    this.read = this.tell(failure, this.read, kept);
  }

  readWell(): void {
    const was = this.read;
    this.read = undefined;
    if (was !== undefined) this.tellEnd();
  }

  private tell(failure: Failure, told: string | undefined, kept: boolean): string {
    const text = JSON.stringify(failure);
    if (text !== told) this.emit({ type: 'watch.problem', failure, kept });
    return text;
  }

  private tellEnd(): void {
    if (this.scan === undefined && this.read === undefined) this.emit({ type: 'watch.corrected' });
  }
}
