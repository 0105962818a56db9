/** The commands, in the order of their help. What each takes is in `definitions/`, what it does in `commands/`. */

import { Command } from 'commander';
import { addBuild } from './definitions/build.js';
import { addCache } from './definitions/cache.js';
import { addExplain } from './definitions/explain.js';
import { addGraph } from './definitions/graph.js';
import { addLog } from './definitions/log.js';
import { addPrompt } from './definitions/prompt.js';
import type { SetExitCode } from './definitions/shared.js';
import { addStatus } from './definitions/status.js';
import { addValidate } from './definitions/validate.js';
import { VERSION } from './wire.js';

const COMMANDS = [addBuild, addStatus, addExplain, addPrompt, addGraph, addValidate, addLog, addCache];

export function createProgram(setExitCode: SetExitCode): Command {
  const program = new Command('conductor')
    .description('Specs are the source, code is the build output.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false });
  for (const add of COMMANDS) add(program, setExitCode);
  return program;
}
