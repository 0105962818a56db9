/** `conductor init`: makes this folder a project. Asks on a terminal if options leave something open. */

import { type CiKind, ciFile } from '../../../commands/init/ci-file.js';
import {
  type InitChoices,
  type InitSurvey,
  initProject,
  surveyProject,
} from '../../../commands/init/init.js';
import type { Failure } from '../../../model/failure.js';
import { initText } from '../../../report/init.js';
import { CONFIG_NAMES } from '../../config/config-names.js';
import { print, refuse, styleFor } from '../../output.js';
import { createHost, shippedPage, templateRoots } from '../../wire.js';

export interface InitFlags {
  readonly yes?: boolean;
  readonly gate?: readonly string[];
  /** False with `--no-gates`. */
  readonly gates: boolean;
  readonly agents?: boolean;
  readonly example: boolean;
  /** False with `--no-merge-driver`. */
  readonly mergeDriver: boolean;
  readonly instructions?: boolean;
  readonly ci?: CiKind;
}

export async function runInit(flags: InitFlags): Promise<number> {
  const cwd = process.cwd();
  // This folder, not a project that it may be in.
  const host = { ...createHost(cwd), directory: cwd };
  const survey = await surveyProject(host, CONFIG_NAMES);
  if (!survey.ok) return refuse(survey.error);
  const choices = await chosen(survey.value, flags);
  if (choices === undefined) return 130;
  if ('kind' in choices) return refuse(choices);
  const ci = flags.ci === undefined ? undefined : ciFile(flags.ci, await shippedPage('ci.md'), survey.value);
  if (ci && !ci.ok) return refuse(ci.error);
  const all = { ...choices, ci: ci?.value };
  const done = await initProject(host, templateRoots(cwd, cwd), survey.value, all);
  if (!done.ok) return refuse(done.error);
  print(initText(survey.value, choices, done.value, styleFor(process.stdout)));
  return 0;
}

/** The values of flags, else answers; undefined when the user cancelled. */
async function chosen(survey: InitSurvey, flags: InitFlags): Promise<InitChoices | Failure | undefined> {
  const { toolchain, config } = survey;
  if (config !== undefined && flags.gate !== undefined) {
    const message = `${config} exists already, and --gate is only for a config that init writes`;
    return { kind: 'usage', message, hint: `write the commands into \`gates\` of ${config}` };
  }
  const found = toolchain.gates.map(({ command }) => command);
  const isDecided = !flags.gates || config !== undefined;
  const gates = isDecided ? [] : (flags.gate ?? (flags.yes ? found : undefined));
  const { canAsk } = await import('../../questions.js');
  if (!flags.yes && canAsk()) {
    const { askForProject } = await import('./init-questions.js');
    const { agents, example, mergeDriver, instructions } = flags;
    return askForProject(survey, { gates, agents, example, mergeDriver, instructions });
  }
  const { agents = false, example, instructions = false } = flags;
  // A setting of the person's git is made only by a person's word.
  const mergeDriver = flags.mergeDriver && flags.yes === true;
  if (gates !== undefined) return { gates, agents, example, mergeDriver, instructions };
  return {
    kind: 'usage',
    message: 'no gates are given, and conductor cannot ask without a terminal',
    hint: `--yes uses the commands that were found (${found.join(', ') || 'nothing'}); or name yours (--gate 'npm test'), or use --no-gates`,
  };
}
