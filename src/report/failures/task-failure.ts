/** Sentences for failures of single tasks, gates and publishing. */

import { unreachable } from '../../base/result.js';
import { shellWord } from '../../base/shell-word.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { bytes, minutes, money, plural } from '../style.js';
import { describePlanFailure, describeReviewFailure } from './document-failure.js';
import { describeEditFailure } from './edit-failure.js';
import { at, budgetHint, budgetOwner, type FailureText, kept, list, say } from './failure-text.js';
import { describeGateFailure } from './gate-failure.js';
import { describeOutputFailure } from './output-failure.js';
import { describeSessionFailure } from './session-failure.js';
import { describeSharingFailure } from './sharing-failure.js';

/** Those that are not about the start of a build. */
export type TaskFailure = Exclude<
  Failure,
  {
    kind:
      | 'not-a-repository'
      | 'unsupported-repository'
      | 'git-missing'
      | 'git-too-old'
      | 'snapshot-failed'
      | 'invalid-config'
      | 'invalid-specs'
      | 'unknown-target'
      | 'unknown-version'
      | 'usage'
      | 'locked'
      | 'queue-failed'
      | 'disk-full'
      | 'system-error'
      | 'git-failed'
      | 'store-damaged'
      | 'unknown-template'
      | 'invalid-template'
      | 'invalid-variables'
      | 'files-in-the-way'
      | 'failed-before'
      | 'format-rejected'
      | 'preflight-failed';
  }
>;

export function describeTaskFailure(failure: TaskFailure, task?: Label): FailureText {
  const log = task === undefined ? 'conductor log' : `conductor log ${task}`;
  switch (failure.kind) {
    case 'review-rejected':
    case 'review-failed':
      return describeReviewFailure(failure);
    case 'template-error':
      return say(
        'a template could not be rendered',
        [
          ['template', at(failure.template, failure.line)],
          ['reason', failure.message],
        ],
        'correct the template, or the values in the task',
      );
    case 'prompt-error':
      return say(
        'a prompt could not be rendered',
        [
          ['prompt', at(failure.prompt, failure.line)],
          ['reason', failure.message],
        ],
        'correct the prompt template',
      );
    case 'prompt-too-large':
      return say(
        'the prompt is too large',
        [
          ['size', bytes(failure.bytes)],
          ['limit', bytes(failure.limit)],
          ...list('largest', failure.sections),
        ],
        promptRemedy(failure.sections[0]),
      );
    case 'setup-failed':
      return kept(
        'the setup of the workspace failed',
        [
          ['command', failure.command],
          ['exit', String(failure.exitCode)],
        ],
        failure.output,
        'correct the command in `workspace.setup`',
      );
    case 'command-failed':
      return kept(
        'the command failed',
        [
          ['command', failure.command],
          ['exit', String(failure.exitCode)],
        ],
        failure.output,
        `correct \`run\` of the task; \`${log}\` shows its whole output`,
      );
    case 'agent-error':
      return kept(
        'the agent failed',
        [['reason', failure.detail]],
        failure.output,
        `\`${log}\` shows its whole output`,
      );
    case 'agent-start-failed':
      return kept(
        'the agent could not be started',
        [['reason', failure.detail]],
        failure.output,
        'no model was asked and no attempt was used: build again; `conductor doctor` shows whether OpenCode runs',
      );
    case 'agent-missing':
      return say(
        failure.program.includes('/')
          ? 'the program of the agent is not there, or cannot be executed'
          : 'the agent is not installed',
        [['program', failure.program]],
        failure.program.includes('/')
          ? `a path in \`agent.command\` is relative to the project: write the file there and run \`chmod +x ${shellWord(failure.program)}\``
          : 'install it, make sure that it is on PATH, or change `agent` in the config',
      );
    case 'agent-blocked':
    case 'needs':
    case 'stalled':
    case 'step-limit':
    case 'context-overflow':
    case 'provider-unavailable':
    case 'provider-refused':
      return describeSessionFailure(failure, task);
    case 'no-agent':
      return say(
        'this task needs an agent, and none is configured',
        [],
        'set `agent` in conductor.config.ts, for example `{ driver: "command", preset: "claude" }`',
      );
    case 'timed-out':
      return kept(
        `${failure.what} took too long`,
        [['limit', minutes(failure.minutes)]],
        failure.output,
        'split the task, or raise the limit in `budget.minutes` or `timeouts`',
      );
    case 'budget-exceeded': {
      const { unit } = failure;
      const show = (n: number) =>
        unit === 'usd' ? money(n) : unit === 'minutes' ? minutes(n) : plural(n, 'token');
      return say(
        `the budget of the ${budgetOwner(failure.scope)} is used up`,
        [
          ['limit', show(failure.limit)],
          ['spent', show(failure.spent)],
        ],
        budgetHint(failure.scope),
      );
    }
    case 'budget-unknown-price':
      return say(
        `the ${budgetOwner(failure.scope)} has a budget in dollars, but the price is unknown`,
        [
          ['agent', failure.agent],
          ...(failure.model === undefined ? [] : ([['model', failure.model]] as const)),
        ],
        failure.model === undefined
          ? 'use an agent that reports its cost, or remove the limit in dollars'
          : 'write its `cost` into the config, below `models` of its provider, or remove the limit in dollars',
      );
    case 'budget-unknown-usage':
      return say(
        `the ${budgetOwner(failure.scope)} has a budget in tokens, but the agent does not report them`,
        [['agent', failure.agent]],
        'let it write them to CONDUCTOR_USAGE_FILE, use another agent, or remove the limit in tokens',
      );
    case 'job-failed':
      return say(
        'no worker finished the task',
        [['reason', failure.reason]],
        '`conductor workers` shows the workers; build without `execution` in the config to run it here',
      );
    case 'result-damaged':
    case 'pinned-result-missing':
    case 'results-not-sent':
    case 'waits-for-ci':
      return describeSharingFailure(failure);
    case 'publish-refused':
      return say(
        'conductor could not publish the results',
        [['reason', failure.detail], ...list('files', failure.paths)],
        'nothing was written, and all results are kept; build again',
      );
    case 'commit-refused':
      return kept(
        'conductor could not commit',
        [['reason', failure.reason], ...list('files', failure.paths)],
        failure.output ?? { tail: '' },
        failure.fix ?? 'repair the state of the repository (`git status`), then build again',
      );
    case 'not-up-to-date':
      return say(
        failure.tasks.length === 0
          ? failure.orphans
            ? `${plural(failure.orphans.length, 'file')} that no task owns any more`
            : `${plural(failure.files?.length ?? 0, 'file is', 'files are')} not as a build would leave them`
          : `${plural(failure.tasks.length, 'task is', 'tasks are')} not up to date`,
        [
          ...failure.tasks.map(({ label, verdict }) => [label, verdict] as const),
          ...(failure.orphans ?? []).map((path) => [path, 'no task owns it any more'] as const),
          ...(failure.files ?? []).map((path) => [path, 'a build would change it'] as const),
        ],
        failure.unreached
          ? `try again when ${failure.unreached.join(', ')} can be reached: it is not known whether results are lost`
          : failure.tasks.some(({ verdict }) => verdict === 'edited by hand')
            ? 'run `conductor build` and commit what it writes; `conductor diff` shows hand edits, and `conductor accept` records them'
            : 'run `conductor build` and commit what it writes',
      );
    case 'invalid-plan':
    case 'plan-conflict':
      return describePlanFailure(failure);
    case 'sandbox-required':
      return say(
        'the config requires a sandbox, and none is available',
        [['reason', failure.detail]],
        'install bubblewrap, or set `sandbox` to "auto"',
      );
    case 'cancelled':
      return say('interrupted', [], 'finished work is kept; run the command again to continue');
    case 'bug':
      return {
        ...say(
          'conductor has a bug',
          [['message', failure.message]],
          'please report it, with the lines above',
        ),
        ...(failure.stack === undefined ? {} : { block: failure.stack }),
      };
    case 'leaked-secret':
    case 'link-leaves-tree':
    case 'missing-outputs':
    case 'nothing-done':
    case 'output-too-large':
    case 'unsafe-path':
    case 'wrote-outside-outputs':
      return describeOutputFailure(failure, task);
    case 'gate-failed':
    case 'gate-missing-program':
    case 'gate-cannot-start':
    case 'gate-timed-out':
      return describeGateFailure(failure, task);
    case 'drifted-outputs':
    case 'foreign-files':
    case 'edit-base-missing':
    case 'conflict-markers':
    case 'edit-conflict':
    case 'patch-conflict':
    case 'patch-stands':
    case 'shared-patch':
    case 'unsaved-specs':
    case 'version-incomplete':
      return describeEditFailure(failure, task);
    default:
      return unreachable(failure);
  }
}

/** What makes the largest section of a prompt smaller. */
function promptRemedy(largest = ''): string {
  if (largest.startsWith('dependencies:'))
    return 'give the task that is depended on an `interface` with fewer files, depend on fewer tasks, or raise `promptBytes` in the config';
  if (largest.startsWith('inputs:'))
    return 'name fewer files in `inputs` (a narrower glob, or `!` to leave files out), or raise `promptBytes` in the config';
  return 'shorten the spec, split the task, or raise `promptBytes` in the config';
}
