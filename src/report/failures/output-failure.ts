/** Sentences for what a task left in its workspace: too little, too much, unsafe. */

import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { bytes, plural } from '../style.js';
import { type FailureText, list, say } from './failure-text.js';

export type OutputFailure = Extract<
  Failure,
  {
    kind:
      | 'leaked-secret'
      | 'link-leaves-tree'
      | 'missing-outputs'
      | 'nothing-done'
      | 'output-too-large'
      | 'unsafe-path'
      | 'wrote-outside-outputs';
  }
>;

export function describeOutputFailure(failure: OutputFailure, task?: Label): FailureText {
  const log = task === undefined ? 'conductor log' : `conductor log ${task}`;
  switch (failure.kind) {
    case 'nothing-done':
      return say(
        'the task changed nothing',
        [],
        `say more clearly in the spec what its outputs hold; \`${log}\` shows what was done`,
      );
    case 'missing-outputs':
      return say(
        `${plural(failure.paths.length, 'declared output is', 'declared outputs are')} missing`,
        list('missing', failure.paths),
        `correct \`outputs\` in the spec, or see \`${log}\``,
      );
    case 'leaked-secret':
      return say(
        `the agent wrote a secret into ${plural(failure.paths.length, 'file', 'files')}`,
        list('files', failure.paths),
        `nothing of it was kept; \`${log}\` shows what was done`,
      );
    case 'wrote-outside-outputs':
      return say(
        `the task changed ${plural(failure.paths.length, 'file')} that it does not own`,
        list('changed', failure.paths),
        'name them in `outputs` or `edits` if they belong to the task',
      );
    case 'link-leaves-tree':
      return say(
        'a symbolic link leads out of the project',
        [
          ['link', failure.path],
          ['target', failure.target],
        ],
        'outputs may only link to files of the project',
      );
    case 'unsafe-path':
      return say(
        'an output has a path that is not safe',
        [
          ['path', failure.path],
          ['reason', failure.reason],
        ],
        'give the file another name',
      );
    case 'output-too-large':
      return say(
        'the outputs are too large',
        [
          ['size', bytes(failure.bytes)],
          ['limit', bytes(failure.limit)],
        ],
        'leave build products out of `outputs`, or raise `maxOutputBytes` in the config',
      );
  }
}
