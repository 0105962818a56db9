/** Sentences for the failures of single tasks, gates and landings. */

import { unreachable } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { bytes, money, plural } from '../style.js';
import { describeEditFailure } from './edit-failure.js';
import { at, budgetHint, type FailureText, kept, list, minutes, say } from './failure-text.js';
import { describeGateFailure } from './gate-failure.js';
import { describeOutputFailure } from './output-failure.js';
import { describePlanFailure } from './plan-failure.js';
import { describeReviewFailure } from './review-failure.js';
import { describeSessionFailure } from './session-failure.js';

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
      | 'disk-full'
      | 'unknown-template'
      | 'invalid-template'
      | 'invalid-variables'
      | 'files-in-the-way'
      | 'failed-before';
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
        'mend the template, or the values that the task gives it',
      );
    case 'prompt-error':
      return say(
        'a prompt could not be rendered',
        [
          ['prompt', at(failure.prompt, failure.line)],
          ['reason', failure.message],
        ],
        'mend the prompt template',
      );
    case 'prompt-too-large':
      return say(
        'the prompt is too large',
        [
          ['size', bytes(failure.bytes)],
          ['limit', bytes(failure.limit)],
          ...list('largest', failure.sections),
        ],
        'shorten the spec, split the task, or raise `promptBytes` in the config',
      );
    case 'setup-failed':
      return kept(
        'setting up the workspace failed',
        [
          ['command', failure.command],
          ['exit', String(failure.exitCode)],
        ],
        failure.output,
        'mend the command in `workspace.setup`',
      );
    case 'command-failed':
      return kept(
        'the command failed',
        [
          ['command', failure.command],
          ['exit', String(failure.exitCode)],
        ],
        failure.output,
        `mend the task's \`run\`; \`${log}\` shows all its output`,
      );
    case 'agent-error':
      return kept(
        'the agent failed',
        [['reason', failure.detail]],
        failure.output,
        `\`${log}\` shows all its output`,
      );
    case 'agent-missing':
      return say(
        'the agent is not installed',
        [['program', failure.program]],
        'install it, see that it is on PATH, or change `agent` in the config',
      );
    case 'agent-blocked':
    case 'stalled':
    case 'step-limit':
    case 'context-overflow':
    case 'provider-unavailable':
    case 'provider-refused':
      return describeSessionFailure(failure);
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
        'split the task, or raise its limit in `budget.minutes` or `timeouts`',
      );
    case 'budget-exceeded': {
      const show = (n: number) => (failure.unit === 'usd' ? money(n) : plural(n, 'token'));
      return say(
        `the budget of the ${failure.scope} is used up`,
        [
          ['limit', show(failure.limit)],
          ['spent', show(failure.spent)],
        ],
        budgetHint(failure.scope),
      );
    }
    case 'budget-unknown-price':
      return say(
        `the ${failure.scope} has a budget, but the agent's price is not known`,
        [['agent', failure.agent]],
        'take an agent that says what it costs, or remove the limit in dollars',
      );
    case 'result-damaged':
      return say(
        'a stored result is damaged',
        [
          ['key', failure.key],
          ['detail', failure.detail],
        ],
        'build again: the task is made anew',
      );
    case 'pinned-result-missing':
      return say(
        'the recorded result is in no store any more',
        [
          ['key', failure.key],
          ...(failure.costUsd === undefined ? [] : [['cost', money(failure.costUsd)] as const]),
          ...list('asked', failure.remotes),
        ],
        '`conductor cache push` where it still is; `conductor build --rebuild-missing` makes another',
      );
    case 'publish-refused':
      return say(
        'the results could not be written to the project',
        [['reason', failure.detail], ...list('files', failure.paths)],
        'nothing was written and every result is kept: build again',
      );
    case 'commit-refused':
      return say(
        'the commit was not made',
        [['reason', failure.reason], ...list('files', failure.paths)],
        'put the repository in order (`git status`), then build again',
      );
    case 'not-up-to-date':
      return say(
        `${plural(failure.tasks.length, 'task is', 'tasks are')} not up to date`,
        failure.tasks.map(({ label, verdict }) => [label, verdict] as const),
        'run `conductor build` and keep what it writes',
      );
    case 'invalid-plan':
    case 'plan-conflict':
      return describePlanFailure(failure);
    case 'sandbox-required':
      return say(
        'the config requires a sandbox, and there is none',
        [['reason', failure.detail]],
        'install bubblewrap, or set `sandbox` to "auto"',
      );
    case 'cancelled':
      return say('interrupted', [], 'what has finished is kept: build again to go on');
    case 'bug':
      return {
        ...say(
          'conductor has a bug',
          [['message', failure.message]],
          'please report it with the lines above',
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
    case 'gate-flaky':
    case 'gate-missing-program':
    case 'gate-timed-out':
      return describeGateFailure(failure, task);
    case 'drifted-outputs':
    case 'edit-base-missing':
    case 'edit-conflict':
    case 'patch-conflict':
    case 'shared-patch':
    case 'unsaved-specs':
    case 'version-incomplete':
      return describeEditFailure(failure, task);
    default:
      return unreachable(failure);
  }
}
