/**
 * Whether the snapshot and the environment variables that were read are all that decides the value of the config. Judges by the
 * text of its modules: whatever may read something else makes it unknown, and then the config is evaluated at each build.
 */

import { posix } from 'node:path';
import type { Entry } from '../model/tree.js';
import type { Project } from './project.js';

export const CONFIG_FILE = /^conductor\.config\.m?[jt]s$/;
const ENDINGS = ['', '.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json', '/index.ts', '/index.js'];

/** Modules that give the same for the same arguments. */
const PURE = new Set(['conductor-build', 'node:path', 'path', 'node:url', 'url']);

/**
 * Words with which a module may look at more than itself. Reads of variables are noted while the config is evaluated. A slash that
 * is left may begin a regular expression, which this does not understand.
 */
const SUSPECT =
  /\b(?:require|module(?!\.exports\b)|globalThis|global|eval|Function|constructor|fetch|XMLHttpRequest|WebSocket|EventSource|Worker|WebAssembly|Date|Temporal|random|performance|navigator|crypto|Intl|caches|localStorage)\b|\bimport\s*(?:\(|\.)|\bprocess\b(?!\.(?:env|platform|arch)\b)|[/#@]/;

type Reader = Pick<Project, 'listing' | 'objects'>;

export async function isConfigKnown(project: Reader): Promise<boolean> {
  return (await configModules(project)).isKnown;
}

/** The config and the files of the project that it imports, as far as its text says. */
export async function configModules({
  listing,
  objects,
}: Reader): Promise<{ readonly files: ReadonlySet<string>; readonly isKnown: boolean }> {
  const waiting = listing.paths.filter((path) => CONFIG_FILE.test(path));
  const files = new Set(waiting);
  let isKnown = true;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const { mode, id } = listing.get(path) as Entry;
    const text = mode.startsWith('100') ? await objects.read(id) : undefined;
    if (text !== undefined && path.endsWith('.json')) continue;
    const imports = text && importsOf(text.toString('utf8'));
    if (imports === undefined) isKnown = false;
    for (const name of imports ?? []) {
      if (PURE.has(name)) continue;
      const found = /^\.\.?\//.test(name)
        ? resolved(posix.join(posix.dirname(path), name), listing)
        : undefined;
      if (found === undefined) {
        isKnown = false;
        continue;
      }
      if (!files.has(found)) waiting.push(found);
      files.add(found);
    }
  }
  return { files, isKnown };
}

function resolved(path: string, listing: Project['listing']): string | undefined {
  // In TypeScript, `./other.js` may mean `other.ts`.
  const plain = path.replace(/\.([mc]?)js$/, '.$1ts');
  return [...ENDINGS.map((ending) => path + ending), plain].find((name) => listing.get(name));
}

/** Comments, strings, and any other character. */
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|[\s\S]/g;

/** The modules that a text imports; undefined where it may read something else. */
export function importsOf(text: string): string[] | undefined {
  const strings: string[] = [];
  const code = text
    .replace(TOKEN, (token) => {
      if (token.startsWith('/*') || token.startsWith('//')) return ' ';
      // What a template holds in braces is code.
      if (token.length > 1 && token.startsWith('`') && token.includes('${')) return ` ${token.slice(1, -1)} `;
      if (token.length < 2) return token;
      return `"${strings.push(token.slice(1, -1)) - 1}"`;
    })
    .replace(/\bimport\s+type\b[^"]*?\bfrom\s*"\d+"/g, ' ');
  const found: string[] = [];
  const rest = code.replace(
    /\b(?:import|from)\s*"(\d+)"|\brequire\s*\(\s*"(\d+)"\s*\)/g,
    (_whole, one?: string, other?: string) => {
      found.push(strings[Number(one ?? other)] as string);
      return ' ';
    },
  );
  return SUSPECT.test(rest) || /[`'\\]/.test(rest) ? undefined : found;
}
