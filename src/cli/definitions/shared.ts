/** What the definitions of commands share: options and their values, and help. It knows no command. */

import { type Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { nearest } from '../../base/nearest.js';
import { parseTimestamp } from '../../base/timestamp.js';

export type SetExitCode = (code: number) => void;

export function examples(...lines: string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

/** The option or argument with its choices; for a misspelt value the error names the nearest choice. */
export function withChoices<T extends Option | Argument>(of: T, choices: readonly string[]): T {
  of.choices(choices);
  const parse = of.parseArg;
  of.argParser((text: string, former: unknown) => {
    try {
      return parse?.(text, former);
    } catch (error) {
      const meant = nearest(text, choices);
      if (!(error instanceof InvalidArgumentError) || meant === undefined) throw error;
      throw new InvalidArgumentError(`${error.message}\n(Did you mean ${meant}?)`);
    }
  });
  return of;
}

/** The option of every command that can pay for agents. */
export const BUDGET_USD = [
  '--budget-usd <amount>',
  'limit in US dollars, in addition to `budget` in the config',
  dollars,
] as const;

const ANNOTATIONS = ['github', 'gitlab', 'none'] as const;

/** The option of commands that look at a part of the project. */
export const SINCE = [
  '--since <commit>',
  'only tasks that changes since this commit (or its merge base with HEAD) concern, and their dependents',
] as const;

/** The options of commands that build one project or several. */
export const DRY_RUN = ['--dry-run', 'print what would be done, and why; do nothing'] as const;

/** What an estimate does not take into account: it builds nothing. */
const OF_BUILD = [
  'commit',
  'failFast',
  'workers',
  'detach',
  'inbox',
  'ui',
  'annotations',
  'junit',
  'profile',
  'rebuildMissing',
  'keepEdits',
  'budgetUsd',
  'wait',
];

export function addEstimate(command: Command): Command {
  const text = 'print what agents would probably use and cost; do nothing';
  return command.addOption(new Option('--estimate', text).conflicts(['dryRun', ...OF_BUILD]));
}

export const DETACH = [
  '--detach',
  'when interrupted, leave what runs on other machines to finish; the next build takes it',
] as const;

export const POLL = ['--poll', 'scan every second, for file systems that report no changes'] as const;

export const EVENTS = ['--json', 'print events, one JSON object a line'] as const;

/** Where the help of such commands differs. */
export interface BuildWords {
  readonly force: string;
  /** What stands after the meaning of `--frozen`. */
  readonly frozen: string;
  /** What stands before a meaning that holds for each project by itself. */
  readonly each: string;
  readonly failFast: string;
}

/** What would do nothing; a name that a command has no option for conflicts with nothing. */
const IDLE = ['dryRun', 'estimate'];
/** What has no meaning where no recipe runs. */
const RECIPES = ['force', 'keepEdits', 'rebuildMissing'];

/** Adds how a build takes stored results, hand edits, commits and failures. */
export function addBuildModes(command: Command, words: BuildWords): Command {
  const { force, frozen, each, failFast } = words;
  return command
    .option('--force', force)
    .addOption(
      new Option(
        '--frozen',
        `change no file: fail if a build would run a recipe or change a file${frozen}`,
      ).conflicts([...IDLE, ...RECIPES, 'commit', 'discardEdits', 'restoreOnly']),
    )
    .addOption(
      new Option(
        '--restore-only',
        'run no recipe: restore stored results, and fail if anything is stale',
      ).conflicts([...IDLE, ...RECIPES]),
    )
    .option('--rebuild-missing', 'rebuild recorded results that are in no store, even if it costs money')
    .option('--discard-edits', 'overwrite outputs that were edited by hand')
    .addOption(
      new Option('--keep-edits', 'merge hand edits into the newly built files').conflicts('discardEdits'),
    )
    .option('--commit', `${each}make one commit per task and merge them into the current branch`)
    .option('--no-verify', 'with --commit: do not run the pre-commit and commit-msg hooks')
    .addOption(
      new Option('--keep-going', `${each}continue with tasks that do not depend on a failed one`).default(
        true,
      ),
    )
    .addOption(new Option('--fail-fast', `${each}${failFast}`).conflicts('keepGoing'));
}

/** The options of commands that a CI runs. */
export const ANNOTATE = [
  '--annotations <kind>',
  'what a CI shows beside the changed lines: github, gitlab, gitlab=<file> or none; default: by environment',
  annotations,
] as const;

export const PROFILE = [
  '--profile <file>',
  'write a Chrome trace: tasks, waits, phases, git processes',
] as const;

export const JUNIT = ['--junit <file>', 'write the outcome of each task as JUnit XML'] as const;

function annotations(text: string): string {
  if (ANNOTATIONS.some((kind) => kind === text) || /^gitlab=./.test(text)) return text;
  const meant = nearest(text, ANNOTATIONS);
  throw new InvalidArgumentError(
    `must be github, gitlab, gitlab=<file> or none.${meant === undefined ? '' : `\n(Did you mean ${meant}?)`}`,
  );
}

function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('must be an amount above 0.');
  return value;
}

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1.');
  return value;
}

/** A time span back from now, or a day. */
export function timestamp(text: string): number {
  const at = parseTimestamp(text, Date.now());
  if (at === undefined) throw new InvalidArgumentError('must be a time span (`7d`) or a day (`2026-01-31`).');
  return at;
}

/** Runs the work with a page beside it. `stays`: on a terminal, it is left open after the work. */
export async function beside(
  run: () => Promise<number>,
  { page = ['ui'], stays }: { readonly page?: readonly string[]; readonly stays: boolean },
): Promise<number> {
  const { withPage } = await import('../commands/page/beside.js');
  return withPage(run, { stays, page });
}
