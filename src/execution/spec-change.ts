/** What changed since a task's former result, for the prompt of one that evolves: its text, or files that were read. */

import type { Check } from '../analysis/check.js';
import { unifiedDiff } from '../io/text-diff.js';

/**
 * For a task that evolves: how its prompt differs from the one that its former result was made with; or which files
 * changed that its agent had read.
 */
export async function specChange(check: Check): Promise<string> {
  if (check.verdict.kind !== 'stale') return '';
  for (const reason of check.verdict.reasons) {
    if (reason.kind === 'observed-changed') return reason.paths.map((path) => `changed: ${path}`).join('\n');
    if (reason.kind !== 'manifest-changed') continue;
    const prompt = reason.changes.find((change) => change.name === 'prompt');
    if (prompt?.before !== undefined && prompt.after !== undefined)
      return unifiedDiff(prompt.before, prompt.after).join('\n');
  }
  return '';
}
