/**
 * Drafts what the specs of adopted code say, with an agent and a reviewer. The drafts are stored, and nothing of the project is
 * written: `adopt` takes them over when a person agrees.
 */

import { err, ok, type Result } from '../../base/result.js';
import { inPreparedSession, type PreparedSession } from '../../build/prepared-session.js';
import { rewrittenProject } from '../../build/rewritten-build.js';
import { openExecutor } from '../../build/task-runner.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { withBuildLimit } from '../../execution/spending.js';
import type { BuildEvent } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { Task } from '../../model/task.js';
import { givenDefinitions, readPrompts } from '../../project/agent-files.js';
import { type Adoption, type AdoptRequest, adoptionOf } from './adopt.js';
import { type DescribedTask, describeTasks } from './described-tasks.js';

export interface Described {
  /** As it would be written. */
  readonly adoption: Adoption;
  readonly described: ReadonlyMap<string, DescribedTask>;
}

/** Fails with `no-agent`, with what ends all work of agents (a limit, a provider that refuses), or as `adopt` does. */
export function describeAdoption(
  host: ExecutionHost,
  request: AdoptRequest & { readonly budgetUsd: number | undefined },
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<Result<Described, Failure>> {
  const { command, wait } = request;
  const prepare = { targets: [], force: false, discardEdits: false, mayBeEmpty: true };
  return inPreparedSession(host, { command, wait, signal, prepare, on }, (open) =>
    inProject(host, request, open),
  );
}

async function inProject(
  host: ExecutionHost,
  request: AdoptRequest & { readonly budgetUsd: number | undefined },
  { session, prepared, emit, signal, startedAt, openLog }: PreparedSession,
): Promise<Result<Described, Failure>> {
  const { agent, loaded, store } = prepared;
  if (!agent) return err({ kind: 'no-agent' });
  const planned = await adoptionOf(host, prepared.project, request);
  if (!planned.ok) return planned;
  const { feature, file, text } = planned.value;
  const id = await prepared.project.objects.writeBlob(Buffer.from(text));
  const changes = new Map([[file, { mode: '100644', id } as const]]);
  const accepts = (task: Task) => task.feature === feature;
  const read = await rewrittenProject({ session }, { loaded, project: prepared.project, changes, accepts });
  if (!read.ok) return read;
  const project = read.value;
  const config = withBuildLimit(project.config, request.budgetUsd);
  // Those of `prepared` are none where no task was an agent's before.
  const definitions = await givenDefinitions(host, project, agent);
  if (!definitions.ok) return definitions;
  openLog();
  const opened = await openExecutor({
    host,
    session,
    store,
    agent,
    config,
    handWritten: project.handWrittenTree,
    rules: project.rules.text,
    startedAt,
  });
  if (!opened.ok) return opened;
  const executor = opened.value;
  try {
    const templates = await readPrompts(host, project);
    const { objects } = project;
    const { version, now } = host;
    const parts = {
      executor,
      objects,
      agent,
      config,
      version,
      now,
      project,
      definitions: definitions.value,
      templates,
      signal,
      emit,
    };
    const described = await describeTasks(parts, project.features.get(feature)?.tasks ?? []);
    if (!described.ok) return described;
    const adoption = await adoptionOf(host, prepared.project, { ...request, described: described.value });
    return adoption.ok ? ok({ adoption: adoption.value, described: described.value }) : adoption;
  } finally {
    await executor.close();
  }
}
