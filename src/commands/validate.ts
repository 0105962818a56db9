/** Checks a project's config and specs, and that the programs of its gates are there. Runs none of them. */

import { err, ok, type Result } from '../base/result.js';
import { inSession, openReadingSession, type Session } from '../build/project-session.js';
import { programOnPath } from '../io/process/process.js';
import type { Config } from '../model/config.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { Listing } from '../model/tree.js';
import type { Host } from '../project/host.js';
import { openParseCache } from '../project/parse-cache.js';
import { trackedSecrets } from '../project/tracked-secrets.js';
import { type LoadedSpecs, loadSpecs } from '../specs/load.js';
import { takeSnapshot } from '../workspace/snapshot.js';

export interface Validated {
  readonly features: readonly string[];
  readonly tasks: number;
  /** Those of them that an agent makes. */
  readonly agentTasks: number;
  readonly warnings: readonly Diagnostic[];
}

export async function validateProject(host: Host): Promise<Result<Validated, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const { repository, objects } = session;
    const loaded = await host.loadConfig(repository.project);
    if (!loaded.ok) return loaded;
    const { config } = loaded.value;
    const { shown } = await trackedSecrets(repository, config);
    const taken = await takeSnapshot(repository, objects, {
      secrets: config.secrets,
      named: shown,
      force: [],
    });
    if (!taken.ok) return taken;
    const listing = await objects.list(taken.value.tree);
    const specs = await checkSpecs(host, session, config, listing);
    if (!specs.ok) return err({ kind: 'invalid-specs', diagnostics: specs.error });
    const { features, graph, warnings } = specs.value;
    const agentTasks = [...graph.tasks.values()].filter(({ recipe }) => recipe.kind === 'agent').length;
    return ok({ features: features.map(({ name }) => name), tasks: graph.tasks.size, agentTasks, warnings });
  });
}

/** The specs of a tree by every rule there is; or all of their problems at once. */
export async function checkSpecs(
  host: Host,
  { repository, objects }: Session,
  config: Config,
  listing: Listing,
): Promise<Result<LoadedSpecs, Diagnostic[]>> {
  const cache = await openParseCache(repository.state);
  // Programs that the workspace links or set-up makes are found in its node_modules.
  const env = {
    ...host.env,
    PATH: `${repository.project}/node_modules/.bin:${host.env.PATH ?? ''}`,
  };
  const onPath = (program: string) => programOnPath(program, env);
  return loadSpecs({ listing, read: (ids) => objects.readMany(ids), cache }, config, onPath);
}
