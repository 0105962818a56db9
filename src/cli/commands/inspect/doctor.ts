/** `conductor doctor`: what would prevent a build, and what to do about it. */

import { TRIAL_SCRIPTS } from '../../../commands/doctor/agent-trial.js';
import { CHECKS, examine } from '../../../commands/doctor/doctor.js';
import type { DoctorCheck } from '../../../commands/doctor/doctor-check.js';
import { checkTrial } from '../../../commands/doctor/trial.js';
import { doctorText } from '../../../report/doctor.js';
import { describeFailure } from '../../../report/failures/failure.js';
import { print, printJson, styleFor } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost, scriptedAgent } from '../../wire.js';

export type TriedAgent = 'scripted' | 'configured';

export async function runDoctor(flags: {
  readonly json?: boolean;
  readonly agent?: TriedAgent;
}): Promise<number> {
  const host = createHost(process.cwd());
  const signals = cancelOnSignals();
  const trial: DoctorCheck[] = flags.agent === undefined ? [] : [trialOf(flags.agent, signals.signal)];
  const findings = await examine(host, process.versions.node, [...CHECKS, ...trial]);
  signals.stop();
  if (flags.json) printJson({ schema: 1, findings });
  else print(doctorText(findings, styleFor(process.stdout)));
  if (signals.signal.aborted) return 130;
  return findings.some(({ state }) => state === 'problem') ? 1 : 0;
}

function trialOf(which: TriedAgent, signal: AbortSignal): DoctorCheck {
  const host = createHost(process.cwd());
  return checkTrial({
    what: which === 'scripted' ? 'OpenCode with a scripted model' : 'the configured agent',
    signal,
    createAgent: (config) =>
      which === 'scripted' ? scriptedAgent(TRIAL_SCRIPTS, config, host.directory) : host.createAgent(config),
    describe(failure) {
      const { headline, facts, hint } = describeFailure(failure);
      const more = facts.map(([name, value]) => `${name} ${value}`).join(', ');
      return {
        found: more === '' ? headline : `${headline}: ${more}`,
        hint: hint ?? 'see `conductor doctor`',
      };
    },
  });
}
