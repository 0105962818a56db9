/** What a rename or a removal makes of names and paths, as data and pure functions. Knows no file. */

import type { Label } from '../../model/task.js';

export interface Renaming {
  /** The name that a feature has afterwards; undefined: it is gone. */
  feature(name: string): string | undefined;
  /** Likewise for a task. */
  label(label: Label): Label | undefined;
  /** The path that a file has afterwards. */
  path(path: string): string;
  /** Whether files have other paths afterwards. */
  readonly movesFiles: boolean;
}

const SAME = (text: string) => text;

export function renamedFeature(from: string, to: string): Renaming {
  const feature = (name: string) => (name === from ? to : name);
  return {
    feature,
    label: (label) => (label.startsWith(`${from}/`) ? to + label.slice(from.length) : label),
    path: SAME,
    movesFiles: false,
  };
}

export function renamedTask(from: Label, to: Label): Renaming {
  return { feature: SAME, label: (label) => (label === from ? to : label), path: SAME, movesFiles: false };
}

/** A file, or a folder with all that is in it but the files of `left`. */
export function renamedPath(from: string, to: string, left: readonly string[]): Renaming {
  const stays = new Set(left);
  const path = (one: string) => {
    if (one === from) return to;
    return one.startsWith(`${from}/`) && !stays.has(one) ? to + one.slice(from.length) : one;
  };
  return { feature: SAME, label: SAME, path, movesFiles: true };
}

export function withoutTasks(gone: ReadonlySet<Label>): Renaming {
  return {
    feature: SAME,
    label: (label) => (gone.has(label) ? undefined : label),
    path: SAME,
    movesFiles: false,
  };
}

/** The id in a label. */
export function idOf(label: Label): string {
  return label.slice(label.indexOf('/') + 1);
}
