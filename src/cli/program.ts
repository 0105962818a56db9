/** The commands, in the order of their help. What each takes is in `definitions/`, what it does in `commands/`. */

import { Command } from 'commander';
import { addAbsorb } from './definitions/absorb.js';
import { addAccept } from './definitions/accept.js';
import { addBacklog } from './definitions/backlog.js';
import { addBlame } from './definitions/blame.js';
import { addBuild } from './definitions/build.js';
import { addCache } from './definitions/cache.js';
import { addCompletion } from './definitions/completion.js';
import { addDiff } from './definitions/diff.js';
import { addDoctor } from './definitions/doctor.js';
import { addExplain } from './definitions/explain.js';
import { addGc } from './definitions/gc.js';
import { addGraph } from './definitions/graph.js';
import { addInit } from './definitions/init.js';
import { addList } from './definitions/list.js';
import { addLog } from './definitions/log.js';
import { addMetrics } from './definitions/metrics.js';
import { addNew } from './definitions/new.js';
import { addPlan } from './definitions/plan.js';
import { addPrompt } from './definitions/prompt.js';
import { addRegenerate } from './definitions/regenerate.js';
import { addRun } from './definitions/run.js';
import { addSchema } from './definitions/schema.js';
import type { SetExitCode } from './definitions/shared.js';
import { addStatus } from './definitions/status.js';
import { addValidate } from './definitions/validate.js';
import { addCheckout, addVersions } from './definitions/versions.js';
import { addWatch } from './definitions/watch.js';
import { VERSION } from './version.js';

const COMMANDS = [
  addInit,
  addNew,
  addPlan,
  addRun,
  addBuild,
  addWatch,
  addStatus,
  addList,
  addDiff,
  addAccept,
  addAbsorb,
  addRegenerate,
  addBlame,
  addVersions,
  addCheckout,
  addExplain,
  addPrompt,
  addGraph,
  addValidate,
  addBacklog,
  addLog,
  addCache,
  addGc,
  addMetrics,
  addDoctor,
  addSchema,
  addCompletion,
];

const EXIT_CODES = `
Exit codes: 0 up to date, or all is well; 1 a task or gate failed, or what was asked for is not so; 2 could not
start (usage, config, specs, environment); 130 interrupted.`;

export function createProgram(setExitCode: SetExitCode): Command {
  const program = new Command('conductor')
    .description('Specs are the source, code is the build output.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', EXIT_CODES);
  for (const add of COMMANDS) add(program, setExitCode);
  return program;
}
