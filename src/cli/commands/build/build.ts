/** `conductor build`: turns flags into the options of a build. */

import { ciReports } from '../../ci/ci-reports.js';
import { NO_HOOKS_TO_SKIP, refuse } from '../../output.js';
import { runReported } from '../../reported-build.js';

interface BuildFlags {
  readonly dryRun?: boolean;
  readonly estimate?: boolean;
  readonly force?: boolean;
  readonly frozen?: boolean;
  readonly restoreOnly?: boolean;
  readonly staged?: boolean;
  /** The name of the command, where it is not `build`. */
  readonly command?: string;
  readonly rebuildMissing?: boolean;
  readonly discardEdits?: boolean;
  readonly keepEdits?: boolean;
  readonly commit?: boolean;
  readonly verify: boolean;
  readonly failFast?: boolean;
  readonly workers?: number;
  readonly budgetUsd?: number;
  readonly wait: boolean;
  readonly json?: boolean;
  readonly profile?: string;
  readonly inbox?: boolean;
  readonly detach?: boolean;
  readonly annotations?: string;
  readonly junit?: string;
  readonly since?: string;
}

export async function runBuild(targets: readonly string[], flags: BuildFlags): Promise<number> {
  if (!flags.verify && !flags.commit) return refuse(NO_HOOKS_TO_SKIP);
  if (flags.estimate) {
    const { runEstimate } = await import('./estimate.js');
    const { force = false, discardEdits = false, json = false, since } = flags;
    return runEstimate({ targets, since, force, discardEdits }, json);
  }
  const since = flags.since === undefined ? [] : ['--since', flags.since];
  const ci = ciReports(flags, process.env);
  return runReported(
    {
      targets,
      since: flags.since,
      force: flags.force === true,
      discardEdits: flags.discardEdits === true,
      keepEdits: flags.keepEdits === true,
      accept: false,
      failFast: flags.failFast === true,
      frozen: flags.frozen === true,
      restoreOnly: flags.restoreOnly === true,
      staged: flags.staged === true,
      dryRun: flags.dryRun === true,
      rebuildMissing: flags.rebuildMissing === true,
      commit: flags.commit === true,
      noVerify: !flags.verify,
      workers: flags.workers,
      budgetUsd: flags.budgetUsd,
      wait: flags.wait,
      namesAll: ci !== undefined,
      command: [`conductor ${flags.command ?? 'build'}`, ...targets, ...since].join(' '),
    },
    {
      json: flags.json === true,
      profile: flags.profile,
      inbox: flags.inbox === true,
      detach: flags.detach === true,
      ci,
    },
  );
}
