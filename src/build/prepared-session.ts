/**
 * The life of a command that works on a prepared project and is no build: session and lock, history, everything closed
 * again whatever comes. Knows no command.
 */

import { type Prepared, type PrepareOptions, prepare } from '../analysis/prepare.js';
import type { Result } from '../base/result.js';
import type { BuildEvent } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import { createEmit, type Emit, type Host } from '../project/host.js';
import { buildName } from '../project/log-files.js';
import { historyFolder } from './build-history.js';
import { EventRecord } from './event-record.js';
import { inSession, openWritingSession, type Session, type WritingOptions } from './project-session.js';

export interface PreparedOptions extends WritingOptions {
  readonly prepare: PrepareOptions;
  /** Gets every event, if present. */
  on?(event: BuildEvent): void;
}

export interface PreparedSession {
  readonly session: Session;
  readonly prepared: Prepared;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

/** What `use` makes of it, or why it could not be opened. The agent is ended too; nothing is sent to remotes. */
export async function inPreparedSession<T>(
  host: Host,
  options: PreparedOptions,
  use: (open: PreparedSession) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const { signal } = options;
  const record = new EventRecord();
  const emit = createEmit(host.now, (event) => {
    record.on(event);
    options.on?.(event);
  });
  return inSession(openWritingSession(host, options, emit), async (session) => {
    const { repository } = session;
    const loaded = await host.loadConfig(repository.project);
    if (!loaded.ok) return loaded;
    const prepared = await prepare(host, { project: session, loaded: loaded.value }, options.prepare, {
      warn: (message) => emit({ type: 'warning', message }),
      signal,
      readOnly: true,
    });
    if (!prepared.ok) return prepared;
    record.openHistory(historyFolder(repository), buildName(host.now(), host.pid));
    try {
      return await use({ session, prepared: prepared.value, emit, signal });
    } finally {
      await record.close();
      await prepared.value.agent?.close?.();
      await prepared.value.store.close();
    }
  });
}
