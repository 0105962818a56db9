/** Finds and loads `conductor.config.ts`, and records which environment variables it reads. Fills in no defaults. */

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { routeProblems } from '../agent/route-check.js';
import { err, ok, type Result } from '../base/result.js';
import { validateSchema } from '../io/document/document.js';
import { exists } from '../io/files.js';
import { importModule } from '../io/module.js';
import { type ConductorConfig, resolveConfig } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { parsePattern, patternProblem } from '../model/paths/pattern.js';
import type { LoadedConfig } from '../project/host.js';
import { CONFIG_NAMES } from './config-names.js';
import { noteEnvironment } from './noted-environment.js';

/**
 * `ownIndex` is the file that `import … from 'conductor-build'` means where the package is not installed. With another
 * `version` than before, a process that has loaded it already loads it again.
 */
export async function loadConfigFile(
  project: string,
  ownIndex: URL,
  version?: string,
): Promise<Result<LoadedConfig, Failure>> {
  const name = await firstExisting(project);
  if (name === undefined) return ok({ config: resolveConfig({}, availableParallelism()), environment: [] });
  const invalid = (message: string, hint?: string) =>
    err<Failure>({
      kind: 'invalid-config',
      diagnostics: [{ file: name, message, ...(hint ? { hint } : {}) }],
    });

  const noted = noteEnvironment();
  const quiet = keepProcess();
  let module: unknown;
  try {
    const imported = importModule(`${project}/${name}`, {
      alias: { 'conductor-build': fileURLToPath(ownIndex) },
      ...(version === undefined ? {} : { version }),
    });
    module = await orNever(imported);
    if (module === NEVER)
      return invalid('it never finishes: its `await` waits for something that does not come');
  } catch (error) {
    return invalid(`it cannot be loaded: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    noted.stop();
    quiet.stop();
  }
  const value = (module as { default?: unknown } | undefined)?.default;
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return invalid('its default export is not an object', 'export default defineConfig({ … })');
  }
  const problems = await validateSchema('config', value);
  if (problems.length > 0) {
    const diagnostics = problems.map(({ path, message, hint }) => ({
      file: name,
      message: path.length > 0 ? `${path.join('.')}: ${message}` : message,
      ...(hint === undefined ? {} : { hint }),
    }));
    return err({ kind: 'invalid-config', diagnostics });
  }
  const misrouted = routeProblems(value as ConductorConfig);
  if (misrouted.length > 0) {
    const diagnostics = misrouted.map(({ path, message, hint }) => ({
      file: name,
      message: `${path}: ${message}`,
      ...(hint === undefined ? {} : { hint }),
    }));
    return err({ kind: 'invalid-config', diagnostics });
  }
  const wrong = pathProblem(value as ConductorConfig);
  if (wrong !== undefined) return invalid(wrong, 'name a path of the project, such as `node_modules`');
  return ok({
    config: resolveConfig(value as ConductorConfig, availableParallelism()),
    environment: [...noted.names],
  });
}

/** Paths of the config lie in the project: links and kept paths are made and removed. */
function pathProblem({ specs = 'specs', workspace, agent }: ConductorConfig): string | undefined {
  const named = [
    ['specs', specs],
    ...(agent?.driver === 'scripted' ? [['agent.script', agent.script] as const] : []),
    ...(workspace?.link ?? []).map((path) => ['workspace.link', path] as const),
    ...(workspace?.keep ?? []).map((path) => ['workspace.keep', path] as const),
  ] as const;
  for (const [key, path] of named) {
    const problem = parsePattern(path).isGlob ? 'is a pattern' : patternProblem(path);
    if (problem !== undefined) return `${key}: \`${path}\` ${problem}`;
  }
  return undefined;
}

async function firstExisting(project: string): Promise<string | undefined> {
  for (const name of CONFIG_NAMES) if (await exists(`${project}/${name}`)) return name;
  return undefined;
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
