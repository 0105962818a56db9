/** The questions of `conductor init` on a terminal: gates, the example, and whether to copy agent definitions. */

import type { InitChoices, InitSurvey } from '../../../commands/init/init.js';
import { ask, askChoices, askText, askYes } from '../../questions.js';

/** What the command line has decided already; undefined where it says nothing. */
export interface DecidedChoices {
  readonly gates: readonly string[] | undefined;
  readonly agents: boolean | undefined;
  /** False: no example is wanted. */
  readonly example: boolean;
  /** False: git's merge driver is not to be set. */
  readonly mergeDriver: boolean;
  readonly instructions: boolean | undefined;
}

/** Undefined when the user cancelled. */
export function askForProject(survey: InitSurvey, decided: DecidedChoices): Promise<InitChoices | undefined> {
  return ask('conductor init', async () => {
    const gates = decided.gates ?? (await askGates(survey));
    const example = decided.example && !survey.hasSpecs && (await askExample());
    const agents = decided.agents ?? (await askAgents());
    const mergeDriver = decided.mergeDriver && !survey.hasMergeDriver && (await askMergeDriver());
    const instructions = decided.instructions ?? (await askInstructions());
    return { gates, agents, example, mergeDriver, instructions };
  });
}

async function askGates({ toolchain }: InitSurvey): Promise<string[]> {
  if (toolchain.gates.length === 0) {
    const command = await askText({
      message:
        'Which commands must pass before conductor publishes? No test, lint or typecheck command was found.',
      fallback: '',
      check: () => undefined,
    });
    return command.trim() === '' ? [] : [command];
  }
  const choices = toolchain.gates.map(({ command, from }) => ({
    value: command,
    label: command,
    hint: `from ${from}`,
  }));
  return askChoices(
    'Which commands must pass before conductor publishes?',
    choices,
    choices.map(({ value }) => value),
  );
}

function askExample(): Promise<boolean> {
  return askYes('Write an example that builds at once? To remove it, delete one folder.', true);
}

function askAgents(): Promise<boolean> {
  return askYes('Copy agent definitions and prompts here, so that you can change them?', false);
}

function askMergeDriver(): Promise<boolean> {
  return askYes(
    'Set a merge driver in the git settings of this repository, so that lock files merge task by task?',
    true,
  );
}

function askInstructions(): Promise<boolean> {
  return askYes('Add a section to AGENTS.md that tells your agents how specs are written here?', true);
}
