/** Sentences for edits: those of people, and patches of tasks on files that nobody owns. */

import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { plural } from '../style.js';
import { type Facts, type FailureText, list, say } from './failure-text.js';

export type EditFailure = Extract<
  Failure,
  {
    kind:
      | 'drifted-outputs'
      | 'edit-base-missing'
      | 'edit-conflict'
      | 'patch-conflict'
      | 'shared-patch'
      | 'unsaved-specs'
      | 'version-incomplete';
  }
>;

export function describeEditFailure(failure: EditFailure, task?: Label): FailureText {
  const explain = task === undefined ? 'conductor status' : `conductor explain ${task}`;
  switch (failure.kind) {
    case 'drifted-outputs':
      return say(
        `${plural(failure.paths.length, 'output was', 'outputs were')} edited by hand, and the task has to be built anew`,
        list('edited', failure.paths),
        `keep the edit with \`conductor accept ${task ?? '<task>'}\`, merge it with \`conductor build --keep-edits\`, or drop it with \`--discard-edits\``,
      );
    case 'patch-conflict': {
      const facts: Facts = [
        ['file', failure.path],
        ...(failure.with === undefined ? [] : [['with', failure.with] as const]),
      ];
      return say(
        'an edit does not fit the file any more',
        facts,
        failure.with === undefined
          ? `\`${explain}\` shows why; take the conflicting lines out of the file and build again`
          : 'two tasks change the same lines: let one depend on the other (`depends_on`)',
      );
    }
    case 'shared-patch':
      return say(
        'the edit by hand is among lines of another task too',
        [
          ['file', failure.path],
          ['task', failure.with],
        ],
        `accept both: \`conductor accept ${task ?? '<task>'} ${failure.with}\``,
      );
    case 'edit-conflict':
      return say(
        'an edit by hand and what was newly made change the same lines',
        [...list('files', failure.paths), ['all sides', failure.workspace]],
        `write into the files what is to be there, then \`conductor accept ${task ?? '<task>'}\``,
      );
    case 'unsaved-specs':
      return say(
        'specs with changes that are not committed would be overwritten',
        list('changed', failure.paths),
        'commit them, or put them aside with `git stash`',
      );
    case 'version-incomplete':
      return say(
        `${plural(failure.paths.length, 'file')} of version ${failure.version} are in no store any more`,
        list('missing', failure.paths),
        'check out the spec alone with git, and build it',
      );
    case 'edit-base-missing':
      return say(
        'the file without earlier edits is not known any more',
        [['file', failure.path]],
        'restore the file as people wrote it (`git checkout`), then build again',
      );
  }
}
