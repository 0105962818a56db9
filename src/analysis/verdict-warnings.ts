/** Warnings about a task before anything is done with it. Decides nothing. */

import { lockedTask, type Project } from '../project/project.js';
import { stillMade } from './locked-task.js';
import type { Check } from './verdict.js';

/** `discardEdits`: hand edits are thrown away, as a flag says. */
export function checkWarnings(
  project: Project,
  { task, verdict }: Check,
  { discardEdits }: { readonly discardEdits: boolean },
): string[] {
  const warnings: string[] = [];
  if ('observed' in verdict && verdict.observed) {
    const [first, ...more] = verdict.observed;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    warnings.push(`observed inputs changed: ${first}${others}; if they matter, add them to \`inputs\``);
  }
  // Files from before the spec: an agent evolves them, a template or a command does not see them. Without the flag, the task
  // stops where it would write others.
  const isOther = verdict.kind === 'stale' || verdict.kind === 'cached';
  const isLost = discardEdits && isOther && task.recipe.kind !== 'agent';
  const locked = isLost ? lockedTask(project, task) : undefined;
  if (locked?.handWork !== undefined && stillMade(project, task, locked).length > 0) {
    const maker = task.recipe.kind === 'run' ? 'command' : 'template';
    warnings.push(`the accepted hand-written files are replaced: its ${maker} writes them again`);
  }
  return warnings;
}
