/**
 * Evaluates the config, and digests its value: all that a build with nothing to do has to know of a config whose inputs are not
 * known. Checks nothing of the value.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Limiter } from '../base/limiter.js';
import { sha256 } from '../base/sha256.js';
import { importModule } from '../io/module.js';
import { CONFIG_NAMES } from './config/config-names.js';
import { noteEnvironment } from './config/noted-environment.js';

export interface ConfigModule {
  /** Its default export. */
  readonly value: unknown;
  /** Environment variables that its modules asked for. */
  readonly names: ReadonlySet<string>;
  /** It listed the whole environment. */
  readonly readsAll: boolean;
}

export const NO_CONFIG = 'none';

export function configNameOf(project: string): string | undefined {
  return CONFIG_NAMES.find((name) => existsSync(join(project, name)));
}

/** The digest of a config's value, as it is today. Rejects when it cannot be evaluated. */
export async function configDigest(project: string): Promise<string> {
  const name = configNameOf(project);
  if (name === undefined) return NO_CONFIG;
  const { value } = await readConfigModule(join(project, name), new URL('./index.js', import.meta.url));
  return valueDigest(value);
}

/** Equal for equal values; keys in their order, which a module gives in the same way each time. */
export function valueDigest(value: unknown): string {
  return sha256(JSON.stringify(value) ?? 'undefined');
}

/**
 * `ownIndex` is the file that `import … from 'conductor-build'` means where the package is not installed. Rejects with a sentence
 * on what the config did.
 */
export function readConfigModule(file: string, ownIndex: URL, version?: string): Promise<ConfigModule> {
  return oneByOne.run(() => readModule(file, ownIndex, version));
}

/** What a config reads is known by what the whole process is asked for meanwhile: so no two are evaluated at the same time. */
const oneByOne = new Limiter(1);

async function readModule(file: string, ownIndex: URL, version: string | undefined): Promise<ConfigModule> {
  const noted = noteEnvironment();
  const quiet = keepProcess();
  let module: unknown;
  try {
    const imported = importModule(file, {
      alias: { 'conductor-build': fileURLToPath(ownIndex) },
      ...(version === undefined ? {} : { version }),
    });
    module = await orNever(imported);
  } catch (error) {
    throw new Error(`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    noted.stop();
    quiet.stop();
  }
  if (module === NEVER)
    throw new Error('it never finishes: its `await` waits for something that does not come');
  const value = (module as { default?: unknown } | undefined)?.default;
  return { value, names: noted.names, readsAll: noted.readsAll() };
}

const NEVER = Symbol('never');
/** A config may read files and ask programs; one that takes longer than this would hold up every command. */
const CONFIG_MS = 60_000;

/** `NEVER` when the process has nothing left to wait for, which would end it without a word, or when time is up. */
async function orNever<T>(imported: Promise<T>): Promise<T | typeof NEVER> {
  let giveUp: () => void = () => {};
  const never = new Promise<typeof NEVER>((resolve) => {
    giveUp = () => resolve(NEVER);
  });
  const timer = setTimeout(giveUp, CONFIG_MS).unref();
  process.once('beforeExit', giveUp);
  try {
    return await Promise.race([imported, never]);
  } finally {
    clearTimeout(timer);
    process.off('beforeExit', giveUp);
  }
}

/** While it is on, stdout stays conductor's (it may be JSON), and a config that ends the process is an error. */
function keepProcess(): { stop(): void } {
  const { write } = process.stdout;
  const { exit, reallyExit, abort } = process as typeof process & { reallyExit: () => never };
  const refuse = (name: string) => () => {
    throw new Error(`it calls process.${name}`);
  };
  process.stdout.write = process.stderr.write.bind(process.stderr) as typeof write;
  Object.assign(process, { exit: refuse('exit'), reallyExit: refuse('reallyExit'), abort: refuse('abort') });
  return {
    stop() {
      process.stdout.write = write;
      Object.assign(process, { exit, reallyExit, abort });
    },
  };
}
