/** `conductor adopt`: makes specs of existing code, shows them, and records the code as their result. */

import { relative, resolve, sep } from 'node:path';
import { type Adoption, type AdoptRequest, adopt, planAdoption } from '../../../commands/adopt/adopt.js';
import { describeAdoption } from '../../../commands/adopt/describe.js';
import { adoptionText } from '../../../report/adopting/adoption.js';
import { plural, visibleBlock } from '../../../report/style.js';
import { print, printJson, refuse, remark, say, styleFor } from '../../output.js';
import { openReporters } from '../../reporters.js';
import { cancelOnSignals } from '../../signals.js';
import { createHost } from '../../wire.js';
import { consent } from './consent.js';
import { runRecorded } from './recorded.js';

interface AdoptFlags {
  readonly as?: string;
  readonly dryRun?: boolean;
  readonly gates: boolean;
  readonly describe?: boolean;
  readonly yes?: boolean;
  readonly budgetUsd?: number;
  readonly json?: boolean;
  readonly wait: boolean;
}

export async function runAdopt(paths: readonly string[], flags: AdoptFlags): Promise<number> {
  const host = createHost(process.cwd());
  const request: AdoptRequest = {
    paths: paths.map((path) => projectPath(host.directory, path)),
    as: flags.as,
    detectsGates: flags.gates,
    wait: flags.wait,
    command: ['conductor adopt', ...paths].join(' '),
  };
  if (flags.describe) return runDescribed(request, flags);
  if (flags.dryRun) {
    const planned = await planAdoption(host, request);
    if (!planned.ok) return refuse(planned.error);
    return showUnwritten(planned.value, flags);
  }
  return write(request, flags);
}

/** The drafts are shown, then written if the person agrees. */
async function runDescribed(request: AdoptRequest, flags: AdoptFlags): Promise<number> {
  const host = createHost(process.cwd());
  const reporters = openReporters(host, { json: false, dryRun: false, stream: process.stderr });
  const signals = cancelOnSignals();
  const whole = { ...request, budgetUsd: flags.budgetUsd };
  const drafted = await describeAdoption(host, whole, (event) => reporters.on(event), signals.signal).finally(
    async () => {
      signals.stop();
      await reporters.close();
    },
  );
  if (!drafted.ok) return refuse(drafted.error);
  const { adoption, described } = drafted.value;
  if (flags.dryRun) return showUnwritten(adoption, flags);
  if (!flags.json) print(visibleBlock(adoption.text));
  const answer = await consent(flags, 'Write this spec?');
  if (answer === 'interrupted') return 130;
  if (answer === 'yes') return write({ ...request, described }, flags);
  if (flags.json) return showUnwritten(adoption, flags);
  say('nothing was written');
  return 1;
}

function showUnwritten(adoption: Adoption, { json, describe }: AdoptFlags): number {
  if (json) printJson({ schema: 1, ...jsonOf(adoption), written: false });
  else {
    const style = styleFor(process.stdout);
    print(describe ? visibleBlock(adoption.text) : adoptionText(adoption, { dryRun: true, style }));
    say('nothing was written: this was a dry run');
  }
  return 0;
}

async function write(request: AdoptRequest, flags: AdoptFlags): Promise<number> {
  const host = createHost(process.cwd());
  const { value, exitCode } = await runRecorded(flags, (on, signal) => adopt(host, request, on, signal));
  const { adoption } = value;
  if (!adoption) {
    // A gate that fails on the code as it is, for instance.
    if (!flags.json && exitCode === 1) remark('nothing was written');
    return exitCode;
  }
  if (flags.json) printJson({ schema: 1, ...jsonOf(adoption), written: true });
  else {
    print(adoptionText(adoption, { dryRun: false, style: styleFor(process.stdout) }));
    const what = `${plural(adoption.files, 'file')} adopted as ${plural(adoption.tasks.length, 'task')} and not changed`;
    say(`${what}; \`conductor disown ${adoption.feature}\` is the way back`);
  }
  return exitCode;
}

/** A path of the command line, relative to the project. */
export function projectPath(project: string, path: string): string {
  return relative(project, resolve(path)).split(sep).join('/');
}

function jsonOf({ feature, file, text, tasks, files, skipped, others, gates }: Adoption) {
  return { feature, file, text, tasks, files, skipped, others, gates };
}
