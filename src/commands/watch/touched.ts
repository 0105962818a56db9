/** The files that events have named since the last look: with them a glance may do. Reads no disk. */

/** More than these say that much has changed. */
const MOST_PATHS = 20;

export class Touched {
  private paths: Set<string> | undefined;

  /** Without a path: anything may have changed. */
  add(path?: string): void {
    if (path === undefined) this.paths = undefined;
    else this.paths?.add(path);
  }

  /** All that has changed as far as it is known, to begin anew; undefined when that takes a look. */
  take(): readonly string[] | undefined {
    const { paths } = this;
    this.paths = new Set();
    return paths && paths.size > 0 && paths.size <= MOST_PATHS ? [...paths] : undefined;
  }
}
