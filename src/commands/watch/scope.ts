/** Which paths of a project decide a verdict, and which folders contain them. Knows no disk. */

import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { formatSteps } from '../../analysis/format-settings.js';
import { TEMPLATES } from '../../analysis/template-files.js';
import { gatesOf } from '../../analysis/visible-files.js';
import { canonicalJson } from '../../model/digest.js';
import { escapeGlob } from '../../model/paths/glob-parser.js';
import { Ownership } from '../../model/paths/ownership.js';
import { parsePattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import { PROMPTS } from '../../project/agent-files.js';
import type { Project } from '../../project/project.js';

export interface Scope {
  /** Whether a change of the file may change what a build does. Never says no wrongly. */
  decides(path: string): boolean;
  /** Whether a pattern names it: then it counts wherever it is. */
  names(path: string): boolean;
  /** Whether a file below the folder may be named. */
  leadsTo(folder: string): boolean;
  /** The folders in which the patterns begin. */
  readonly folders: ReadonlySet<string>;
  /** Every file that git does not ignore decides: something reads the whole project. */
  readonly isWhole: boolean;
  /** What it follows from. */
  readonly of?: { readonly shape: object; readonly recorded: object; readonly config: string };
}

/** Before anything is known, everything may decide. */
export const WHOLE: Scope = {
  decides: () => true,
  names: () => false,
  leadsTo: () => true,
  folders: new Set(),
  isWhole: true,
};

/** The very same as `before` where it follows from the same. */
export function scopeOf(project: Project, before?: Scope): Scope {
  const { config, graph, recorded } = project;
  const entries = [...project.features.values()].flatMap(({ foreach = [] }) => foreach);
  const of = { shape: graph.shape, recorded, config: canonicalJson({ ...config, entries }) };
  const was = before?.of;
  const isSame = was?.shape === of.shape && was.recorded === of.recorded && was.config === of.config;
  if (before && isSame) return before;
  const patterns = new Set([`${config.specs}/**`, `${PROMPTS}**`, `${TEMPLATES}**`, `${AGENT_FOLDER}**`]);
  // What a list excludes may still decide: a change there costs one look, and no answer is wrong.
  const addAll = (texts: readonly string[]) => {
    for (const { text } of patternSet(texts).includes) patterns.add(text);
  };
  addAll(entries);
  // A task without declared inputs may read, and so depend on, any file; its gates as well.
  let isWhole = config.gates.build.some((gate) => !gate.inputs);
  for (const task of graph.tasks.values()) {
    const gates = gatesOf(project, task);
    const isSeen = task.recipe.kind !== 'render' || gates.some((gate) => !gate.inputs);
    if (!task.inputs && isSeen) isWhole = true;
    for (const gate of task.verify) addAll(gate.inputs ?? []);
    addAll(task.outputs);
    addAll(task.inputs ?? []);
    addAll(formatSteps(project.config, task).flatMap((step) => step.inputs));
    for (const path of task.edits) patterns.add(escapeGlob(path));
    addAll(task.editPatterns ?? []);
  }
  for (const gate of [...config.gates.build, ...config.gates.task]) addAll(gate.inputs ?? []);
  for (const path of recorded.keys()) patterns.add(escapeGlob(path));

  const index = new Ownership([{ label: 'any', outputs: [...patterns] }]);
  const folders = new Set<string>();
  const inside = new Set<string>();
  for (const text of patterns) {
    const { prefix, isGlob } = parsePattern(text);
    if (isGlob) inside.add(prefix);
    for (let end = prefix.lastIndexOf('/'); end > 0; end = prefix.lastIndexOf('/', end - 1)) {
      folders.add(prefix.slice(0, end));
    }
  }
  return {
    of,
    isWhole,
    folders,
    names: (path) => index.ownerOf(path) !== undefined,
    // Files at the root may be the config or a part of it.
    decides: (path) =>
      isWhole || !path.includes('/') || path.endsWith('/.gitignore') || index.ownerOf(path) !== undefined,
    leadsTo(folder) {
      if (folders.has(folder) || inside.has('')) return true;
      const path = `${folder}/`;
      for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        if (inside.has(path.slice(0, end + 1))) return true;
      }
      return false;
    },
  };
}
