/** `conductor approve`: shows what agents ask for, and grants it. */

import { ok, type Result } from '../../../base/result.js';
import { type Approval, approve } from '../../../commands/approve.js';
import { applyChanges, type OpenChange, proposedChanges } from '../../../commands/plan/feature-changes.js';
import { needText } from '../../../model/agents/agent-report.js';
import type { Failure } from '../../../model/failure.js';
import { elsewhereText } from '../../../report/backlog.js';
import { patchLine } from '../../../report/difference.js';
import { visible } from '../../../report/style.js';
import { print, printJson, refuse, say, styleFor } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface ApproveFlags {
  readonly list?: boolean;
  readonly json?: boolean;
  readonly wait: boolean;
}

export async function runApprove(
  target: string | undefined,
  what: readonly string[],
  flags: ApproveFlags,
): Promise<number> {
  const list = flags.list === true;
  if (target === undefined && !list) {
    return refuse({
      kind: 'usage',
      message: 'name the task whose requests you grant',
      hint: '`conductor approve --list` shows what is asked for',
    });
  }
  const signals = cancelOnSignals();
  try {
    const { wait } = flags;
    const { signal } = signals;
    const isFeature = target === undefined || !target.includes('/');
    const proposed =
      isFeature && what.length === 0 ? await changesOf(target, { list, wait, signal }) : ok([]);
    if (!proposed.ok) return refuse(proposed.error);
    if (proposed.value.length > 0 && !flags.json)
      print(elsewhereText(proposed.value, styleFor(process.stdout)).trimEnd());
    if (proposed.value.length > 0 && !list) {
      if (flags.json) printJson({ schema: 1, tasks: [], changes: proposed.value });
      else say(`applied; \`conductor build\` builds what changed`);
      return 0;
    }
    const done = await approve(createHost(process.cwd()), { target, what, list, wait, signal });
    if (!done.ok) return refuse(done.error);
    if (flags.json) printJson({ schema: 1, tasks: done.value, changes: proposed.value });
    else if (proposed.value.length === 0 || done.value.length > 0) show(done.value, list);
    return 0;
  } finally {
    signals.stop();
  }
}

/** The changes of other features that features propose: listed, or applied for one feature. */
async function changesOf(
  feature: string | undefined,
  { list, wait, signal }: { readonly list: boolean; readonly wait: boolean; readonly signal: AbortSignal },
): Promise<Result<readonly OpenChange[], Failure>> {
  const host = createHost(process.cwd());
  const open = await proposedChanges(host, feature);
  if (!open.ok || list || feature === undefined || open.value.changes.length === 0)
    return open.ok ? ok(open.value.changes) : open;
  return applyChanges(host, feature, { command: `conductor approve ${feature}`, wait, signal });
}

function show(approvals: readonly Approval[], list: boolean): void {
  const style = styleFor(process.stdout);
  for (const { label, grants, diff } of approvals) {
    print(style('bold', visible(label)));
    for (const { need, adds, problem } of grants) {
      const where = [...new Set(adds.map(({ key }) => key))].join(', ');
      const outcome = problem === undefined ? (where === '' ? 'allowed already' : `into ${where}`) : problem;
      print(`  asks ${visible(needText(need))}: ${visible(need.because)} (${visible(outcome)})`);
    }
    for (const line of diff.split('\n')) if (line !== '') print(`  ${patchLine(line, style)}`);
  }
  if (approvals.length === 0) say('no task asks for anything');
  else if (!list) say('`conductor build` goes on from the kept work');
}
