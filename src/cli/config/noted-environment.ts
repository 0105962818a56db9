/**
 * Records which environment variables the modules of a config read. Reads by the loaders (conductor, jiti, node) do
 * not count.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Frames that are looked at: whatever is deeper was called by what is above it. */
const FRAMES = 50;

/** While it is on, every variable that a module of the config asks `process.env` for is noted. */
export function noteEnvironment(): {
  readonly names: ReadonlySet<string>;
  /** Whether the variables were listed: then one that is new may count. */
  readsAll(): boolean;
  stop(): void;
} {
  const names = new Set<string>();
  let readsAll = false;
  const original = process.env;
  const loaders = loaderFolders();
  const note = (name: string | symbol) => {
    if (typeof name === 'string' && !names.has(name) && isReadByConfig(loaders)) names.add(name);
  };
  process.env = new Proxy(original, {
    get(target, name) {
      note(name);
      return Reflect.get(target, name);
    },
    has(target, name) {
      note(name);
      return Reflect.has(target, name);
    },
    getOwnPropertyDescriptor(target, name) {
      note(name);
      return Reflect.getOwnPropertyDescriptor(target, name);
    },
    // A config may set defaults for what it starts. The environment itself takes plain assignments only.
    set(target, name, value) {
      target[name as string] = value;
      return true;
    },
    defineProperty(target, name, { value }) {
      target[name as string] = value;
      return true;
    },
    ownKeys(target) {
      readsAll ||= isReadByConfig(loaders);
      return Reflect.ownKeys(target);
    },
  });
  return {
    names,
    readsAll: () => readsAll,
    stop() {
      process.env = original;
    },
  };
}

/** Folders of the code that loads a config. The command line as one file imports by `bin/conductor.js`, in whose name node asks, too. */
function loaderFolders(): string[] {
  const own = dirname(fileURLToPath(import.meta.url));
  const jiti = dirname(dirname(createRequire(import.meta.url).resolve('jiti')));
  return [`${own}/`, `${join(own, '..', 'bin')}/`, `${jiti}/`];
}

/** The nearest caller that is not node itself decides; where there is none, node asks on its own account. */
function isReadByConfig(loaders: readonly string[]): boolean {
  const { prepareStackTrace, stackTraceLimit } = Error;
  try {
    Error.stackTraceLimit = FRAMES;
    Error.prepareStackTrace = (_error, frames) => frames;
    const frames = new Error().stack as unknown as NodeJS.CallSite[];
    const callers = frames.flatMap((frame) => frame.getFileName() ?? []).map(pathOf);
    const outside = callers.find((path) => !path.startsWith('node:') && path !== pathOf(import.meta.url));
    return outside !== undefined && !loaders.some((folder) => outside.startsWith(folder));
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
}

function pathOf(name: string): string {
  return name.startsWith('file:') ? fileURLToPath(name) : name;
}
