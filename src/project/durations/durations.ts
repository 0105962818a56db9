/**
 * How long tasks took when they were last run: a record in conductor's state folder. The first line of the file has all tasks, each
 * line behind it those that one build ran. Only orders and estimates depend on it, so nothing of it waits for the disk.
 */

import { objectIn, SearchedJson, sortedJson } from '../../base/sorted/sorted-json.js';
import { append, placeWhole, readText } from '../../io/files.js';
import type { Label } from '../../model/task.js';

/** Bytes of changes that the record may have beside as many as its first line has. */
const SPARE_BYTES = 10_000;

export class Durations {
  private whole: SearchedJson;
  private wholeBytes: number;
  private bytes: number;
  /** Of the lines behind the first one. */
  private readonly added = new Map<Label, unknown>();
  private readonly changes = new Map<Label, number>();

  /** `text`: the file; a damaged line says nothing. */
  constructor(text = '') {
    const end = text.indexOf('\n');
    const whole = end < 0 ? text : text.slice(0, end);
    this.whole = new SearchedJson(whole);
    // One that has to be parsed is written anew as soon as it is large.
    this.wholeBytes = this.whole.isSorted ? whole.length : 0;
    this.bytes = text.length;
    const lines = end < 0 ? [] : text.slice(end + 1).split('\n');
    for (const line of lines)
      for (const [label, ms] of Object.entries(objectIn(line))) this.added.set(label, ms);
  }

  /** In milliseconds; undefined where it is not known. */
  get(label: Label): number | undefined {
    const ms = this.changes.get(label) ?? this.added.get(label) ?? this.whole.get(label);
    return typeof ms === 'number' && Number.isFinite(ms) ? ms : undefined;
  }

  set(label: Label, ms: number): void {
    this.changes.set(label, ms);
  }

  /** Adds what has changed to the file, or writes it anew if most of it would be such additions. */
  async write(state: string): Promise<void> {
    if (this.changes.size === 0) return;
    const line = `\n${JSON.stringify(Object.fromEntries(this.changes))}`;
    for (const [label, ms] of this.changes) this.added.set(label, ms);
    this.changes.clear();
    this.bytes += line.length;
    if (this.bytes <= 2 * this.wholeBytes + SPARE_BYTES) {
      await append(fileIn(state), line);
      return;
    }
    const whole = sortedJson(new Map([...Object.entries(this.whole.all()), ...this.added]));
    this.whole = new SearchedJson(whole);
    this.wholeBytes = whole.length;
    this.bytes = whole.length;
    this.added.clear();
    await placeWhole(fileIn(state), whole, { mode: undefined, flush: false });
  }
}

export async function readDurations(state: string): Promise<Durations> {
  return new Durations(await readText(fileIn(state)));
}

function fileIn(state: string): string {
  return `${state}/durations.json`;
}
