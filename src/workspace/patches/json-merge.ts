/** Merges JSON by its keys and lists, in the text of one side. Knows no files. */

import { ownValue } from '../../base/records/own-value.js';
import { type JsonEditor, type JsonPath, openJsonEditor } from '../../io/document/json-edit.js';
import { isObject, type JsonObject } from '../../io/document/json-object.js';
import { canonicalJson } from '../../model/digest.js';

/** The texts of a merge, as strings. */
export interface TextSides {
  readonly current: string;
  readonly before: string;
  readonly after: string;
}

/**
 * `lines` is what a merge of lines gives. Undefined: both sides change one value in different ways. `no-json`: a side is no
 * JSON, so that only its lines count.
 */
export async function mergeJson(
  sides: TextSides,
  lines: { readonly text: string; readonly isClean: boolean } | undefined,
): Promise<string | undefined | 'no-json'> {
  const editor = await openJsonEditor();
  const [current, before, after] = [sides.current, sides.before, sides.after].map((text) =>
    text.trim() === '' ? { value: undefined } : editor.parse(text),
  );
  if (!current || !before || !after) return 'no-json';
  const merge = new JsonMerge(editor, sides.current);
  const fits = merge.merge([], before.value, current.value, after.value);
  const byLines = lines && editor.parse(lines.text);
  if (!fits) return byLines && lines?.isClean ? lines.text : undefined;
  // Where both agree, the lines keep what people wrote around the values.
  const made = editor.parse(merge.text);
  return byLines && lines?.isClean && isSame(byLines.value, made?.value) ? lines.text : merge.text;
}

class JsonMerge {
  text: string;
  private readonly editor: JsonEditor;

  constructor(editor: JsonEditor, text: string) {
    this.editor = editor;
    this.text = text;
  }

  /** Makes the change from `before` to `after` in the text, whose value at the path is `current`; false where it does not fit. */
  merge(path: JsonPath, before: unknown, current: unknown, after: unknown): boolean {
    if (isSame(before, after) || isSame(current, after)) return true;
    if (isObject(current) && isObject(after) && (before === undefined || isObject(before)))
      return this.mergeKeys(path, before ?? {}, current, after);
    if (isSame(current, before)) {
      this.text = this.editor.set(this.text, path, after);
      return true;
    }
    if (Array.isArray(current) && Array.isArray(after) && (before === undefined || Array.isArray(before)))
      return this.mergeLists(path, before ?? [], current, after);
    return false;
  }

  private mergeKeys(path: JsonPath, before: JsonObject, current: JsonObject, after: JsonObject): boolean {
    const keys = Object.keys(after);
    const isSorted = areSorted(Object.keys(current)) && areSorted(keys);
    for (const key of new Set([...keys, ...Object.keys(before)])) {
      const [old, here, wanted] = [before, current, after].map((side) => ownValue(side, key));
      if (here === undefined && old === undefined && wanted !== undefined) {
        const place = (names: readonly string[]) =>
          isSorted ? sortedPlace(names, key) : placeAfter(names, keys, key);
        this.text = this.editor.set(this.text, [...path, key], wanted, place);
      } else if (!this.merge([...path, key], old, here, wanted)) return false;
    }
    return true;
  }

  /** Lists are taken as sets: what one side adds or removes is added or removed. */
  private mergeLists(path: JsonPath, before: unknown[], current: unknown[], after: unknown[]): boolean {
    const words = [before, current, after].map((list) => list.map(wordOf));
    const [old, here, wanted] = words as [string[], string[], string[]];
    if (words.some((list) => new Set(list).size < list.length)) return false;
    const gone = old.filter((word) => !wanted.includes(word));
    // An element that both took out may be one that both changed.
    if (gone.some((word) => !here.includes(word))) return false;
    const kept = old.filter((word) => wanted.includes(word));
    if (kept.join() !== wanted.filter((word) => old.includes(word)).join()) return false;
    const list = [...here];
    for (const word of gone) {
      this.text = this.editor.set(this.text, [...path, list.indexOf(word)], undefined);
      list.splice(list.indexOf(word), 1);
    }
    const isSorted = areSorted(here) && areSorted(wanted);
    for (const [i, word] of wanted.entries()) {
      if (old.includes(word) || list.includes(word)) continue;
      const at = isSorted
        ? sortedPlace(list, word)
        : i === wanted.length - 1
          ? list.length
          : placeAfter(list, wanted, word);
      this.text = this.editor.insert(this.text, [...path, at], after[i]);
      list.splice(at, 0, word);
    }
    return true;
  }
}

function wordOf(value: unknown): string {
  return canonicalJson(value);
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === undefined || b === undefined) return a === b;
  return wordOf(a) === wordOf(b);
}

function areSorted(words: readonly string[]): boolean {
  return words.every((word, i) => i === 0 || (words[i - 1] as string) <= word);
}

function sortedPlace(words: readonly string[], word: string): number {
  const at = words.findIndex((one) => one > word);
  return at < 0 ? words.length : at;
}

/** Behind the word that stands before it where it comes from; at the end when none of those is there. */
function placeAfter(words: readonly string[], from: readonly string[], word: string): number {
  for (let i = from.indexOf(word) - 1; i >= 0; i--) {
    const at = words.indexOf(from[i] as string);
    if (at >= 0) return at + 1;
  }
  return words.length;
}
