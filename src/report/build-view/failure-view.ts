/** Failures as the page shows them: the sentences of the terminal, as data. */

import type { FailureView } from '../../model/build-view.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from '../failures/failure.js';

export function failureView(failure: Failure, task?: Label): FailureView {
  const { headline, facts, block, hint, diagnostics } = describeFailure(failure, task);
  const places = (diagnostics ?? []).map(({ file, line, column, message }): [string, string] => [
    [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':'),
    message,
  ]);
  const log = 'output' in failure ? failure.output.log : undefined;
  return {
    kind: failure.kind,
    headline,
    facts: [...places, ...facts],
    ...(block === undefined ? {} : { block }),
    ...(hint === undefined ? {} : { hint }),
    ...(log === undefined ? {} : { log }),
  };
}
