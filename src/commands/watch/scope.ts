/** Which paths of a project decide a verdict, and which folders contain them. Knows no disk. */

import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { readsOf } from '../../analysis/range/changes.js';
import { TEMPLATES } from '../../analysis/template-files.js';
import { canonicalJson, isSameJson } from '../../model/digest.js';
import { escapeGlob } from '../../model/paths/glob-parser.js';
import { Ownership } from '../../model/paths/ownership.js';
import { parsePattern } from '../../model/paths/pattern.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { Label, Task } from '../../model/task.js';
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
  readonly patterns: ReadonlySet<string>;
  /** What it follows from. */
  readonly of?: {
    readonly shape: object;
    readonly tasks: ReadonlyMap<Label, Task>;
    readonly recorded: object;
    readonly config: string;
  };
}

/** Before anything is known, everything may decide. */
export const WHOLE: Scope = {
  decides: () => true,
  names: () => false,
  leadsTo: () => true,
  folders: new Set(),
  patterns: new Set(),
  isWhole: true,
};

/**
 * The very same as `before` where it follows from the same. A part of a project adds what its tasks read now: what they read before
 * stays, which costs a look and is never wrong.
 */
export function scopeOf(project: Project, before?: Scope): Scope {
  if (project.rest) return before ? withPart(project, before) : WHOLE;
  const { config, graph, recorded } = project;
  const entries = [...project.features.values()].flatMap(({ foreach = [] }) => foreach);
  const of = {
    shape: graph.shape,
    tasks: graph.tasks,
    recorded,
    config: canonicalJson({ ...config, entries }),
  };
  const was = before?.of;
  const isSame =
    was?.shape === of.shape &&
    was.recorded === of.recorded &&
    was.config === of.config &&
    (was.tasks === of.tasks || hasSameGates(was.tasks, of.tasks));
  return before && isSame ? before : { ...scopeOfPatterns(watchedBy(project)), of };
}

function withPart(project: Project, before: Scope): Scope {
  const { patterns, isWhole } = watchedBy(project);
  if ((before.isWhole || !isWhole) && [...patterns].every((text) => before.patterns.has(text))) return before;
  const all = new Set([...before.patterns, ...patterns]);
  // What it follows from is not known any more: the next whole project makes it anew.
  return scopeOfPatterns({ patterns: all, isWhole: before.isWhole || isWhole });
}

type Watched = Pick<Scope, 'patterns' | 'isWhole'>;

function watchedBy(project: Project): Watched {
  const { config, graph, recorded } = project;
  const entries = [...project.features.values()].flatMap(({ foreach = [] }) => foreach);
  // A new file there may be a spec, or a file that a spec names and that did not exist.
  const folders = [`${config.specs}/`, PROMPTS, TEMPLATES, AGENT_FOLDER];
  const patterns = new Set(folders.map((folder) => `${folder}**`));
  // What a list excludes may still decide: a change there costs one look, and no answer is wrong.
  const addAll = (texts: readonly string[]) => {
    for (const { text } of patternSet(texts).includes) patterns.add(text);
  };
  // The entries of `foreach` and the patterns of `edits` decide which tasks and edits there are.
  addAll(entries);
  let isWhole = config.gates.build.some((gate) => !gate.inputs);
  for (const gate of config.gates.build) addAll(gate.inputs ?? []);
  for (const task of graph.tasks.values()) {
    const reads = readsOf(project, task);
    if (reads.handWork) isWhole = true;
    for (const list of [task.outputs, task.editPatterns ?? [], ...reads.lists]) addAll(list);
    for (const path of reads.files) patterns.add(escapeGlob(path));
    for (const folder of reads.folders) patterns.add(`${folder}**`);
  }
  for (const path of recorded.keys()) patterns.add(escapeGlob(path));

  return { patterns, isWhole };
}

function scopeOfPatterns({ patterns, isWhole }: Watched): Scope {
  const index = new Ownership([{ label: 'any', outputs: [...patterns] }]);
  const leading = new Set<string>();
  const inside = new Set<string>();
  for (const text of patterns) {
    const { prefix, isGlob } = parsePattern(text);
    if (isGlob) inside.add(prefix);
    for (let end = prefix.lastIndexOf('/'); end > 0; end = prefix.lastIndexOf('/', end - 1)) {
      leading.add(prefix.slice(0, end));
    }
  }
  return {
    patterns,
    isWhole,
    folders: leading,
    names: (path) => index.ownerOf(path) !== undefined,
    // Files at the root may be the config or a part of it.
    decides: (path) =>
      isWhole || !path.includes('/') || path.endsWith('/.gitignore') || index.ownerOf(path) !== undefined,
    leadsTo(folder) {
      if (leading.has(folder) || inside.has('')) return true;
      const path = `${folder}/`;
      for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
        if (inside.has(path.slice(0, end + 1))) return true;
      }
      return false;
    },
  };
}

/** Compares what the shape of the graph does not hold: the files that gates and formatters read, and patterns of edits. */
function hasSameGates(before: ReadonlyMap<Label, Task>, after: ReadonlyMap<Label, Task>): boolean {
  for (const [label, task] of after) {
    const was = before.get(label);
    const isSame =
      was === task ||
      (was !== undefined &&
        isSameJson(was.verify, task.verify) &&
        isSameJson(was.format, task.format) &&
        isSameJson(was.editPatterns, task.editPatterns));
    if (!isSame) return false;
  }
  return true;
}
