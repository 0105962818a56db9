/**
 * How long tasks took when they were last run: a record in conductor's state folder, to which each build adds what it ran. Only orders
 * and estimates depend on it, so nothing of it waits for the disk.
 */

import { ChangedJson } from '../../base/sorted/changed-json.js';
import { append, placeWhole, readText } from '../../io/files.js';
import type { Label } from '../../model/task.js';

export class Durations {
  private readonly record: ChangedJson<number>;
  private readonly changes = new Map<Label, number>();

  /** `text`: the file; a damaged line says nothing. */
  constructor(text = '') {
    this.record = new ChangedJson(text, isDuration);
  }

  /** In milliseconds; undefined where it is not known. */
  get(label: Label): number | undefined {
    return this.changes.get(label) ?? this.record.get(label);
  }

  set(label: Label, ms: number): void {
    this.changes.set(label, ms);
  }

  /** Adds what has changed to the file, or writes it anew if it has many such additions. */
  async write(state: string): Promise<void> {
    if (this.changes.size === 0) return;
    const added = this.record.change(this.changes);
    this.changes.clear();
    if (!this.record.isLong) await append(fileIn(state), added);
    else await placeWhole(fileIn(state), this.record.renewed(), { mode: undefined, flush: false });
  }
}

export async function readDurations(state: string): Promise<Durations> {
  return new Durations(await readText(fileIn(state)));
}

function isDuration(ms: unknown): ms is number {
  return typeof ms === 'number' && Number.isFinite(ms);
}

function fileIn(state: string): string {
  return `${state}/durations.json`;
}
