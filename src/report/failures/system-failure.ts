/** What the operating system or git refused, and what a person can do about it. */

import { ownValue } from '../../base/records/own-value.js';
import { shellWord } from '../../base/shell-word.js';
import type { Failure } from '../../model/failure.js';
import { type Facts, type FailureText, say } from './failure-text.js';

type SystemFailure = Extract<Failure, { readonly kind: 'system-error' | 'git-failed' | 'store-damaged' }>;

const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'see who owns it and who may write there (`ls -ld <path>`), then run the command again',
  EPERM: 'see who owns it and who may write there (`ls -ld <path>`), then run the command again',
  EROFS: 'make the file system writable (`mount` shows how it is mounted), or build in another clone',
  EIO: 'the disk reports an error: see `dmesg`, and run the command again when it is sound',
  EMFILE: 'raise the limit of open files (`ulimit -n 4096`), or lower `workers` in the config',
  ENFILE: 'the whole machine has too many open files: end what is not needed, then run the command again',
  ENOMEM: 'the machine has no memory left: end what is not needed, or lower `workers` in the config',
};
const OTHER: readonly [RegExp, string][] = [
  [
    /^(EISDIR|ENOTDIR|EEXIST|ENOTEMPTY|ELOOP)$/,
    'something else is in its place: move it away (`ls -ld <path>`)',
  ],
  [/^(EBUSY|ETXTBSY|EAGAIN|ESTALE)$/, 'another program uses it: run the command again'],
];

export function describeSystemFailure(failure: SystemFailure): FailureText {
  if (failure.kind === 'git-failed') {
    return say(
      `git ${failure.command} failed`,
      [['git', failure.detail]],
      failure.command === 'clone'
        ? 'correct `git` or `branch` of the project in the list of projects, or see with `git ls-remote` whether you may read its repository'
        : 'run the command again; if it fails again, `conductor doctor` looks at git and the repository',
    );
  }
  if (failure.kind === 'store-damaged') {
    return say(
      "an object in conductor's store is damaged",
      [['git', failure.detail]],
      'run `conductor cache verify --remove`: it drops what is damaged and nothing else; then run the command again',
    );
  }
  const { operation, path, code, reason } = failure;
  const facts: Facts = [
    ...(path === '' ? [] : ([['path', path]] as Facts)),
    ['cause', reason.includes(code) ? reason : `${reason} (${code})`],
  ];
  const hint =
    ownValue(HINTS, code) ?? OTHER.find(([codes]) => codes.test(code))?.[1] ?? 'run the command again';
  // Without a path there is nothing to look at.
  const typed =
    path === '' ? hint.replace(' (`ls -ld <path>`)', '') : hint.replace('<path>', shellWord(path));
  return say(`the operating system refused: ${operation}`, facts, typed);
}
