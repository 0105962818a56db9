/** A project opened and prepared for one command that writes, closed again whatever comes. Knows no command. */

import { type Prepared, type PrepareOptions, prepare } from '../analysis/prepare.js';
import type { Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { Emit, Host } from '../project/host.js';
import { openWritingSession, type Session, type WritingOptions } from './project-session.js';

/** What `use` makes of it, or why it could not be opened. The agent is ended too; nothing is sent to remotes. */
export async function inPreparedSession<T>(
  host: Host,
  writing: WritingOptions,
  options: PrepareOptions,
  emit: Emit,
  use: (session: Session, prepared: Prepared) => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const session = await openWritingSession(host, writing, emit);
  if (!session.ok) return session;
  try {
    const loaded = await host.loadConfig(session.value.repository.project);
    if (!loaded.ok) return loaded;
    const prepared = await prepare(host, session.value, loaded.value, options, {
      warn: (message) => emit({ type: 'warning', message }),
      signal: writing.signal,
      readOnly: true,
    });
    if (!prepared.ok) return prepared;
    try {
      return await use(session.value, prepared.value);
    } finally {
      await prepared.value.agent?.close?.();
      await prepared.value.store.close();
    }
  } finally {
    await session.value.close();
  }
}
