/** Sentences for stored results: damaged, missing, not shared. */

import type { Failure } from '../../model/failure.js';
import type { SharingFailure } from '../../model/failure-parts.js';
import { plural } from '../style.js';
import { type FailureText, list, say } from './failure-text.js';

/** Of a result in this store, or of one that this machine shares with others. */
export type StoredResultFailure = SharingFailure | Extract<Failure, { kind: 'result-damaged' }>;

export function describeSharingFailure(failure: StoredResultFailure): FailureText {
  switch (failure.kind) {
    case 'result-damaged':
      return say(
        'a stored result is damaged',
        [
          ['key', failure.key],
          ['detail', failure.detail],
        ],
        'build again: conductor rebuilds the task',
      );
    case 'pinned-result-missing':
      if (failure.unreached !== undefined)
        return say(
          'the recorded result is not in this store, and a remote that may have it could not be reached',
          [['key', failure.key], ...list('not reached', failure.unreached)],
          'build again when the remote can be reached: it is not known whether the result is lost',
        );
      return say(
        'the recorded result cannot be found in any store',
        [['key', failure.key], ...list('asked', failure.remotes)],
        'run `conductor cache push` on a machine that has it, or `conductor build --rebuild-missing` to rebuild it',
      );
    case 'results-not-sent':
      return say(
        `${plural(failure.entries, 'result')} could not be sent, and the config requires that results are shared`,
        failure.remotes.map(({ name, detail }) => [name, detail]),
        'build again when the remote can be reached: the results are kept here, and the next command sends them',
      );
    case 'waits-for-ci':
      return say(
        `${plural(failure.tasks.length, 'task')} must be built by CI: the config says \`agents: 'ci-only'\``,
        list('waits', failure.tasks),
        'push your specs; when CI has built them, `conductor build` restores the results',
      );
  }
}
