/** Warnings about a task before anything is done with it. Decides nothing. */

import { lockedTask, type Project } from '../project/project.js';
import type { Check } from './verdict.js';

export function checkWarnings(project: Project, { task, verdict }: Check): string[] {
  const warnings: string[] = [];
  if ('observed' in verdict && verdict.observed) {
    const [first, ...more] = verdict.observed;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    warnings.push(`observed inputs changed: ${first}${others}; if they matter, add them to \`inputs\``);
  }
  // An agent continues from accepted files; a template or a command does not see them.
  const isLost = verdict.kind === 'stale' && task.recipe.kind !== 'agent';
  if (isLost && lockedTask(project, task)?.recipe === 'accepted') {
    const maker = task.recipe.kind === 'run' ? 'command' : 'template';
    warnings.push(`the accepted hand edit is replaced: its ${maker} writes the files again`);
  }
  return warnings;
}
