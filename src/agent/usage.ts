/** Sums of what agents use, and the file in which a wrapper script reports usage. Knows no limits. */

import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { isObject } from '../io/document/json-object.js';
import { readPlainSync } from '../io/files.js';
import type { Usage } from '../model/action.js';

/** Of a usage file: some ten thousand calls. */
const MAX_BYTES = 4 * 1024 * 1024;

const FIELDS = ['costUsd', 'tokensIn', 'tokensOut', 'tokensCached'] as const;

/** The sum, field by field; a field that neither has stays absent: unknown is not zero. */
export function addUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, (x, y) => x + y);
}

/** What has come since `before`, for running totals; never negative. */
export function usageSince(before: Usage, now: Usage): Usage {
  const difference: { -readonly [field in keyof Usage]: number } = {};
  for (const field of FIELDS) {
    const value = now[field];
    if (value !== undefined) difference[field] = Math.max(0, value - (before[field] ?? 0));
  }
  return difference;
}

/** Of two reports of the same work the larger one, field by field. */
export function largerUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, Math.max);
}

export function sameUsage(a: Usage, b: Usage): boolean {
  return FIELDS.every((field) => a[field] === b[field]);
}

function combine(a: Usage, b: Usage, join: (x: number, y: number) => number): Usage {
  const result: { -readonly [field in keyof Usage]: number } = {};
  for (const field of FIELDS) {
    const x = a[field];
    const y = b[field];
    if (x !== undefined || y !== undefined) result[field] = join(x ?? 0, y ?? 0);
  }
  return result;
}

/** A usage from data of unknown shape: numbers that are no counts (negative, infinite, text) are left out. */
export function usageOf(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const result: { -readonly [field in keyof Usage]: number } = {};
  for (const field of FIELDS) {
    const count = value[field];
    if (isCount(count)) result[field] = count;
  }
  return result;
}

export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/**
 * The text of a usage file: one JSON object (which may span lines), or an object a line, which are added up. A last
 * line that is still being written is left for the next reading; other lines that are no object are passed over.
 */
export function parseUsageText(text: string): Usage {
  try {
    const whole = usageOf(JSON.parse(text));
    if (whole) return whole;
  } catch {
    // More than one line, or not complete yet.
  }
  let sum: Usage = {};
  for (const line of text.split('\n')) {
    if (!line.trim()) continue;
    try {
      sum = addUsage(sum, usageOf(JSON.parse(line)) ?? {});
    } catch {
      // Not complete yet, or no JSON.
    }
  }
  return sum;
}

/** Watches a usage file. Its folder must exist and hold nothing else. */
export class UsageFile {
  private readonly path: string;
  private readonly onChange: (usage: Usage) => void;
  private readonly watcher: FSWatcher | undefined;
  private last: Usage = {};

  constructor(path: string, onChange: (usage: Usage) => void) {
    this.path = path;
    this.onChange = onChange;
    this.watcher = watchFolder(dirname(path), () => this.read());
  }

  /** Reads it now; calls back when the total differs from the last one. */
  read(): void {
    const found = readPlainSync(this.path, MAX_BYTES);
    // The program may never write it.
    if (found === undefined || 'problem' in found) return;
    const usage = parseUsageText(found.text);
    if (sameUsage(usage, this.last)) return;
    this.last = usage;
    this.onChange(usage);
  }

  /** Reads it a last time and stops watching. */
  close(): void {
    this.watcher?.close();
    this.read();
  }
}

/** Undefined where folders cannot be watched (no more watches left, a network disk): the lines of output remain. */
function watchFolder(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(folder, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
