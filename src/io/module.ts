/** Loads JavaScript and TypeScript modules of a project. The adapter of jiti; knows no config. */

import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readText } from './files.js';

export interface ImportOptions {
  /** Names of modules to files that stand for them, used where Node would not find the name by itself. */
  readonly alias?: Readonly<Record<string, string>>;
  /** Changed when the file has changed, so that a long-lived process does not get the old module. */
  readonly version?: string;
}

const TYPESCRIPT = new Set(['.ts', '.mts', '.cts']);
/** What Node says when it cannot do alone what jiti can: a name only the alias knows, syntax it does not strip. */
const BEYOND_NODE = new Set([
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
]);

/**
 * The module's exports: imported by Node where it can (TypeScript from 22.18 on), through jiti otherwise.
 * `file` is an absolute path. Rejects with whatever the module throws; nothing is cached on disk.
 */
export async function importModule(file: string, options: ImportOptions = {}): Promise<unknown> {
  const isTypeScript = TYPESCRIPT.has(extname(file));
  if (!isTypeScript || (stripsTypes() && !(await isCommonJs(file)))) {
    try {
      const url = pathToFileURL(file);
      if (options.version !== undefined) url.searchParams.set('version', options.version);
      return await withoutTypeWarning(() => import(url.href));
    } catch (error) {
      if (!BEYOND_NODE.has(String((error as { code?: unknown } | undefined)?.code))) throw error;
    }
  }
  const { createJiti } = await import('jiti');
  const jiti = createJiti(file, {
    fsCache: false,
    moduleCache: false,
    interopDefault: false,
    ...(options.alias ? { alias: { ...options.alias } } : {}),
  });
  return jiti.import(file);
}

/** That a package says nothing of its type is no matter of the person's, who writes a config. */
async function withoutTypeWarning<T>(work: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    if (JSON.stringify(rest).includes('MODULE_TYPELESS_PACKAGE_JSON')) return;
    (emitWarning as (...all: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof emitWarning;
  try {
    return await work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** In a package of type `commonjs`, which `npm init` writes, Node takes the `import` of a `.ts` file for a mistake. */
async function isCommonJs(file: string): Promise<boolean> {
  if (extname(file) !== '.ts') return false;
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = await readText(join(folder, 'package.json'));
    if (manifest !== undefined) return /"type"\s*:\s*"commonjs"/.test(manifest);
    if (dirname(folder) === folder) return false;
  }
}

function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript);
}
