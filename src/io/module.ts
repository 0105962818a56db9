/** Modules that a project brings along, in JavaScript or TypeScript. The door of jiti; knows no config. */

import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';

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
  if (!TYPESCRIPT.has(extname(file)) || stripsTypes()) {
    try {
      const url = pathToFileURL(file);
      if (options.version !== undefined) url.searchParams.set('version', options.version);
      return await withoutFormatWarnings(() => import(url.href));
    } catch (error) {
      const code = String((error as { code?: unknown } | undefined)?.code);
      // In a package of type `commonjs` Node takes `import` in a `.ts` file for a mistake.
      if (!BEYOND_NODE.has(code) && !(error instanceof SyntaxError)) throw error;
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

/** What Node says about a package without `type: module`, or of type `commonjs`, is no matter of the person's. */
async function withoutFormatWarnings<T>(work: () => Promise<T>): Promise<T> {
  const { emitWarning } = process;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const text = `${String(warning)} ${JSON.stringify(rest)}`;
    if (/MODULE_TYPELESS_PACKAGE_JSON|^Failed to load the ES module/.test(text)) return;
    (emitWarning as (...all: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof emitWarning;
  try {
    return await work();
  } finally {
    process.emitWarning = emitWarning;
  }
}

function stripsTypes(): boolean {
  return Boolean((process.features as { typescript?: unknown }).typescript);
}
