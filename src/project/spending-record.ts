/**
 * What agents have spent in this clone, in one file that only grows: a line for each step of a model, written before the
 * next step. A killed build has recorded all but the step in progress. Knows no limits.
 */

import { readText, writeAtomic } from '../io/files.js';
import { GrowingFile } from '../io/growing-file.js';
import type { Label } from '../model/task.js';

/** Dollars, tokens sent and received, minutes of work. */
export interface Amounts {
  readonly usd: number;
  readonly tokens: number;
  readonly minutes: number;
}

export const NOTHING: Amounts = { usd: 0, tokens: 0, minutes: 0 };

/** Bytes from which the file is rewritten as its sums. */
const MAX_BYTES = 1_000_000;

export class SpendingRecord {
  /** Today, UTC: `2026-01-31`. */
  readonly day: string;
  /** What was spent today before this record was opened. */
  readonly before: Amounts;
  /** What builds that were killed had spent on tasks that they did not finish. */
  readonly unfinished: ReadonlyMap<Label, Amounts>;
  private readonly path: string;
  private readonly file: GrowingFile;
  private isTorn: boolean;

  private constructor(path: string, day: string, text: string) {
    this.path = path;
    this.file = new GrowingFile(path);
    this.day = day;
    const lines = text.split('\n').flatMap(parseLine);
    this.before = sum(lines.flatMap((line) => (line.day === day ? [line] : [])));
    const unfinished = new Map<Label, Amounts>();
    for (const line of lines) {
      if (line.task === undefined) unfinished.clear();
      else unfinished.set(line.task, sum([unfinished.get(line.task) ?? NOTHING, line]));
    }
    this.unfinished = unfinished;
    this.isTorn = text !== '' && !text.endsWith('\n');
  }

  static async open(state: string, day: string): Promise<SpendingRecord> {
    const path = `${state}/spending.ndjson`;
    const text = (await readText(path)) ?? '';
    const record = new SpendingRecord(path, day, text);
    if (text.length > MAX_BYTES) await record.rewrite();
    return record;
  }

  /** What cannot be written (a full disk) does not end a build. */
  add(task: Label, spent: Amounts): void {
    this.write((text) => this.file.add(text), { day: this.day, task, ...spent });
  }

  /** The build has ended in order: what its tasks have spent counts for the day only. */
  close(): void {
    this.write((text) => this.file.addLast(text), { day: this.day, ...NOTHING });
  }

  private write(add: (text: string) => void, line: Line): void {
    const start = this.isTorn ? '\n' : '';
    try {
      add(`${start}${JSON.stringify(line)}\n`);
      this.isTorn = false;
    } catch {
      this.isTorn = true;
    }
  }

  private async rewrite(): Promise<void> {
    const { day, before } = this;
    // The tasks' sums are of today and of earlier days: the day's own sum stands alone.
    const tasks = [...this.unfinished].map(([task, amounts]) => ({ day: '', task, ...amounts }));
    const lines: Line[] = [{ day, ...before }, ...tasks];
    await writeAtomic(this.path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    this.isTorn = false;
  }
}

/** Without a task: a build ended in order. */
interface Line extends Amounts {
  readonly day: string;
  readonly task?: Label;
}

export function sum(all: readonly Amounts[]): Amounts {
  return all.reduce(
    (a, b) => ({ usd: a.usd + b.usd, tokens: a.tokens + b.tokens, minutes: a.minutes + b.minutes }),
    NOTHING,
  );
}

/** Nothing for a line that is torn or damaged. */
function parseLine(text: string): Line[] {
  if (text === '') return [];
  try {
    const { day, task, usd, tokens, minutes } = JSON.parse(text) as Line;
    const isSound = typeof day === 'string' && (task === undefined || typeof task === 'string');
    return isSound && [usd, tokens, minutes].every(Number.isFinite)
      ? [{ day, usd, tokens, minutes, ...(task === undefined ? {} : { task }) }]
      : [];
  } catch {
    return [];
  }
}
