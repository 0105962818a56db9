/**
 * Random projects of small graphs whose recipes read everything that they can see, and random edits of them. Says what is
 * written; what comes of it is for builds to say.
 */

import type { Dice } from './random-project.js';

export interface ReadingTask {
  readonly id: string;
  readonly kind: 'run' | 'agent';
  readonly inputs: readonly string[] | undefined;
  /** Tasks of the same graph. */
  readonly needs: readonly string[];
  /** What the recipe's text says: a part of what comes out. */
  readonly word: number;
  /** Little of what it read reaches its interface, so that many changes end there. */
  readonly coarse: boolean;
  /** Its second output is outside its interface. */
  readonly narrow: boolean;
  readonly gate: 'none' | 'whole' | 'named';
  /** Whether it patches the graph's shared file. */
  readonly patches: boolean;
}

/** Graphs by name, which know nothing of each other; hand-written files by path; values of variables. */
export interface ReadingProject {
  readonly graphs: ReadonlyMap<string, readonly ReadingTask[]>;
  readonly files: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string>>;
}

export const VARIABLES = ['STAGE', 'REGION'];
const MOST_TASKS = 4;

export const mainFile = (graph: string, id: string) => `${graph}/out/${id}.txt`;
export const extraFile = (graph: string, id: string) => `${graph}/out/${id}.extra`;
export const sharedFile = (graph: string) => `${graph}/app.txt`;
const gateFile = (graph: string) => `${graph}/gate.sh`;

/** The shared file: one line for the patch of each task, far enough apart that patches do not meet. */
function sharedText(head: number): string {
  const slots = Array.from({ length: MOST_TASKS }, (_, i) => `-\n-\nslot T${i + 1}\n-\n-\n`);
  return `head ${head}\n${slots.join('')}`;
}

/** The shared file with the line of one task. */
export function patched(text: string, id: string, line: string): string {
  return text.replace(new RegExp(`^slot ${id}.*$`, 'm'), `slot ${id} ${line}`);
}

/** `whole`: some recipes declare no inputs and see all that people wrote. */
export function readingProject(dice: Dice, graphs: number, whole: boolean): ReadingProject {
  const files = new Map<string, string>();
  const found = new Map<string, ReadingTask[]>();
  for (let n = 1; n <= graphs; n++) {
    const graph = `g${n}`;
    files.set(`${graph}/in/a.txt`, 'a 0\n');
    files.set(`${graph}/in/b.txt`, 'b 0\n');
    files.set(gateFile(graph), 'check 0\n');
    files.set(sharedFile(graph), sharedText(0));
    const tasks: ReadingTask[] = [];
    const count = MOST_TASKS - dice.below(2);
    for (let i = 1; i <= count; i++) tasks.push(newTask(graph, `T${i}`, { tasks, dice, whole }));
    found.set(graph, tasks);
  }
  return { graphs: found, files, env: Object.fromEntries(VARIABLES.map((name) => [name, '0'])) };
}

function newTask(
  graph: string,
  id: string,
  { tasks, dice, whole }: { tasks: readonly ReadingTask[]; dice: Dice; whole: boolean },
): ReadingTask {
  const inputs = [[], [`${graph}/in/a.txt`], [`${graph}/in/`], [`${graph}/out/`], [sharedFile(graph)]];
  const needs = tasks.filter((_, i) => dice.chance(i === tasks.length - 1 ? 0.7 : 0.25));
  const readsAll = whole && dice.chance(0.4);
  return {
    id,
    // What an agent without inputs reads is observed, and not in its key.
    kind: !readsAll && dice.chance(0.3) ? 'agent' : 'run',
    inputs: readsAll ? undefined : dice.pick(inputs),
    needs: needs.map((need) => need.id),
    word: dice.below(10),
    coarse: dice.chance(0.6),
    narrow: dice.chance(0.5),
    gate: dice.pick(['none', 'whole', 'named'] as const),
    patches: dice.chance(0.4),
  };
}

/** One edit of one graph, with its name for the message of a failure. */
export function editGraph(
  project: ReadingProject,
  graph: string,
  { dice, inSpecs }: { readonly dice: Dice; readonly inSpecs: boolean },
): { readonly name: string; readonly project: ReadingProject } {
  const tasks = project.graphs.get(graph) ?? [];
  const write = (path: string, text: string) => ({
    name: `edit of ${path}`,
    project: { ...project, files: new Map(project.files).set(path, text) },
  });
  const change = (name: string, next: (task: ReadingTask) => ReadingTask) => {
    const chosen = dice.pick(tasks);
    const changed = tasks.map((task) => (task === chosen ? next(task) : task));
    return {
      name: `${name} of ${graph}/${chosen.id}`,
      project: { ...project, graphs: new Map(project.graphs).set(graph, changed) },
    };
  };
  switch (inSpecs ? 6 + dice.below(5) : dice.below(11)) {
    case 0:
    case 1:
      return write(`${graph}/in/a.txt`, `a ${dice.below(4)}\n`);
    case 2:
      return write(`${graph}/in/b.txt`, `b ${dice.below(4)}\n`);
    case 3:
    case 4:
      return write(gateFile(graph), `check ${dice.below(4)}\n`);
    case 5:
      return write(sharedFile(graph), sharedText(dice.below(4)));
    case 6:
      return change('interface', (task) => ({ ...task, narrow: !task.narrow }));
    case 7:
      return change('gate', (task) => ({ ...task, gate: dice.pick(['none', 'whole', 'named'] as const) }));
    case 8: {
      const name = dice.pick(VARIABLES);
      const env = { ...project.env, [name]: String(dice.below(3)) };
      return { name: `the value of ${name}`, project: { ...project, env } };
    }
    default:
      return change('word', (task) => ({ ...task, word: task.word + 1 }));
  }
}

/** The backlogs of the project by path. */
export function readingBacklogs(project: ReadingProject): Map<string, string> {
  return new Map(
    [...project.graphs].map(([graph, tasks]) => [
      `specs/${graph}/BACKLOG.yaml`,
      `${JSON.stringify({ tasks: tasks.map((task) => entry(graph, task)) }, null, 2)}\n`,
    ]),
  );
}

function entry(graph: string, task: ReadingTask): object {
  const gate = `sh ${gateFile(graph)}`;
  const verify = task.gate === 'whole' ? gate : { run: gate, inputs: [gateFile(graph)] };
  return {
    id: task.id,
    title: task.id,
    ...(task.inputs === undefined ? {} : { inputs: task.inputs }),
    depends_on: task.needs,
    outputs: [mainFile(graph, task.id), extraFile(graph, task.id)],
    ...(task.patches ? { edits: [sharedFile(graph)] } : {}),
    ...(task.narrow ? { interface: [mainFile(graph, task.id)] } : {}),
    ...(task.gate === 'none' ? {} : { verify: [verify] }),
    ...(task.kind === 'agent'
      ? { description: `word ${task.word}`, strategy: 'fresh' }
      : { run: `read everything; word ${task.word}; ${task.coarse ? 'coarse' : 'fine'}` }),
  };
}
