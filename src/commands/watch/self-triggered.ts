/**
 * Tells a person's changes from those that builds make themselves (a gate that writes into the project): the same few
 * files, build after build, always while one runs. Knows no disk.
 */

/** Builds in a row that may be made anew for the same files; then what runs is let finish. */
const RESTARTS = 3;

export class SelfTriggered {
  private paths: ReadonlySet<string> = new Set();
  private streak = 0;

  /**
   * `changed`: since the build that runs, or that ran last, began. `react`: make a build. `wait`: see again when this
   * build has ended. `hold`: no build for these; something else, or a person's wish, comes first.
   */
  judge(changed: readonly string[], when: 'building' | 'built' | 'idle'): 'react' | 'wait' | 'hold' {
    const isSame = changed.every((path) => this.paths.has(path));
    if (when === 'idle' || !isSame) {
      this.paths = new Set(changed);
      this.streak = when === 'idle' ? 0 : 1;
      return 'react';
    }
    if (when === 'building' && this.streak >= RESTARTS) return 'wait';
    if (this.streak > RESTARTS) return 'hold';
    this.streak++;
    return 'react';
  }

  forget(): void {
    this.streak = 0;
    this.paths = new Set();
  }
}
