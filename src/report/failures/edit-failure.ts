/** Sentences for failures with hand edits and with patches. */

import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { plural } from '../style.js';
import { acceptCommand, type Facts, type FailureText, list, say } from './failure-text.js';

export type EditFailure = Extract<
  Failure,
  {
    kind:
      | 'drifted-outputs'
      | 'edit-base-missing'
      | 'foreign-files'
      | 'conflict-markers'
      | 'edit-conflict'
      | 'patch-conflict'
      | 'patch-stands'
      | 'shared-patch'
      | 'unsaved-specs'
      | 'version-incomplete';
  }
>;

export function describeEditFailure(failure: EditFailure, task?: Label): FailureText {
  const explain = task === undefined ? 'conductor status' : `conductor explain ${task}`;
  const accept = acceptCommand(task === undefined ? [] : [task]);
  switch (failure.kind) {
    case 'drifted-outputs':
      return driftedText(failure, task);
    case 'foreign-files':
      return say(
        `${plural(failure.paths.length, 'file')} that conductor did not write ${failure.paths.length === 1 ? 'stands' : 'stand'} where the task's outputs belong`,
        list('file', failure.paths),
        `move ${failure.paths.length === 1 ? 'it' : 'them'} away, or keep ${failure.paths.length === 1 ? 'it' : 'them'} as the task's result with ${accept}; no flag overwrites files that a person wrote`,
      );
    case 'patch-conflict': {
      const facts: Facts = [
        ['file', failure.path],
        ...(failure.with === undefined ? [] : [['with', failure.with] as const]),
      ];
      return say(
        'a patch does not apply to the file any more',
        facts,
        failure.with === undefined
          ? `\`${explain}\` shows why; remove the conflicting lines from the file and build again`
          : 'two tasks change the same lines: let one depend on the other (`depends_on`)',
      );
    }
    case 'patch-stands':
      return say(
        'the file has the lines of the patch already, and no record says whose they are',
        [['file', failure.path], ...list('lines', failure.lines)],
        `if the patch was committed without its lock file, bring the lock file or the result here (\`conductor cache push\` where the task was built), or remove the lines from the file and build again. If they are yours, ${accept} keeps the file as it is, and \`conductor build --force${task === undefined ? '' : ` ${task}`}\` adds the lines once more`,
      );
    case 'shared-patch':
      return say(
        `the hand edit also touches lines of ${failure.with.length === 1 ? 'another task' : 'other tasks'}`,
        [['file', failure.path], ...list(failure.with.length === 1 ? 'task' : 'tasks', failure.with)],
        `accept ${failure.with.length === 1 ? 'both' : 'all of them'}: ${acceptCommand([...(task === undefined ? [] : [task]), ...failure.with])}`,
      );
    case 'edit-conflict':
      return say(
        'a hand edit and the newly built files change the same lines',
        [...list('files', failure.paths), ['all versions', failure.workspace]],
        `put the right text into the files, then run ${accept}, or take the newly built files with \`conductor build --discard-edits\``,
      );
    case 'conflict-markers':
      return say(
        'a file has the conflict markers of a merge, so it is no hand edit',
        [['file', `${failure.path}:${failure.line}`]],
        'remove the markers and keep the right text; `conductor build --discard-edits` puts the built file in its place',
      );
    case 'unsaved-specs':
      return say(
        'uncommitted changes of specs would be lost',
        list('changed', failure.paths),
        'commit them, or run `git stash`',
      );
    case 'version-incomplete':
      if (failure.unreached !== undefined)
        return say(
          `${plural(failure.paths.length, 'file')} of version ${failure.version} ${failure.paths.length === 1 ? 'is' : 'are'} not in this store, and a remote that may have them could not be reached`,
          [...list('not here', failure.paths), ...list('not reached', failure.unreached)],
          'try again when the remote can be reached: it is not known whether they are lost',
        );
      return say(
        `${plural(failure.paths.length, 'file')} of version ${failure.version} cannot be found in any store`,
        list('missing', failure.paths),
        'check out only the spec with git, and build it',
      );
    case 'edit-base-missing':
      if (failure.unreached !== undefined)
        return say(
          'a patch of the file is not in this store, and a remote that may have it could not be reached',
          [['file', failure.path], ...list('not reached', failure.unreached)],
          'try again when the remote can be reached: it is not known whether the patch is lost',
        );
      return say(
        'conductor no longer knows the file without its patches',
        [['file', failure.path]],
        'restore the hand-written file (`git checkout`), then build again',
      );
  }
}

/** In a build a task waits for the decision; another command would lose the edits of all these tasks. */
function driftedText(
  { paths, accept = [] }: Extract<Failure, { kind: 'drifted-outputs' }>,
  task: Label | undefined,
): FailureText {
  const edited = `${plural(paths.length, 'output was', 'outputs were')} edited by hand`;
  if (task !== undefined && accept.length > 0)
    return say(
      'lines of patches were edited by hand, and the task must be rebuilt',
      list('edited', paths),
      `keep the edit with ${acceptCommand(accept)}, or drop it with \`conductor build --discard-edits\``,
    );
  if (task !== undefined)
    return say(
      `${edited}, and the task must be rebuilt`,
      list('edited', paths),
      `keep the edit with ${acceptCommand([task])}, merge it with \`conductor build --keep-edits\`, or drop it with \`--discard-edits\``,
    );
  const the = paths.length === 1 ? 'the edit' : 'the edits';
  return say(
    `${edited} and nothing records ${the}`,
    list('edited', paths),
    `keep ${the} with ${acceptCommand(accept)}, or drop ${paths.length === 1 ? 'it' : 'them'} with \`conductor build${accept.map((task) => ` ${task}`).join('')} --discard-edits\`; then run this command again`,
  );
}
