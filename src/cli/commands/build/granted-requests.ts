/** After a build: grants what its agents ask for, as far as the config allows it or a person at the terminal says so. */

import { type Approval, approve } from '../../../commands/approve.js';
import { needText } from '../../../model/agents/agent-report.js';
import type { Label } from '../../../model/task.js';
import { visible } from '../../../report/style.js';
import { printFailure } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

/** Whether something was granted, so that another build goes on. */
export async function grantRequests(labels: readonly Label[], json: boolean): Promise<boolean> {
  const signals = cancelOnSignals();
  const { signal } = signals;
  const common = { what: [], list: false, wait: true, signal };
  let isGranted = false;
  try {
    for (const target of labels) {
      const allowed = await approve(createHost(process.cwd()), { ...common, target, onlyAllowed: true });
      if (!allowed.ok) {
        printFailure(allowed.error);
        continue;
      }
      const [approval] = allowed.value;
      if (approval === undefined) continue;
      if (approval.diff !== '') {
        process.stderr.write(`conductor: granted to ${visible(target)}: ${asked(approval)}\n`);
        isGranted = true;
      } else if (!json && (await isConsented(approval, signal))) {
        const done = await approve(createHost(process.cwd()), { ...common, target });
        if (done.ok) isGranted = true;
        else printFailure(done.error);
      }
    }
  } finally {
    signals.stop();
  }
  return isGranted && !signal.aborted;
}

function asked({ grants }: Approval): string {
  return grants.map(({ need }) => visible(needText(need))).join(', ');
}

/** One key. Without a terminal nobody is asked. */
async function isConsented(approval: Approval, signal: AbortSignal): Promise<boolean> {
  if (approval.grants.some(({ problem }) => problem !== undefined)) return false;
  const { askYes, canAsk, LeftAtQuestion } = await import('../../questions.js');
  if (!canAsk()) return false;
  const reasons = approval.grants.map(({ need }) => `${needText(need)} (${need.because})`).join(', ');
  const message = `${visible(approval.label)} asks ${visible(reasons)}. Allow it and go on?`;
  try {
    return await askYes(message, false, signal);
  } catch (error) {
    if (error instanceof LeftAtQuestion) return false;
    throw error;
  }
}
