/** Sentences for failures: a headline, facts, one hint, at most one log. Does not print. */

import { shellWord } from '../../base/shell-word.js';
import type { Failure } from '../../model/failure.js';
import { PROJECTS_FILE } from '../../model/projects/project-list.js';
import type { Label } from '../../model/task.js';
import { acceptCommand, type Facts, type FailureText, list, say } from './failure-text.js';
import { describeSystemFailure } from './system-failure.js';
import { describeTaskFailure } from './task-failure.js';

export type { FailureText } from './failure-text.js';

const MAX_SAID_LINES = 8;
const MAX_SAID_WIDTH = 400;
const MAX_FACT = 160;

/** The text of a failure for people. It is raw: the printing code makes control characters visible. */
export function describeFailure(failure: Failure, task?: Label): FailureText {
  const text = describeKind(failure, task);
  if (!('said' in failure) || failure.said === undefined) return text;
  const said = shortWords(failure.said);
  return { ...text, facts: [...text.facts, ['agent said', said]] };
}

/** The failure in one line: its headline with the fact that comes first, such as the gate or the reason. */
export function failureLine(failure: Failure, task?: Label): string {
  const { headline, facts } = describeFailure(failure, task);
  const fact = facts[0]?.[1].split('\n')[0] ?? '';
  if (fact === '') return headline;
  return `${headline}: ${fact.length > MAX_FACT ? `${fact.slice(0, MAX_FACT)}…` : fact}`;
}

/** Why it failed, for a sentence that names the work already: its detail, or its line where it has none. */
export function failureReason(failure: Failure, task?: Label): string {
  return 'detail' in failure ? failure.detail : failureLine(failure, task);
}

/** The end of what an agent said: its conclusion stands there. */
function shortWords(said: string): string {
  const lines = said.trim().split('\n').slice(-MAX_SAID_LINES);
  return lines
    .map((line) => (line.length > MAX_SAID_WIDTH ? `${line.slice(0, MAX_SAID_WIDTH)}…` : line))
    .join('\n');
}

function describeKind(failure: Failure, task?: Label): FailureText {
  switch (failure.kind) {
    case 'not-a-repository':
      return say(
        'this folder is not in a git repository',
        [['folder', failure.directory]],
        'run `git init` in this folder, or use the folder of the project',
      );
    case 'unsupported-repository':
      return say('conductor cannot build this repository', [['reason', failure.reason]], failure.hint);
    case 'git-missing':
      return say(
        'git could not be started',
        [['detail', failure.detail]],
        'install git and make sure that it is on PATH',
      );
    case 'git-too-old': {
      const facts: Facts = [
        ['found', failure.version],
        ['needed', `${failure.needed} or newer`],
      ];
      return say('git is too old', facts, 'install a newer git');
    }
    case 'snapshot-failed':
      return say(
        'git could not take a snapshot of the project',
        [['git', failure.detail]],
        'run `git status` to see why',
      );
    case 'invalid-config':
      return {
        ...(failure.diagnostics.every(({ file }) => file === PROJECTS_FILE)
          ? say('the list of projects is not valid', [], 'correct it, then run `conductor projects list`')
          : say('the configuration is not valid', [], 'correct it, then run `conductor validate`')),
        diagnostics: failure.diagnostics,
      };
    case 'invalid-specs':
      return {
        ...say('the specs are not valid', [], 'correct them, then run `conductor validate`'),
        diagnostics: failure.diagnostics,
      };
    case 'unknown-target': {
      const facts: Facts = failure.nearest.length > 0 ? [['nearest', failure.nearest.join(', ')]] : [];
      return say(
        `no task or feature is called ${failure.target}`,
        facts,
        '`conductor status` lists all tasks',
      );
    }
    case 'unknown-version':
      return say(
        `${failure.feature} has no version ${failure.version}`,
        failure.known.length > 0 ? [['versions', failure.known.slice(0, 10).join(', ')]] : [],
        `\`conductor versions ${failure.feature}\` shows what changed in each`,
      );
    case 'usage':
      return say(failure.message, [], failure.hint ?? '`conductor --help` lists the commands');
    case 'locked': {
      const facts: Facts = [
        ['process', String(failure.pid)],
        ['command', failure.command],
        ['since', failure.since],
      ];
      return say('another conductor works on this project', facts, 'wait for it, or leave out `--no-wait`');
    }
    case 'queue-failed':
      return say(
        'the queue cannot be reached',
        [
          ['queue', failure.queue],
          ['detail', failure.detail],
        ],
        'start the Redis server, or build without `execution` in the config',
      );
    case 'disk-full':
      return say(
        'the disk is full',
        [['writing', failure.path]],
        'free some space and build again; finished work is kept',
      );
    case 'system-error':
    case 'git-failed':
    case 'store-damaged':
      return describeSystemFailure(failure);
    case 'unknown-template': {
      const { template, nearest, known } = failure;
      const facts: Facts =
        nearest.length > 0 ? [['nearest', nearest.join(', ')]] : [['there are', known.join(', ')]];
      return say(`no template is called ${template}`, facts, '`conductor new --list` lists all templates');
    }
    case 'invalid-template': {
      const { template, feature, diagnostics } = failure;
      const text =
        feature === undefined
          ? say(`the template ${template} is not valid`, [], 'correct the template; nothing was written')
          : say(
              `${feature} from ${template} would not be valid`,
              [],
              'choose other values, or correct the template; nothing was written',
            );
      return { ...text, diagnostics };
    }
    case 'invalid-variables': {
      const facts: Facts = failure.problems.map(({ variable, message, hint, example }) => [
        variable,
        message +
          (hint === undefined ? '' : `; ${hint}`) +
          (example === undefined ? '' : ` (for example ${example})`),
      ]);
      const [shown] = failure.problems.flatMap(({ variable, example }) =>
        example === undefined ? [] : [{ variable, example }],
      );
      return say(
        `${failure.template} cannot be used with these values`,
        facts,
        `set each one with \`--set\`${shown === undefined ? '' : ` (\`--set ${shown.variable}=${shellWord(shown.example)}\`)`}; \`conductor new --list\` describes them`,
      );
    }
    case 'files-in-the-way':
      return failure.copiesOf === undefined
        ? say(
            'conductor does not overwrite existing files',
            list('exists', failure.paths),
            'move the files away, or choose another name',
          )
        : say(
            `copies of the outputs of ${failure.copiesOf} were changed, and conductor does not overwrite them`,
            list('changed', failure.paths),
            'restore the files or delete them, then build again; what they should hold is for a task of that project',
          );
    case 'preflight-failed': {
      const gate = describeFailure(failure.failure, failure.task);
      return { ...gate, facts: [['task', failure.task], ...gate.facts] };
    }
    case 'failed-before': {
      const before = describeFailure(failure.failure, task);
      return say(
        before.headline,
        [['again', 'it failed before, and nothing in its key has changed since'], ...before.facts],
        'change its spec or its inputs, or press `f` to try again',
      );
    }
    case 'format-rejected': {
      const cause = describeFailure(failure.failure, task);
      return {
        ...cause,
        headline: `formatted again, its files do not pass: ${cause.headline}`,
        facts: [['agent', 'not asked, because a person wrote these files'], ...cause.facts],
        hint: `run the formatter yourself, correct the files, then run ${acceptCommand(task === undefined ? [] : [task])}; or set \`format: []\` in the task to leave them as they are`,
      };
    }
    default:
      return describeTaskFailure(failure, task);
  }
}
