/** Opens the build's pool of workspaces as the config asks for it. Knows nothing of tasks. */

import { err, ok } from '../base/result.js';
import { type CommandEnvironment, keptOutput } from '../execution/command-environment.js';
import type { Config } from '../model/config.js';
import { commandText } from '../model/config.js';
import type { Host } from '../project/host.js';
import type { BuildLogs } from '../project/log-files.js';
import { type PoolOptions, WorkspacePool } from '../workspace/pool.js';
import type { Session } from './session.js';

export function openPool(
  host: Host,
  session: Session,
  config: Config,
  commandEnvironment: CommandEnvironment,
  logs: BuildLogs,
): WorkspacePool {
  const options: PoolOptions = {
    cacheDir: host.cacheDir,
    link: config.workspace.link,
    keep: config.workspace.keep,
    setupKey: JSON.stringify(config.workspace.setup),
    setup: async (dir, signal) => {
      for (const [index, command] of config.workspace.setup.entries()) {
        const log = logs.file('build', `setup-${index + 1}.log`);
        const minutes = config.timeouts.run;
        // Set-up fetches packages: it is the one command that has the network without a task's asking.
        const exit = await commandEnvironment.run({
          command,
          dir,
          minutes,
          network: true,
          log: log.absolute,
          ...(signal ? { signal } : {}),
          sandboxed: false,
        });
        if (exit.kind === 'cancelled') return err({ kind: 'cancelled' });
        if (exit.kind === 'exited' && exit.code === 0) continue;
        const exitCode = exit.kind === 'exited' ? exit.code : -1;
        return err({
          kind: 'setup-failed',
          command: commandText(command),
          exitCode,
          output: keptOutput(exit, log.relative),
        });
      }
      return ok(undefined);
    },
  };
  return session.sessionState.workspaces(
    options,
    () => new WorkspacePool(session.repository, session.objects, options),
  );
}
