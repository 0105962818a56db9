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

const COMMANDS = {
  init: addInit,
  new: addNew,
  plan: addPlan,
  run: addRun,
  build: addBuild,
  verify: addVerify,
  watch: addWatch,
  status: addStatus,
  list: addList,
  adopt: addAdopt,
  disown: addDisown,
  diff: addDiff,
  accept: addAccept,
  approve: addApprove,
  absorb: addAbsorb,
  regenerate: addRegenerate,
  blame: addBlame,
  versions: addVersions,
  checkout: addCheckout,
  mv: addMove,
  rm: addRemove,
  explain: addExplain,
  prompt: addPrompt,
  map: addMap,
  graph: addGraph,
  validate: addValidate,
  backlog: addBacklog,
  log: addLog,
  cache: addCache,
  clean: addClean,
  gc: addGc,
  worker: addWorker,
  workers: addWorkers,
  projects: addProjects,
  ui: addUi,
  mcp: addMcp,
  report: addReport,
  review: addReview,
  metrics: addMetrics,
  doctor: addDoctor,
  'merge-lock': addMergeLock,
  schema: addSchema,
  completion: addCompletion,
};

const EXIT_CODES = `
Exit codes: 0 success; 1 a task or gate failed, or a check found a problem; 2 could not
start (usage, config, specs, environment); 130 interrupted.`;

/** `help` puts the text of the help right before it is printed. `called`: the first word; if it names a command, no other is made. */
export function createProgram(
  setExitCode: SetExitCode,
  help = (text: string) => text,
  called?: string,
): Command {
  const program = new Command('conductor')
    .description('Specs are the source, code is the build output.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: (text) => process.stdout.write(help(text)) })
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXIT_CODES);
  // Making all takes about 3 ms, a twentieth of a short command.
  for (const add of isCommand(called) ? [COMMANDS[called]] : Object.values(COMMANDS))
    add(program, setExitCode);
  return program;
}

/** Not `complete`, which has no entry: it looks through all commands. */
function isCommand(word: string | undefined): word is keyof typeof COMMANDS {
  return word !== undefined && Object.hasOwn(COMMANDS, word);
}
