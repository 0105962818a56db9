/** Finds and loads `conductor.config.ts`, and records which environment variables it reads. Fills in no defaults. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { routeProblems } from '../../agent/route-check.js';
import { err, ok, type Result } from '../../base/result.js';
import { validateSchema } from '../../io/document/document.js';
import { isObject } from '../../io/document/json-object.js';
import { locateRepository } from '../../io/git/locate.js';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import { parsePattern, patternProblem } from '../../model/paths/pattern.js';
import type { LoadedConfig } from '../../project/host.js';
import {
  type ConfigModule,
  configNameOf,
  NO_CONFIG,
  readConfigModule,
  valueDigest,
} from '../config-value.js';

/**
 * `ownIndex` is the file that `import … from 'conductor-build'` means where the package is not installed. With another
 * `version` than before, a process that has loaded it already loads it again.
 */
export async function loadConfigFile(
  project: string,
  ownIndex: URL,
  version?: string,
): Promise<Result<LoadedConfig, Failure>> {
  const name = await configNameOf(project);
  if (name === undefined)
    return ok({ config: resolveConfig({}, availableParallelism()), environment: [], digest: NO_CONFIG });
  const invalid = (message: string, hint?: string) =>
    err<Failure>({
      kind: 'invalid-config',
      diagnostics: [{ file: name, message, ...(hint ? { hint } : {}) }],
    });

  let read: ConfigModule;
  try {
    read = await readConfigModule(`${project}/${name}`, ownIndex, version);
  } catch (error) {
    return invalid(error instanceof Error ? error.message : String(error));
  }
  const { value } = read;
  if (!isObject(value)) {
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
  const wrong = pathProblem(value as ConductorConfig, project);
  if (wrong !== undefined) return invalid(wrong, 'name a path of the project, such as `node_modules`');
  return ok({
    config: resolveConfig(value as ConductorConfig, availableParallelism()),
    environment: [...read.names],
    digest: valueDigest(value),
    readsAll: read.readsAll,
  });
}

/** Paths of the config lie in the project: links and kept paths are made and removed. A link may lead to the repository around it. */
function pathProblem(
  { specs = 'specs', workspace, agent }: ConductorConfig,
  project: string,
): string | undefined {
  const named = [
    ['specs', specs],
    ...(agent?.driver === 'scripted' ? [['agent.script', agent.script] as const] : []),
    ...(workspace?.link ?? []).map((path) => ['workspace.link', path] as const),
    ...(workspace?.keep ?? []).map((path) => ['workspace.keep', path] as const),
  ] as const;
  for (const [key, path] of named) {
    const inside = key === 'workspace.link' ? path.replace(/^(\.\.\/)+/, '') : path;
    if (inside !== path && !isInRepository(project, path))
      return `${key}: \`${path}\` is outside of the repository`;
    const problem = parsePattern(inside).isGlob ? 'is a pattern' : patternProblem(inside);
    if (problem !== undefined) return `${key}: \`${path}\` ${problem}`;
  }
  return undefined;
}

/** Whether a path beside the project lies in its repository. */
function isInRepository(project: string, path: string): boolean {
  const located = locateRepository(project);
  return located.ok && join(located.value.project, path).startsWith(`${located.value.top}/`);
}
