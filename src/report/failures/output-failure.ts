/** Sentences for wrong content of a workspace: missing, too much, unsafe. */

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
        task === undefined
          ? 'describe in the spec what its outputs contain'
          : `\`${log}\` shows what the task did: describe in the spec what its outputs contain, or, if the files are right as they are, \`conductor accept ${task}\``,
      );
    case 'missing-outputs':
      return say(
        `${plural(failure.paths.length, 'declared output is', 'declared outputs are')} missing`,
        list('missing', failure.paths),
        // Without a task it is a document that an agent was asked for.
        task === undefined
          ? `\`${log}\` shows what was done instead`
          : `correct \`outputs\` in the spec, or see \`${log}\``,
      );
    case 'leaked-secret':
      return say(
        `the agent wrote a secret into ${plural(failure.paths.length, 'file', 'files')}`,
        list('files', failure.paths),
        `conductor kept none of them; \`${log}\` shows what the task did`,
      );
    case 'wrote-outside-outputs':
      return say(
        `the task changed ${plural(failure.paths.length, 'file')} that it does not own`,
        list('changed', failure.paths),
        'if they belong to the task, add them to `outputs` or `edits`',
      );
    case 'link-leaves-tree':
      return say(
        'a symbolic link leaves the project',
        [
          ['link', failure.path],
          ['target', failure.target],
        ],
        'outputs can link only to files of the project',
      );
    case 'unsafe-path':
      return say(
        'the path of an output is not safe',
        [
          ['path', failure.path],
          ['reason', failure.reason],
        ],
        'choose another name for the file',
      );
    case 'output-too-large':
      return say(
        'the outputs are too large',
        [
          ['size', bytes(failure.bytes)],
          ['limit', bytes(failure.limit)],
        ],
        'remove build products from `outputs`, or raise `maxOutputBytes` in the config',
      );
  }
}
