/** Splits a `.spec.md` into the YAML between two lines `---` and the text below. Interprets neither. */

export interface FrontMatter {
  /** The YAML; undefined when the file does not begin with `---` or the second `---` is missing. */
  readonly front: string | undefined;
  readonly prose: string;
  /** Lines of the file above the YAML. */
  readonly lineOffset: number;
  readonly isOpen: boolean;
}

export function splitFrontMatter(text: string): FrontMatter {
  const none = { front: undefined, prose: text.trim(), lineOffset: 0, isOpen: false };
  const begin = /^\uFEFF?---[ \t]*\r?\n/.exec(text);
  if (!begin) return none;
  const fence = /^---[ \t]*(?:\r?\n|$)/gm;
  fence.lastIndex = begin[0].length;
  const end = fence.exec(text);
  if (!end) return { ...none, isOpen: true };
  return {
    front: text.slice(begin[0].length, end.index),
    prose: text.slice(end.index + end[0].length).trim(),
    lineOffset: 1,
    isOpen: false,
  };
}
