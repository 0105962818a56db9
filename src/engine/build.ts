/**
 * `conductor build` from lock to last word. Here is only the way to "nothing to do": what a real build needs is loaded
 * when it turns out to be one.
 */

import { asFailure } from '../io/files.js';
import type { BuildEvent, BuildSummary } from '../model/event.js';
import { exitCodeOf, type Failure } from '../model/failure.js';
import { takeSnapshot } from '../workspace/snapshot.js';
import { EventRecord } from './event-record.js';
import { BuildLogs } from './logs.js';
import { type BuildOptions, buildName, NO_COUNTS } from './options.js';
import { environmentDigests, readLastBuild } from './records.js';
import { openWritingSession, type Session } from './session.js';
import { createEmit, type Surroundings } from './surroundings.js';

/** Builds and reports; the summary is also the last event. Rejects only for a bug. */
export async function build(
  surroundings: Surroundings,
  options: BuildOptions,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<BuildSummary> {
  const startedAt = surroundings.now();
  const name = buildName(startedAt, surroundings.pid);
  const record = new EventRecord();
  const emit = createEmit(surroundings.now, (event) => {
    record.on(event);
    on(event);
  });
  emit({ type: 'build.started', build: name, command: options.command, version: surroundings.version });
  const finish = (summary: BuildSummary): BuildSummary => {
    emit({ type: 'build.finished', summary });
    return summary;
  };
  const refuse = (failure: Failure): BuildSummary => {
    emit({ type: 'build.failure', failure });
    return finish(failedSummary(failure, surroundings.now() - startedAt));
  };

  const session = await openWritingSession(
    surroundings,
    { command: options.command, wait: options.wait, signal },
    emit,
  );
  if (!session.ok) return refuse(session.error);
  try {
    // Before any workspace is used: what a killed build left may still write into one.
    const [tasks] = await Promise.all([
      nothingToDo(surroundings, options, session.value),
      surroundings.reapAgents?.(),
    ]);
    const openRecord = () => record.open(new BuildLogs(session.value.repository.project, name));
    if (tasks !== undefined) {
      openRecord();
      return finish({
        outcome: 'up-to-date',
        exitCode: 0,
        counts: { ...NO_COUNTS, fresh: tasks },
        ms: surroundings.now() - startedAt,
        usage: {},
        published: 0,
      });
    }
    const { buildTasks } = await import('./build-tasks.js');
    const built = await buildTasks(surroundings, options, session.value, emit, signal, startedAt, openRecord);
    return built.ok ? finish(built.value) : refuse(built.error);
  } catch (error) {
    const failure = asFailure(error);
    if (!failure) throw error;
    return refuse(failure);
  } finally {
    await record.close();
    await session.value.close();
  }
}

/**
 * The number of tasks when the tree, the version and the environment that the config read are those of the last
 * complete build; undefined when there may be something to do.
 */
async function nothingToDo(
  surroundings: Surroundings,
  options: BuildOptions,
  session: Session,
): Promise<number | undefined> {
  // Targets may be mistyped, and what is counted is theirs: they are looked up.
  if (options.force || options.commit || options.targets.length > 0) return undefined;
  const last = await readLastBuild(session.repository.state);
  if (!last || last.version !== surroundings.version) return undefined;
  const environment = environmentDigests(Object.keys(last.environment), surroundings.env);
  if (Object.entries(last.environment).some(([name, digest]) => environment[name] !== digest))
    return undefined;
  const taken = await takeSnapshot(session.repository, session.objects, {
    secrets: [...last.secrets],
    named: [...last.named],
    force: [],
  });
  return taken.ok && taken.value.tree === last.tree ? last.tasks : undefined;
}

function failedSummary(failure: Failure, ms: number): BuildSummary {
  const exitCode = exitCodeOf(failure);
  const outcome = exitCode === 130 ? 'interrupted' : 'failed';
  return { outcome, exitCode, counts: NO_COUNTS, ms, usage: {}, published: 0 };
}
