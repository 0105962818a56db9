/** Opens the build context: logs, sandboxed commands, spending and the workspace pool, as the config asks. */

import { err, ok, type Result } from '../base/result.js';
import type { BuildContext } from '../execution/build-context.js';
import { CommandEnvironment } from '../execution/command-environment.js';
import { ProviderSessions } from '../execution/provider-sessions.js';
import { Spending } from '../execution/spending.js';
import { findSandbox } from '../io/process/sandbox.js';
import type { Config } from '../model/config.js';
import type { Failure } from '../model/failure.js';
import { readSpending } from '../project/clone-records.js';
import type { Host } from '../project/host.js';
import { BuildLogs } from '../project/log-files.js';
import { openPool } from './open-pool.js';
import { buildName } from './options.js';
import type { Session } from './session.js';

/** Opens all of it, and sweeps what a dead build left in workspaces. Fails with `sandbox-required`. */
export async function openBuildContext(
  host: Host,
  session: Session,
  config: Config,
  startedAt: number,
): Promise<Result<BuildContext, Failure>> {
  const { project, state } = session.repository;
  const sandbox = await findSandbox(host.env);
  if ('missing' in sandbox && config.sandbox === 'required') {
    return err({ kind: 'sandbox-required', detail: sandbox.missing });
  }
  const program = config.sandbox !== 'off' && 'program' in sandbox ? sandbox.program : undefined;
  const logs = new BuildLogs(project, buildName(startedAt, host.pid));
  await logs.open();
  const commandEnvironment = new CommandEnvironment(project, config, host.env, program);
  const day = new Date(startedAt).toISOString().slice(0, 10);
  const { sessionState } = session;
  // What a superseded build left running pays from the same purse, and its workspaces are nobody's leftovers.
  const isFollowing = sessionState.runs.busy;
  const ledger = await readSpending(state, day);
  const spending = (isFollowing && sessionState.spending) || new Spending(config.budget, ledger, state);
  sessionState.spending = spending;
  const pool = openPool(host, session, config, commandEnvironment, logs);
  if (!isFollowing) await pool.sweep();
  const unsandboxed = config.sandbox === 'auto' && 'missing' in sandbox ? sandbox.missing : undefined;
  const sessions = new ProviderSessions(config.models.limits, (name, limit) =>
    sessionState.limiter(name, limit),
  );
  return ok({ logs, commandEnvironment, spending, sessions, pool, unsandboxed });
}
