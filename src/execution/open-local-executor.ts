/**
 * Opens the executor of this machine: logs, sandboxed commands, budgets and workspaces, from the config. Runs no
 * task.
 */

import { join } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { type Environment, expandHome } from '../io/process/environment.js';
import { killOrphans } from '../io/process/run-marks.js';
import { findSandbox } from '../io/process/sandbox/sandbox.js';
import type { Failure } from '../model/failure.js';
import { commandText } from '../model/task.js';
import { DayLedger } from '../project/day-ledger.js';
import type { Host } from '../project/host.js';
import { BuildLogs, buildName } from '../project/log-files.js';
import { SpendingRecord } from '../project/spending-record.js';
import { innerPackageFolders } from '../workspace/tools/inner-packages.js';
import { outsidePackages } from '../workspace/tools/outside-links.js';
import { type PoolOptions, WorkspacePool } from '../workspace/workspace-pool.js';
import { CommandEnvironment, keptOutput } from './command-environment.js';
import type { Executor, ExecutorParts } from './executor.js';
import { LocalExecutor, type LocalExecutorParts } from './local-executor.js';
import { ProviderSessions } from './provider-sessions.js';
import { Spending } from './spending.js';

/** Also removes what a killed build left in workspaces. Fails with `sandbox-required`. */
export async function openLocalExecutor(
  host: Host,
  parts: ExecutorParts,
): Promise<Result<Executor, Failure>> {
  const opened = await openLocalParts(host, parts);
  return opened.ok ? ok(new LocalExecutor(opened.value)) : opened;
}

/** What local executors of one project share. */
export async function openLocalParts(
  host: Host,
  parts: ExecutorParts,
): Promise<Result<LocalExecutorParts, Failure>> {
  const { repository, config, startedAt, shared, isFollowing } = parts;
  const { project } = repository;
  // Trying it starts a program: a build of templates alone does without. What runs in a sandbox waits for the trial.
  const findProgram = async () => {
    const found = config.sandbox === 'off' ? undefined : await findSandbox(host.env);
    return found !== undefined && 'program' in found ? found.program : undefined;
  };
  if (config.sandbox === 'required') {
    const sandbox = await findSandbox(host.env);
    if ('missing' in sandbox) return err({ kind: 'sandbox-required', detail: sandbox.missing });
  }
  const logs = new BuildLogs(project, buildName(startedAt, host.pid));
  await logs.open();
  const commandEnvironment = new CommandEnvironment(config, host.env, findProgram);
  const day = new Date(startedAt).toISOString().slice(0, 10);
  // Work that a superseded build left running uses the same budgets, and its workspaces are still in use.
  const spending = (isFollowing && shared.spending) || (await openSpending(host, parts, day));
  shared.spending = spending;
  const isSandboxed = async () => (await findProgram()) !== undefined;
  const own = { commandEnvironment, logs, isSandboxed };
  const options = await poolOptions(host, parts, own);
  const pool = shared.workspaces(options, () => new WorkspacePool(repository, parts.objects, options));
  // Before workspaces are swept: what a killed build left running would write on.
  if (!isFollowing) pool.sweepBeforeUse(killOrphans);
  return ok({
    objects: parts.objects,
    store: parts.store,
    agent: parts.agent,
    config,
    logs,
    commandEnvironment,
    spending,
    sessions: new ProviderSessions({
      limits: config.models.limits,
      turns: (provider, limit) => shared.sessions(provider, limit),
      all: shared.agents,
      now: host.now,
    }),
    pool,
    commandLimiter: shared.commands(config.commands),
    gateLimiter: shared.gates(config.gateWorkers, config.commands),
    async unsandboxed() {
      const found = config.sandbox === 'auto' ? await findSandbox(host.env) : undefined;
      return found !== undefined && 'missing' in found ? found.missing : undefined;
    },
    version: host.version,
    now: host.now,
  });
}

async function openSpending(
  { cacheDir }: Host,
  { repository, config, agent, shared }: ExecutorParts,
  day: string,
): Promise<Spending> {
  const isLimited = agent !== undefined && Object.keys(config.budget.day).length > 0;
  const ledger = isLimited ? await DayLedger.open(cacheDir, repository, day) : undefined;
  const record = await SpendingRecord.open(repository.state, day);
  return new Spending({ ...config.budget, common: shared.commonBudget }, record, ledger);
}

async function poolOptions(
  { cacheDir, env }: Host,
  { repository, config, handWritten, rules }: ExecutorParts,
  own: {
    readonly commandEnvironment: CommandEnvironment;
    readonly logs: BuildLogs;
    isSandboxed(): Promise<boolean>;
  },
): Promise<PoolOptions> {
  const { link } = config.workspace;
  const inner = await innerPackageFolders(repository.project, link);
  return {
    cacheDir,
    link,
    inner,
    outside: await outsidePackages(repository, [...link, ...inner], config.secrets),
    environments: env.VIRTUAL_ENV ? [env.VIRTUAL_ENV] : [],
    ...(env.PYTHONPATH && config.env.includes('PYTHONPATH') ? { pythonPath: env.PYTHONPATH } : {}),
    keep: config.workspace.keep,
    read: config.workspace.read.map((path) => expandHome(path, env)),
    setupKey: config.workspace.setup.length === 0 ? '' : JSON.stringify(config.workspace.setup),
    ...(config.workspace.inputs ? { setupInputs: config.workspace.inputs } : {}),
    setupTree: handWritten,
    rules,
    isSandboxed: own.isSandboxed,
    setup: async (dir, places, signal) => {
      for (const [index, command] of config.workspace.setup.entries()) {
        const log = own.logs.file('build', `setup-${index + 1}.log`);
        // Set-up fetches packages: it is the only command that has the network although no task asks for it.
        const exit = await own.commandEnvironment.run({
          command,
          dir,
          minutes: config.timeouts.run,
          network: true,
          log: log.absolute,
          ...(signal ? { signal } : {}),
          sandboxed: true,
          places: { ...places, readOnly: [...(places.readOnly ?? []), ...packageLogins(env)] },
        });
        if (exit.kind === 'cancelled') return err({ kind: 'cancelled' });
        if (exit.kind === 'exited' && exit.code === 0) continue;
        const exitCode = exit.kind === 'exited' ? exit.code : -1;
        const output = keptOutput(exit, log.relative);
        return err({ kind: 'setup-failed', command: commandText(command), exitCode, output });
      }
      return ok(undefined);
    },
  };
}

/** Settings of package managers below the home folder, with their logins: set-up alone gets them. */
function packageLogins({ HOME }: Environment): string[] {
  if (HOME === undefined) return [];
  return [
    ...['.npmrc', '.yarnrc', '.yarnrc.yml', '.config/pnpm', '.config/pip', '.pip', '.config/uv', '.gemrc'],
    ...['.cargo/config.toml', '.cargo/credentials', '.cargo/credentials.toml', '.m2/settings.xml'],
    ...['.bundle/config', '.composer/auth.json', '.config/composer/auth.json', '.config/go/env'],
  ].map((place) => join(HOME, place));
}
