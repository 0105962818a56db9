/** Sentences for failed gates. */

import type { GateFailure } from '../../model/failure-parts.js';
import type { Label } from '../../model/task.js';
import { duration, minutes } from '../style.js';
import { type FailureText, kept, say } from './failure-text.js';

export function describeGateFailure(failure: GateFailure, task?: Label): FailureText {
  switch (failure.kind) {
    case 'gate-failed':
      return kept(
        'a gate failed',
        [
          ['gate', failure.gate],
          ['exit', String(failure.exitCode)],
          ['after', duration(failure.ms)],
        ],
        failure.output,
        task === undefined
          ? 'it checks the whole project, and nothing is published while it fails: correct the files or the gate, then run the command again'
          : `\`conductor log ${task}\` shows all attempts`,
      );
    case 'gate-timed-out':
      return kept(
        'a gate took too long',
        [
          ['gate', failure.gate],
          ['limit', minutes(failure.minutes)],
        ],
        failure.output,
        'find out why it hangs, or raise its timeout (`timeout` in a spec, `timeoutMinutes` in the config)',
      );
    case 'gate-cannot-start':
      return kept(
        'a gate cannot start; no agent was asked',
        [
          ['gate', failure.gate],
          ['why', failure.why],
          ['exit', String(failure.exitCode)],
        ],
        failure.output,
        failure.advice,
      );
    case 'gate-missing-program':
      return say(
        'the program of a gate is not on PATH',
        [
          ['gate', failure.gate],
          ['program', failure.program],
        ],
        'install it, or link it with `workspace.link`; `conductor validate` checks all gates',
      );
  }
}
