/** A failure as one object for other programs: what `--json` prints of it. Knows no kind of failure. */

import type { Failure } from '../../model/failure.js';
import type { FailureAnswer } from '../../model/failure-parts.js';
import { asCalled } from '../../model/output/called-as.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from './failure.js';

/** `calledAs`: how the person calls conductor. */
export function failureAnswer(failure: Failure, calledAs?: string, task?: Label): FailureAnswer {
  const { headline, facts, hint, diagnostics } = describeFailure(failure, task);
  const [path] = pathsOf(failure);
  return {
    kind: failure.kind,
    message: asCalled(headline, calledAs),
    details: facts.map(([name, value]) => (name === '' ? value : `${name}: ${value}`)),
    ...(path === undefined ? {} : { path }),
    ...(hint === undefined ? {} : { fix: asCalled(hint, calledAs) }),
    ...(diagnostics === undefined ? {} : { problems: diagnostics }),
  };
}

/** The files or folders that a failure names, the first of them its most telling one. */
function pathsOf(failure: Failure): readonly string[] {
  if ('diagnostics' in failure) return failure.diagnostics.map(({ file }) => file);
  if ('path' in failure) return failure.path === '' ? [] : [failure.path];
  if ('paths' in failure) return failure.paths;
  if ('directory' in failure) return [failure.directory];
  if (failure.kind === 'template-error') return [failure.template];
  if (failure.kind === 'prompt-error') return [failure.prompt];
  return [];
}
