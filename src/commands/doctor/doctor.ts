/** `conductor doctor`: all checks, one after the other. Repairs nothing. */

import { openRepository } from '../../io/git/open-repository.js';
import type { Host } from '../../project/host.js';
import { checkAgent, checkModels } from './agent-checks.js';
import type { DoctorCheck, DoctorContext, Finding } from './doctor-check.js';
import { checkAbandoned, checkBuilds, checkGitLock } from './leftovers.js';
import { checkDisk, checkGit, checkNode, checkSandbox } from './machine-checks.js';
import { checkConfig, checkEdits, checkOrphans, checkRepository, checkSpecs } from './project-checks.js';

export const CHECKS: readonly DoctorCheck[] = [
  checkNode,
  checkGit,
  checkSandbox,
  checkDisk,
  checkRepository,
  checkConfig,
  checkSpecs,
  checkOrphans,
  checkEdits,
  checkAgent,
  checkModels,
  checkBuilds,
  checkAbandoned,
  checkGitLock,
];

/** The findings of the checks, in their order. Each check is for itself: one that finds a problem stops no other. */
export async function examine(
  host: Host,
  node: string,
  checks: readonly DoctorCheck[] = CHECKS,
): Promise<Finding[]> {
  const opened = await openRepository(host.directory);
  const loaded = await host.loadConfig(host.directory);
  const context: DoctorContext = {
    host,
    repository: opened.ok ? opened.value : undefined,
    config: loaded.ok ? loaded.value.config : undefined,
    node,
  };
  const findings: Finding[] = [];
  for (const check of checks) findings.push(...(await check(context)));
  return findings;
}
