/** `conductor regenerate`: builds outputs again, and shows the comparison as table, JSON or page. */

import { basename, resolve } from 'node:path';
import { regenerate } from '../../../commands/regenerate/regenerate.js';
import { writeAtomic } from '../../../io/files.js';
import { exitCodeOf } from '../../../model/failure.js';
import type { Regeneration } from '../../../model/regeneration.js';
import { regenerationText } from '../../../report/regeneration.js';
import { print, printJson, refuse, remark, styleFor } from '../../output.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';

interface RegenerateFlags {
  readonly all?: boolean;
  readonly fresh?: boolean;
  readonly runs?: number;
  readonly apply?: boolean;
  readonly html?: string | true;
  readonly json?: boolean;
  readonly workers?: number;
  readonly wait: boolean;
}

export async function runRegenerate(targets: readonly string[], flags: RegenerateFlags): Promise<number> {
  if (targets.length === 0 && !flags.all) {
    return refuse({
      kind: 'usage',
      message: 'regenerate needs targets, or --all',
      hint: 'with --fresh every recipe runs, including models; otherwise the store is used',
    });
  }
  const host = createHost(process.cwd());
  // The comparison is the output; progress goes to stderr.
  const reporters = openReporters(host, { json: false, dryRun: false, stream: process.stderr });
  const signals = cancelOnSignals();
  const done = await regenerate(
    host,
    {
      targets: flags.all ? [] : targets,
      fresh: flags.fresh === true,
      runs: flags.runs ?? 1,
      apply: flags.apply === true,
      workers: flags.workers,
      wait: flags.wait,
      command: ['conductor regenerate', ...targets].join(' '),
    },
    (event) => reporters.on(event),
    signals.signal,
  ).finally(async () => {
    signals.stop();
    await reporters.close();
  });
  if (!done.ok) return refuse(done.error);
  const { report, failure } = done.value;
  if (flags.json) printJson(report);
  else print(regenerationText(report, styleFor(process.stdout)));
  if (flags.html) {
    const file = await writePage(report, host.directory, flags.html === true ? undefined : flags.html);
    remark(`wrote ${file}`);
  }
  return failure ? exitCodeOf(failure) : 0;
}

/** The page's path: as it was asked for, else among what conductor keeps for people to look at. */
async function writePage(report: Regeneration, project: string, asked: string | undefined): Promise<string> {
  const { regenerationPage } = await import('../../../report/pages/regeneration-page.js');
  const file = asked ?? '.conductor/reports/regenerate.html';
  await writeAtomic(
    asked === undefined ? resolve(project, file) : resolve(asked),
    await regenerationPage(report, `${basename(project)}: regenerated`),
  );
  return file;
}
