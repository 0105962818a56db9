/** `conductor absorb <task>`: gets a proposal from the agent or the editor, shows it, asks, and applies it. */

import {
  type Absorption,
  applyAbsorption,
  type Proposal,
  proposeAbsorption,
  readDraft,
} from '../../../commands/absorb/absorb.js';
import { openEditor } from '../../../io/process/editor.js';
import { unifiedDiff } from '../../../io/text-diff.js';
import type { BuildEvent } from '../../../model/event.js';
import { patchLine } from '../../../report/difference.js';
import { visible, visibleBlock } from '../../../report/style.js';
import { answerError, print, printJson, refuse, remark, styleFor } from '../../output.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';
import { consent } from './consent.js';

interface AbsorbFlags {
  readonly editor?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly wait: boolean;
}

export async function runAbsorb(target: string, flags: AbsorbFlags): Promise<number> {
  const host = createHost(process.cwd());
  const options = {
    target,
    byHand: flags.editor === true,
    wait: flags.wait,
    command: `conductor absorb ${target}`,
  };
  const found = await reported((on, signal) => proposeAbsorption(host, options, on, signal));
  if (!found.ok) return refuse(found.error);
  const proposal = await proposalOf(found.value);
  if (typeof proposal === 'number') return proposal;
  if (!flags.json) show(proposal);
  // Saving a change in the editor is consent.
  const isWritten = found.value.kind === 'draft' && !flags.json;
  const answer = await consent({ ...flags, yes: flags.yes === true || isWritten }, 'Apply this?');
  if (answer === 'interrupted') return 130;
  if (answer === 'no') {
    if (flags.json) printJson({ schema: 1, ...jsonOf(proposal), applied: false });
    else remark('nothing was changed');
    return flags.json ? 0 : 1;
  }
  const applied = await reported((on, signal) =>
    applyAbsorption(host, proposal, { wait: flags.wait, on, signal }),
  );
  if (!applied.ok) return refuse(applied.error);
  const { exitCode } = applied.value;
  if (flags.json) printJson({ schema: 1, ...jsonOf(proposal), applied: exitCode === 0 });
  if (exitCode !== 0) {
    remark(`${visible(proposal.file)} is unchanged: the gates fail on the edited files`);
  }
  return exitCode;
}

/** The agent's, or what the person writes; an exit code when there is none. */
async function proposalOf(absorption: Absorption): Promise<Proposal | number> {
  if (absorption.kind === 'proposed') return absorption.proposal;
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi';
  const code = await openEditor(editor, absorption.draft);
  if (code !== 0) {
    const message =
      code === undefined ? `the editor \`${editor}\` was not found` : `the editor ended with ${code}`;
    return refuse({ kind: 'usage', message, hint: 'set VISUAL or EDITOR to your editor' });
  }
  const read = await readDraft(absorption);
  if (!read.ok) {
    const code = refuse(read.error);
    remark(`your text is kept in ${absorption.draft}`);
    return code;
  }
  if (read.value.after !== read.value.before) return read.value;
  const message = 'the spec is unchanged';
  remark(message);
  answerError({ kind: 'nothing-done', message, details: [] });
  return 1;
}

function show({ file, before, after, summary, contradicted = [] }: Proposal): void {
  const style = styleFor(process.stdout);
  const lines = unifiedDiff(before, after).map((line) => patchLine(visibleBlock(line), style));
  const against = contradicted.map(({ ref, what }) => visible(`  ${ref}: ${what}`));
  const told =
    against.length === 0 ? [] : ['', 'These sections say something else now; change them too:', ...against];
  print([style('bold', visible(file)), ...lines, '', visible(summary), ...told].join('\n'));
}

function jsonOf({ label, file, before, after, summary, contradicted = [] }: Proposal) {
  return { label, file, summary, contradicted, diff: unifiedDiff(before, after).join('\n') };
}

/** Events go to stderr: what is asked for is the proposal. */
async function reported<T>(
  work: (on: (event: BuildEvent) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const options = { json: false, dryRun: false, stream: process.stderr };
  const reporters = openReporters(createHost(process.cwd()), options);
  const signals = cancelOnSignals();
  try {
    return await work((event) => reporters.on(event), signals.signal);
  } finally {
    signals.stop();
    await reporters.close();
  }
}
