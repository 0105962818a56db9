/** Parsed specs, cached by blob id between builds. Does not know their meaning; treats a damaged file as empty. */

import { readText, writeAtomic } from '../io/files.js';
import type { ObjectId } from '../model/tree.js';

export interface ParseCache {
  get(id: ObjectId): unknown | undefined;
  set(id: ObjectId, value: unknown): void;
  /** Writes what was asked for in this build, so that forgotten specs do not pile up. */
  save(): Promise<void>;
}

export async function openParseCache(state: string): Promise<ParseCache> {
  const file = `${state}/specs.json`;
  let kept = new Map(Object.entries(parseObject(await readText(file))));
  let used = new Map<ObjectId, unknown>();
  let changed = false;
  return {
    get(id) {
      const value = kept.get(id) ?? used.get(id);
      if (value !== undefined) used.set(id, value);
      return value;
    },
    set(id, value) {
      used.set(id, value);
      changed = true;
    },
    async save() {
      const isSame = !changed && used.size === kept.size;
      kept = used;
      used = new Map();
      changed = false;
      if (!isSame) await writeAtomic(file, JSON.stringify(Object.fromEntries(kept)));
    },
  };
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
