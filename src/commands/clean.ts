/** `conductor clean`: removes files that conductor built and that no task owns any more. Removes nothing else. */

import { provenOrphans } from '../analysis/orphans.js';
import { ok, type Result } from '../base/result.js';
import { inPreparedSession } from '../build/prepared-session.js';
import type { BuildEvent } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Host } from '../project/host.js';
import { publishTree } from '../workspace/publish.js';

export interface CleanOptions {
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly signal: AbortSignal;
  on?(event: BuildEvent): void;
}

/** The paths that were removed, or would be. A file that changed meanwhile is not touched: then all of it fails. */
export async function clean(host: Host, options: CleanOptions): Promise<Result<readonly string[], Failure>> {
  const wanted = { targets: [], force: false, discardEdits: false };
  const opening = { ...options, command: 'conductor clean', prepare: wanted };
  return inPreparedSession(host, opening, async ({ prepared: { project } }) => {
    const paths = await provenOrphans(project);
    if (options.dryRun || paths.length === 0) return ok(paths);
    const removed = new Map(paths.map((path) => [path, undefined]));
    const to = await project.objects.editTree(project.snapshot, removed);
    const done = await publishTree(project.repository, project.objects, { from: project.snapshot, to });
    return done.ok ? ok(done.value.removed) : done;
  });
}
