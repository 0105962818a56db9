/** What everything that starts agents or programs works with: logs, sandboxed commands, spending, workspaces. */

import type { BuildEventBody } from '../model/event.js';
import type { BuildLogs } from '../project/log-files.js';
import type { WorkspacePool } from '../workspace/pool.js';
import type { CommandEnvironment } from './command-environment.js';
import type { ProviderSessions } from './provider-sessions.js';
import type { Spending } from './spending.js';

export interface BuildContext {
  readonly logs: BuildLogs;
  readonly commandEnvironment: CommandEnvironment;
  readonly spending: Spending;
  readonly sessions: ProviderSessions;
  readonly pool: WorkspacePool;
  /** Why nothing is sandboxed although it should be; undefined when it is, or when nobody wants it. */
  readonly unsandboxed: string | undefined;
}

/** To be said once, and only when something is run that a sandbox would hold. */
export function unsandboxedWarning(reason: string): BuildEventBody {
  const message = `no sandbox (${reason}): agents, commands and gates can write wherever you can; see \`conductor doctor\``;
  return { type: 'warning', message };
}
