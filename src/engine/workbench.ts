/** What a command that starts agents or programs works with: logs, sandboxed commands, the purse, workspaces. */

import { err, ok, type Result } from '../base/result.js';
import { findSandbox } from '../io/sandbox.js';
import type { Config } from '../model/config.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { WorkspacePool } from '../workspace/pool.js';
import { BuildLogs } from './logs.js';
import { buildName } from './options.js';
import { openPool } from './pool.js';
import { readSpending } from './records.js';
import type { Session } from './session.js';
import { Spending } from './spending.js';
import type { Surroundings } from './surroundings.js';
import { Toolbox } from './toolbox.js';

export interface Workbench {
  readonly logs: BuildLogs;
  readonly toolbox: Toolbox;
  readonly spending: Spending;
  readonly pool: WorkspacePool;
  /** Why nothing is sandboxed although it should be; undefined when it is, or when nobody wants it. */
  readonly unsandboxed: string | undefined;
}

/** Opens all of it, and sweeps what a dead build left in workspaces. Fails with `sandbox-required`. */
export async function openWorkbench(
  surroundings: Surroundings,
  session: Session,
  config: Config,
  startedAt: number,
): Promise<Result<Workbench, Failure>> {
  const { project, state } = session.repository;
  const sandbox = await findSandbox(surroundings.env);
  if ('missing' in sandbox && config.sandbox === 'required') {
    return err({ kind: 'sandbox-required', detail: sandbox.missing });
  }
  const program = config.sandbox !== 'off' && 'program' in sandbox ? sandbox.program : undefined;
  const logs = new BuildLogs(project, buildName(startedAt, surroundings.pid));
  await logs.open();
  const toolbox = new Toolbox(project, config, surroundings.env, program);
  const day = new Date(startedAt).toISOString().slice(0, 10);
  const { resident } = session;
  // What a superseded build left running pays from the same purse, and its workspaces are nobody's leftovers.
  const isFollowing = resident.runs.busy;
  const ledger = await readSpending(state, day);
  const spending = (isFollowing && resident.spending) || new Spending(config.budget, ledger, state);
  resident.spending = spending;
  const pool = openPool(surroundings, session, config, toolbox, logs);
  if (!isFollowing) await pool.sweep();
  const unsandboxed = config.sandbox === 'auto' && 'missing' in sandbox ? sandbox.missing : undefined;
  return ok({ logs, toolbox, spending, pool, unsandboxed });
}

/** To be said once, and only when something is run that a sandbox would hold. */
export function unsandboxedWarning(reason: string): BuildEventBody {
  const message = `no sandbox (${reason}): agents, commands and gates can write wherever you can; see \`conductor doctor\``;
  return { type: 'warning', message };
}
