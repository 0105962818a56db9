/**
 * Labels of very many tasks as the JSON that an earlier build made of them: a build that concerns a few tasks names all of them in its
 * events, and reads none. Knows no files.
 */

import { featureOf } from '../history.js';
import type { Label } from '../task.js';
import type { Labels } from './event-parts.js';

/**
 * Tasks in one event at most, or files of them if they have more: its line has about 150 kB then, and larger events cost no less and need more
 * memory. The line of one event for 100,000 tasks would have 13 MB, which many programs that read lines refuse.
 */
export const AT_ONCE = 1000;
/** For so many features, each line is searched. Of more, every line would have one, and to read it takes less time than a search for each. */
const FEW_FEATURES = 16;

/** As many as one event has. */
interface Line {
  readonly count: number;
  /** Strings with commas between them. */
  readonly json: string;
}

export class LabelText implements Labels {
  readonly length: number;
  private readonly lines: readonly Line[];

  private constructor(lines: readonly Line[]) {
    this.lines = lines;
    this.length = lines.reduce((sum, { count }) => sum + count, 0);
  }

  static of(labels: readonly Label[]): LabelText {
    const lines: Line[] = [];
    for (let at = 0; at < labels.length; at += AT_ONCE) lines.push(...lineOf(labels.slice(at, at + AT_ONCE)));
    return new LabelText(lines);
  }

  /** What `text` gave; undefined for anything that has another form at first sight. */
  static from(text: string): LabelText | undefined {
    const lines: Line[] = [];
    for (const line of text === '' ? [] : text.split('\n')) {
      const end = line.indexOf(' ');
      const count = Number(line.slice(0, Math.max(0, end)));
      if (!(count > 0) || line[end + 1] !== '"' || !line.endsWith('"')) return undefined;
      lines.push({ count, json: line.slice(end + 1) });
    }
    return new LabelText(lines);
  }

  /** To be kept. */
  get text(): string {
    return this.lines.map(({ count, json }) => `${count} ${json}`).join('\n');
  }

  /** As a list. */
  get json(): string {
    return `[${this.lines.map(({ json }) => json).join(',')}]`;
  }

  /** With at most `AT_ONCE` labels each. */
  groups(): readonly LabelText[] {
    return this.lines.map((line) => new LabelText([line]));
  }

  /** Those of other features. Of few features, only the lines that have one of them are read. */
  without(features: ReadonlySet<string>): LabelText {
    const starts = [...features].map((name) => `${JSON.stringify(name).slice(0, -1)}/`);
    const mayHave = ({ json }: Line) =>
      starts.length > FEW_FEATURES || starts.some((start) => json.includes(start));
    const isLeft = (label: Label) => !features.has(featureOf(label));
    return new LabelText(
      this.lines.flatMap((line) => (mayHave(line) ? lineOf(labelsOf(line).filter(isLeft)) : line)),
    );
  }

  *[Symbol.iterator](): Iterator<Label> {
    for (const line of this.lines) yield* labelsOf(line);
  }

  toJSON(): readonly Label[] {
    return [...this];
  }
}

function lineOf(labels: readonly Label[]): Line[] {
  return labels.length === 0 ? [] : [{ count: labels.length, json: JSON.stringify(labels).slice(1, -1) }];
}

function labelsOf({ json }: Line): Label[] {
  return JSON.parse(`[${json}]`);
}
