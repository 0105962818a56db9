/** The names that a source file exports: types, functions, headings. Pure; reads no disk. */

import { ownValue } from '../base/records/own-value.js';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Names in the order of the file, each once. */
export type Outline = readonly string[];

/** Names of one file that are worth keeping. */
const MAX_NAMES = 40;
const MAX_NAME = 60;

const SCRIPT =
  /^export\s+(?:default\s+)?(?:declare\s+)?(?:async\s+)?(?:abstract\s+)?(?:function\*?|class|const|let|var|interface|type|enum|namespace)\s+([\p{L}_$][\p{L}\p{N}_$]*)|^export\s*\{([^}]*)\}|^(?:module\.)?exports\.([\p{L}_$][\p{L}\p{N}_$]*)\s*=/gmu;

/** One expression for each language; the first group that matched is the name. */
const LANGUAGES: Readonly<Record<string, RegExp>> = {
  ts: SCRIPT,
  tsx: SCRIPT,
  mts: SCRIPT,
  cts: SCRIPT,
  js: SCRIPT,
  jsx: SCRIPT,
  mjs: SCRIPT,
  cjs: SCRIPT,
  vue: SCRIPT,
  svelte: SCRIPT,
  py: /^(?:async\s+)?(?:def|class)\s+([A-Za-z]\w*)/gm,
  go: /^(?:func\s+(?:\([^)]*\)\s*)?|type\s+)([A-Z]\w*)/gm,
  rs: /^\s*pub(?:\([^)]*\))?\s+(?:async\s+)?(?:unsafe\s+)?(?:fn|struct|enum|trait|type|const|mod)\s+(\w+)/gm,
  java: /^\s*public\s+(?:static\s+|final\s+|abstract\s+|sealed\s+)*(?:class|interface|enum|record)\s+(\w+)/gm,
  kt: /^(?:data\s+|sealed\s+|open\s+)*(?:class|interface|object|fun)\s+(\w+)/gm,
  cs: /^\s*public\s+(?:static\s+|sealed\s+|abstract\s+|partial\s+)*(?:class|interface|enum|record|struct)\s+(\w+)/gm,
  rb: /^\s*(?:class|module)\s+([A-Z][\w:]*)|^\s{0,2}def\s+((?:self\.)?\w+[?!]?)/gm,
  php: /^\s*(?:final\s+|abstract\s+)?(?:class|interface|trait|function)\s+(\w+)/gm,
  swift: /^\s*(?:public|open)\s+(?:final\s+)?(?:class|struct|enum|protocol|func)\s+(\w+)/gm,
  ex: /^\s*(?:defmodule|def)\s+([\w.?!]+)/gm,
  sql: /^\s*create\s+(?:or\s+replace\s+)?(?:table|view|function)\s+(?:if\s+not\s+exists\s+)?([\w."]+)/gim,
  md: /^#{1,2}\s+(.+?)\s*#*$/gm,
};

export function hasOutline(path: string): boolean {
  return ownValue(LANGUAGES, ending(path)) !== undefined;
}

export function outlineOf({ path, text }: SourceFile): Outline {
  const pattern = ownValue(LANGUAGES, ending(path));
  if (!pattern) return [];
  const names = new Set<string>();
  for (const match of text.matchAll(pattern)) {
    const found = match.slice(1).find((group) => group !== undefined) ?? '';
    const isList = match[0].startsWith('export') && match[0].includes('{');
    for (const name of isList ? found.split(',').map(exportedAs) : [found]) {
      if (name !== '') names.add(name.slice(0, MAX_NAME));
      if (names.size === MAX_NAMES) return [...names];
    }
  }
  return [...names];
}

/** The name in one entry of `export { a as b, type C }`. */
function exportedAs(entry: string): string {
  return (entry.split(/\sas\s/).at(-1) ?? '').replace(/^\s*type\s/, '').trim();
}

function ending(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).toLowerCase();
}
