/**
 * Backlogs as data: which tasks of a new backlog are those of the former one, what changed, and how a person's
 * changes and a new plan are merged. Pure.
 */

import { isDeepStrictEqual } from 'node:util';

/** A task as it is written. */
export type PlannedTask = { readonly id: string } & Readonly<Record<string, unknown>>;

/** A backlog that the schema accepts. */
export type PlannedBacklog = { readonly tasks: readonly PlannedTask[] } & Readonly<Record<string, unknown>>;

/** Say nothing of what is to be made: people's words, which a new plan does not take back. */
const PERSONAL = new Set(['status', 'owner', 'priority', 'tags', 'title']);

/**
 * New ids for tasks that are those of the former backlog: first equal content, then the same outputs. So a planner that
 * numbers tasks again costs no result. Ids of tasks that are not named stay, unless they have to make way.
 */
export function keepIds(former: PlannedBacklog, planned: PlannedBacklog): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>();
  const free = new Map(former.tasks.map((task) => [task.id, task]));
  const match = (same: (a: PlannedTask, b: PlannedTask) => boolean) => {
    for (const task of planned.tasks) {
      if (renamed.has(task.id)) continue;
      const own = free.get(task.id);
      const found = own && same(own, task) ? own : [...free.values()].find((one) => same(one, task));
      if (!found) continue;
      free.delete(found.id);
      renamed.set(task.id, found.id);
    }
  };
  match(sameContent);
  match(sameOutputs);
  match((a, b) => a.id === b.id);
  const taken = new Set([...renamed.values(), ...former.tasks.map(({ id }) => id)]);
  for (const { id } of planned.tasks) {
    if (renamed.has(id)) continue;
    const to = taken.has(id) ? nextId(id, taken) : id;
    taken.add(to);
    renamed.set(id, to);
  }
  return new Map([...renamed].filter(([from, to]) => from !== to));
}

/** The new id of a task whose id another task has: the next free number. */
function nextId(id: string, taken: ReadonlySet<string>): string {
  const [, stem = id, digits = ''] = /^(.*?)(\d*)$/.exec(id) ?? [];
  for (let number = Number(digits || '1') + 1; ; number++) {
    const next = stem + String(number).padStart(digits.length, '0');
    if (!taken.has(next)) return next;
  }
}

/** A backlog with other ids, in what it depends on too. */
export function renameTasks(backlog: PlannedBacklog, ids: ReadonlyMap<string, string>): PlannedBacklog {
  const tasks = backlog.tasks.map((task): PlannedTask => {
    const needs = task.depends_on;
    const id = ids.get(task.id) ?? task.id;
    if (!Array.isArray(needs)) return { ...task, id };
    return { ...task, id, depends_on: needs.map((need: unknown) => ids.get(String(need)) ?? need) };
  });
  return { ...backlog, tasks };
}

export interface BacklogChange {
  readonly kept: readonly string[];
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** By id, in the order of the newer backlog. */
export function compareBacklogs(former: PlannedBacklog | undefined, planned: PlannedBacklog): BacklogChange {
  const before = byId(former);
  const ids = planned.tasks.map(({ id }) => id);
  const after = byId(planned);
  const isKept = (id: string) => isDeepStrictEqual(meaning(before.get(id)), meaning(after.get(id)));
  return {
    kept: ids.filter((id) => before.has(id) && isKept(id)),
    changed: ids.filter((id) => before.has(id) && !isKept(id)),
    added: ids.filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !ids.includes(id)),
  };
}

/** A change of the person's backlog, in its own order; `value` undefined: the entry goes. */
export interface BacklogEdit {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/**
 * What has to be done to the person's backlog so that it holds what the plan changed from `base` to `planned`; or the
 * entries that both have changed, each in another way.
 */
export function mergeBacklogs(
  base: PlannedBacklog,
  own: PlannedBacklog,
  planned: PlannedBacklog,
): { readonly edits: readonly BacklogEdit[]; readonly conflicts: readonly string[] } {
  const edits: BacklogEdit[] = [];
  const conflicts: string[] = [];
  /** In the base, in the person's backlog, in the plan. */
  interface Versions {
    readonly was: unknown;
    readonly is: unknown;
    readonly wanted: unknown;
  }
  const decide = (name: string, path: BacklogEdit['path'], { was, is, wanted }: Versions) => {
    if (isDeepStrictEqual(was, wanted) || isDeepStrictEqual(is, wanted)) return;
    if (isDeepStrictEqual(was, is)) edits.push({ path, value: wanted });
    else conflicts.push(name);
  };
  for (const key of new Set([...Object.keys(own), ...Object.keys(planned)])) {
    if (key !== 'tasks') decide(`\`${key}\``, [key], { was: base[key], is: own[key], wanted: planned[key] });
  }
  const [was, is, wanted] = [byId(base), byId(own), byId(planned)];
  own.tasks.forEach(({ id }, at) => {
    const mine = is.get(id);
    const next = wanted.get(id);
    // A task that goes takes people's words with it: then they are a change like any other.
    const before = next ? withOwn(mine, was.get(id)) : was.get(id);
    decide(id, ['tasks', at], { was: before, is: mine, wanted: withOwn(mine, next) });
  });
  let end = own.tasks.length;
  for (const task of planned.tasks) {
    if (is.has(task.id)) continue;
    // A task that the person took away, and the plan has as it was, stays away.
    if (was.has(task.id) && isDeepStrictEqual(was.get(task.id), task)) continue;
    if (was.has(task.id)) conflicts.push(task.id);
    else edits.push({ path: ['tasks', end++], value: task });
  }
  // From the end to the beginning, so that what is taken away moves nothing that is still to be changed.
  const isRemoval = ({ value }: BacklogEdit) => value === undefined;
  return {
    edits: [...edits.filter((one) => !isRemoval(one)), ...edits.filter(isRemoval).reverse()],
    conflicts,
  };
}

/** A planned task with the person's own words for it, where the plan has none. */
function withOwn(own: PlannedTask | undefined, planned: PlannedTask | undefined): PlannedTask | undefined {
  if (!own || !planned) return planned;
  const words = Object.entries(own).filter(([key]) => PERSONAL.has(key) && !(key in planned));
  return { ...planned, ...Object.fromEntries(words) };
}

function sameContent(a: PlannedTask, b: PlannedTask): boolean {
  return isDeepStrictEqual(content(a), content(b));
}

function content(task: PlannedTask): Record<string, unknown> {
  const { id: _id, depends_on: _needs, ...rest } = meaning(task);
  return rest;
}

/** What of a task decides what is made. A title does where there is no description. */
function meaning(task: PlannedTask | undefined): Record<string, unknown> {
  const hasDescription = typeof task?.description === 'string' && task.description.trim() !== '';
  const kept = Object.entries(task ?? {}).filter(
    ([key]) => !PERSONAL.has(key) || (key === 'title' && !hasDescription),
  );
  return Object.fromEntries(
    kept.map(([key, value]) => [key, typeof value === 'string' ? value.trim() : value]),
  );
}

function sameOutputs(a: PlannedTask, b: PlannedTask): boolean {
  const outputs = (task: PlannedTask) => [...(Array.isArray(task.outputs) ? task.outputs : [])].sort();
  return outputs(a).length > 0 && isDeepStrictEqual(outputs(a), outputs(b));
}

function byId(backlog: PlannedBacklog | undefined): ReadonlyMap<string, PlannedTask> {
  return new Map((backlog?.tasks ?? []).map((task) => [task.id, task]));
}
