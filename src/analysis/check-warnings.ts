/** What is worth a word about a task before anything is done with it. Decides nothing. */

import { lockedTask, type Project } from '../project/project.js';
import type { Check } from './verdict.js';

export function checkWarnings(project: Project, { task, verdict }: Check): string[] {
  const warnings: string[] = [];
  if ('observed' in verdict && verdict.observed) {
    const [first, ...more] = verdict.observed;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    warnings.push(`its agent had read ${first}${others}, changed since; name what counts in its \`inputs\``);
  }
  // An agent goes on from accepted files; a template or a command knows nothing of them.
  const isLost = verdict.kind === 'stale' && task.recipe.kind !== 'agent';
  if (isLost && lockedTask(project, task)?.recipe === 'accepted') {
    const maker = task.recipe.kind === 'run' ? 'command' : 'template';
    warnings.push(`what was accepted by hand is made anew by its ${maker}`);
  }
  return warnings;
}
