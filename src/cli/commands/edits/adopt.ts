/** `conductor adopt`: makes specs of existing code, shows them, and records the code as their result. */

import { relative, resolve, sep } from 'node:path';
import { type Adoption, type AdoptRequest, adopt, planAdoption } from '../../../commands/adopt/adopt.js';
import { adoptionText } from '../../../report/adopting/adoption.js';
import { plural } from '../../../report/style.js';
import { print, printJson, printWarning, refuse, say, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';
import { runRecorded } from './recorded.js';

interface AdoptFlags {
  readonly as?: string;
  readonly dryRun?: boolean;
  readonly gates: boolean;
  readonly json?: boolean;
  readonly wait: boolean;
}

const NO_AGENT =
  'the config names no agent; configure one before you adopt, because an agent that is added later makes every task stale';

export async function runAdopt(paths: readonly string[], flags: AdoptFlags): Promise<number> {
  const host = createHost(process.cwd());
  const request: AdoptRequest = {
    paths: paths.map((path) => projectPath(host.directory, path)),
    as: flags.as,
    detectsGates: flags.gates,
    wait: flags.wait,
    command: ['conductor adopt', ...paths].join(' '),
  };
  if (flags.dryRun) {
    const planned = await planAdoption(host, request);
    if (!planned.ok) return refuse(planned.error);
    if (flags.json) printJson({ schema: 1, ...jsonOf(planned.value), written: false });
    else {
      print(adoptionText(planned.value, styleFor(process.stdout)));
      say('nothing was written');
    }
    return 0;
  }
  const { value, exitCode } = await runRecorded(flags, (on, signal) => adopt(host, request, on, signal));
  const { adoption } = value;
  if (!adoption) return exitCode;
  if (flags.json) printJson({ schema: 1, ...jsonOf(adoption), written: true });
  else {
    if (!adoption.hasAgent) printWarning(NO_AGENT);
    print(adoptionText(adoption, styleFor(process.stdout)));
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
