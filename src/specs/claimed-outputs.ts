/** What to say of outputs that name files which people wrote. Knows no file on disk. */

import { parsePattern } from '../model/paths/pattern.js';
import { isExclude, patternSet } from '../model/paths/pattern-set.js';
import type { Label, Task } from '../model/task.js';
import type { SpecProblem } from './problem.js';

/** Files that one pattern matches and that are named in its problem. */
const NAMED = 3;

/** One problem for each pattern of `outputs` that matches such files; `claimed`: path to the task that names it. */
export function claimedOutputs(tasks: Iterable<Task>, claimed: ReadonlyMap<string, Label>): SpecProblem[] {
  if (claimed.size === 0) return [];
  const byTask = new Map<Label, string[]>();
  for (const [path, label] of claimed) byTask.set(label, [...(byTask.get(label) ?? []), path]);
  return [...tasks].flatMap((task) => problemsOf(task, byTask.get(task.label) ?? []));
}

function problemsOf({ label, outputs, source }: Task, paths: readonly string[]): SpecProblem[] {
  const left = new Set([...paths].sort());
  return outputs.flatMap((output, i): SpecProblem[] => {
    if (isExclude(output)) return [];
    const pattern = patternSet([output]);
    const found = [...left].filter((path) => pattern.matches(path));
    for (const path of found) left.delete(path);
    const [first] = found;
    if (first === undefined) return [];
    const place = { file: source.file, path: [...source.path, 'outputs', i] };
    const owning = `\`conductor accept ${label}\` to let the task own ${found.length === 1 ? 'it as it is' : 'them as they are'}`;
    if (!parsePattern(output).isGlob) {
      return [
        {
          ...place,
          message: `\`${first}\` is a file that a person wrote; conductor does not overwrite it`,
          hint: `list it in \`edits\` to change it; or run \`conductor adopt ${first}\` to make a task of it, or ${owning}`,
        },
      ];
    }
    const more = found.length > NAMED ? ` and ${found.length - NAMED} more` : '';
    return [
      {
        ...place,
        message: `\`${output}\` matches files that a person wrote (${found.slice(0, NAMED).join(', ')}${more}); conductor does not overwrite them`,
        hint: `exclude them (\`!${first}\`) and list those that the task changes in \`edits\`, or run ${owning}`,
      },
    ];
  });
}
