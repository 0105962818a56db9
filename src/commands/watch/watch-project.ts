/** `conductor watch`: opens a project and watches it until it is told to end. */

import { err, ok, type Result } from '../../base/result.js';
import type { Session } from '../../build/project-session.js';
import { SessionState } from '../../build/session-state.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Failure } from '../../model/failure.js';
import type { WatchParts } from './parts.js';
import { Scanner } from './scanner.js';
import { Watch } from './watch.js';

/** Watches until `signal` aborts; fails when it could not begin. Rejects only for a bug. */
export async function watchProject(parts: WatchParts): Promise<Result<undefined, Failure>> {
  const { host, signal } = parts;
  const opened = await openRepository(host.directory);
  if (!opened.ok) return opened;
  const repository = opened.value;
  const objects = new GitObjects(repository);
  const sessionState = new SessionState(host.common);
  const scanner = await Scanner.open(repository, objects, sessionState.memory);
  const session: Session = {
    repository,
    objects,
    sessionState,
    memory: sessionState.memory,
    close: async () => {},
  };
  const watch = new Watch(parts, session, scanner);
  try {
    while (!signal.aborted) {
      const request = await parts.requests.next(signal);
      if (request) await watch.turn(request);
      if (watch.unknownTarget) return err(watch.unknownTarget);
    }
    return ok(undefined);
  } finally {
    await watch.close();
    await scanner.close();
    await objects.close();
  }
}
