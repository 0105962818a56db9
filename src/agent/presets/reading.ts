/** What one line of an agent's output says: usage, text, and errors of its provider. */

import type { Usage } from '../../model/action.js';
import type { ProviderProblem } from '../provider-problem.js';

export interface Reading {
  /** The running total of the attempt as far as it is known. */
  readonly usage?: Usage;
  /** What to show a person instead of the line; absent for a line that is of no interest. */
  readonly say?: string;
  /** What the agent said, whole: the last of these are its last words. */
  readonly words?: string;
  /** The agent says that it failed, whatever its exit code will be. An empty one takes an earlier one back. */
  readonly error?: ProviderProblem | 'none';
  /** Tools of the agent that begin or have ended, each by a name of its own; sub-agents are none. */
  readonly began?: readonly string[];
  readonly ended?: readonly string[];
  /** The provider failed and the agent is about to ask it again. */
  readonly retry?: ProviderProblem;
}

/** Reads the lines of one attempt, in order; keeps what it has to remember between them. */
export type OutputReader = (line: string, stream: 'stdout' | 'stderr') => Reading;

export const plainReader = (): OutputReader => (line) => ({ say: line, words: line });
