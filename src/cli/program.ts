/** Lists the commands in the order of the help. `definitions/` says what each accepts, `commands/` what it does. */

import { Command } from 'commander';
import { addBuild, addPlan, addRun, addVerify, addWatch } from './definitions/build.js';
import {
  addAbsorb,
  addAccept,
  addAdopt,
  addApprove,
  addBlame,
  addCheckout,
  addDiff,
  addDisown,
  addMove,
  addRegenerate,
  addRemove,
  addVersions,
} from './definitions/edits.js';
import { addWorker, addWorkers } from './definitions/fleet.js';
import {
  addBacklog,
  addDoctor,
  addExplain,
  addGraph,
  addList,
  addLog,
  addMap,
  addMetrics,
  addPrompt,
  addStatus,
  addValidate,
} from './definitions/inspect.js';
import { addMcp, addReport, addReview, addUi } from './definitions/page.js';
import { addInit, addMergeLock, addNew } from './definitions/project.js';
import { addProjects } from './definitions/projects.js';
import { addCache, addClean, addGc } from './definitions/results.js';
import type { SetExitCode } from './definitions/shared.js';
import { addCompletion, addSchema } from './definitions/shell.js';
import { VERSION } from './version.js';

const COMMANDS = [
  addInit,
  addNew,
  addPlan,
  addRun,
  addBuild,
  addVerify,
  addWatch,
  addStatus,
  addList,
  addAdopt,
  addDisown,
  addDiff,
  addAccept,
  addApprove,
  addAbsorb,
  addRegenerate,
  addBlame,
  addVersions,
  addCheckout,
  addMove,
  addRemove,
  addExplain,
  addPrompt,
  addMap,
  addGraph,
  addValidate,
  addBacklog,
  addLog,
  addCache,
  addClean,
  addGc,
  addWorker,
  addWorkers,
  addProjects,
  addUi,
  addMcp,
  addReport,
  addReview,
  addMetrics,
  addDoctor,
  addMergeLock,
  addSchema,
  addCompletion,
];

const EXIT_CODES = `
Exit codes: 0 success; 1 a task or gate failed, or a check found a problem; 2 could not
start (usage, config, specs, environment); 130 interrupted.`;

/** `help` puts the text of the help right before it is printed. */
export function createProgram(setExitCode: SetExitCode, help = (text: string) => text): Command {
  const program = new Command('conductor')
    .description('Specs are the source, code is the build output.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stdout.write(help(text)) })
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXIT_CODES);
  for (const add of COMMANDS) add(program, setExitCode);
  return program;
}
