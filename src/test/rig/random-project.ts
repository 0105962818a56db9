/**
 * Random projects and random edits of them, for the property test. A pure function says what a build of each must give;
 * knows nothing of conductor's parts.
 */

/** A small seeded generator (mulberry32): the same seed, the same walk. */
export class Dice {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  chance(p: number): boolean {
    return this.next() < p;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }
}

export interface RandomTask {
  readonly feature: string;
  readonly id: string;
  readonly kind: 'run' | 'render';
  /** What the spec says: part of what comes out. */
  readonly word: number;
  /** Only this much of the word reaches the interface, so that edits can end early. */
  readonly coarse: boolean;
  /** Its second file is not what dependents see. */
  readonly narrow: boolean;
  readonly inputs: readonly string[];
  readonly needs: readonly string[];
  readonly template: number;
  readonly gated: boolean;
  readonly title: number;
}

export interface RandomProject {
  readonly tasks: readonly RandomTask[];
  /** Hand-written files by path. */
  readonly files: ReadonlyMap<string, string>;
}

const INPUTS = ['in/a.txt', 'in/b.txt', 'in/c c.txt', 'in/ü.txt'];
const TEMPLATES = 2;
const UNOWNED = 'notes/read me.txt';
const MOST_TASKS = 12;

export const labelOf = (task: RandomTask) => `${task.feature}/${task.id}`;
const mainFile = (label: string) => `out/${label}.txt`;
const extraFile = (label: string) => `out/${label}.extra`;

export function randomProject(dice: Dice): RandomProject {
  const files = new Map<string, string>([[UNOWNED, 'a note\n']]);
  for (const path of INPUTS) files.set(path, `${path} 0\n`);
  for (let i = 0; i < TEMPLATES; i++) files.set(templateFile(i), templateText(i, 0));
  let project: RandomProject = { tasks: [], files };
  const count = 4 + dice.below(5);
  for (let i = 0; i < count; i++) project = addTask(project, dice);
  return project;
}

/** One edit, as a person makes it; with its name, for the message of a failure. */
export function randomEdit(
  project: RandomProject,
  dice: Dice,
): { readonly name: string; readonly project: RandomProject } {
  const { tasks } = project;
  const change = (name: string, next: (task: RandomTask) => RandomTask) => {
    const chosen = dice.pick(tasks);
    const done = tasks.map((task) => (task === chosen ? next(task) : task));
    return { name: `${name} of ${labelOf(chosen)}`, project: { ...project, tasks: done } };
  };
  const write = (path: string, text: string) => ({
    name: `edit of ${path}`,
    project: { ...project, files: new Map(project.files).set(path, text) },
  });
  switch (tasks.length === 0 ? 3 : dice.below(10)) {
    case 0:
    case 1:
      return change('word', (task) => ({ ...task, word: task.word + 1 }));
    case 2:
      return change('title', (task) => ({ ...task, title: task.title + 1 }));
    case 3:
      return { name: 'a new task', project: addTask(project, dice) };
    case 4: {
      const gone = dice.pick(tasks);
      const left = tasks
        .filter((task) => task !== gone)
        .map((task) => ({ ...task, needs: task.needs.filter((need) => need !== labelOf(gone)) }));
      return { name: `no ${labelOf(gone)} any more`, project: { ...project, tasks: left } };
    }
    case 5:
    case 6:
      return write(dice.pick(INPUTS), `changed ${dice.below(3)}\n`);
    case 7: {
      const template = dice.below(TEMPLATES);
      return write(templateFile(template), templateText(template, dice.below(3)));
    }
    case 8:
      return write(UNOWNED, `another note ${dice.below(1000)}\n`);
    default:
      return change('gate', (task) => ({ ...task, gated: !task.gated }));
  }
}

function addTask(project: RandomProject, dice: Dice): RandomProject {
  const { tasks } = project;
  if (tasks.length >= MOST_TASKS) return project;
  const used = new Set(tasks.map((task) => task.id));
  let number = 1;
  while (used.has(`T${number}`)) number++;
  const task: RandomTask = {
    feature: dice.pick(['one', 'two']),
    id: `T${number}`,
    kind: dice.chance(0.7) ? 'run' : 'render',
    word: dice.below(10),
    coarse: dice.chance(0.5),
    narrow: dice.chance(0.5),
    inputs: INPUTS.filter(() => dice.chance(0.3)),
    needs: tasks.filter(() => dice.chance(0.35)).map(labelOf),
    template: dice.below(TEMPLATES),
    gated: dice.chance(0.2),
    title: 0,
  };
  return { ...project, tasks: [...tasks, task] };
}

const templateFile = (number: number) => `templates/t${number}.hbs`;
const templateText = (number: number, edition: number) =>
  `template ${number}.${edition}\n{{{text}}}\n{{task.label}}\n`;

/** The backlogs of the project by path. A feature without a task has none. */
export function backlogs(project: RandomProject): Map<string, string> {
  const found = new Map<string, string>();
  for (const feature of ['one', 'two']) {
    const tasks = project.tasks.filter((task) => task.feature === feature).map(entry);
    if (tasks.length > 0)
      found.set(`specs/${feature}/BACKLOG.yaml`, `${JSON.stringify({ tasks }, null, 2)}\n`);
  }
  return found;
}

function entry(task: RandomTask): object {
  const label = labelOf(task);
  const outputs = [mainFile(label), extraFile(label)];
  return {
    id: task.id,
    title: `Title ${task.title}`,
    inputs: task.inputs,
    depends_on: task.needs,
    outputs,
    ...(task.narrow ? { interface: [mainFile(label)] } : {}),
    ...(task.gated ? { verify: [`test -s '${mainFile(label)}'`] } : {}),
    ...(task.kind === 'run' ? { run: commandOf(task) } : { render: steps(task) }),
  };
}

/** Reads its inputs and what its direct dependencies show, and counts itself in a file outside of the project. */
function commandOf(task: RandomTask): string {
  const label = labelOf(task);
  const read = [...task.inputs, ...task.needs.map(mainFile)].map((path) => `'${path}'`).join(' ');
  return [
    `mkdir -p out/${task.feature}`,
    `echo ${label} >> "$RUNS"`,
    `{ echo '${shown(task)}'; cat ${read} /dev/null; } > '${mainFile(label)}'`,
    `echo '${label} ${task.word}' > '${extraFile(label)}'`,
  ].join(' && ');
}

function steps(task: RandomTask): object[] {
  const label = labelOf(task);
  const template = `t${task.template}.hbs`;
  return [
    { template, to: mainFile(label), with: { text: shown(task) } },
    { template, to: extraFile(label), with: { text: `extra ${task.word}` } },
  ];
}

const shown = (task: RandomTask) => `${labelOf(task)} ${task.coarse ? Math.floor(task.word / 3) : task.word}`;

/** Every file that the tree holds after a build, metadata aside. */
export function expectedTree(project: RandomProject): Record<string, string> {
  const tree = new Map<string, string>([...project.files, ...backlogs(project)]);
  for (const task of project.tasks) {
    const label = labelOf(task);
    if (task.kind === 'render') {
      const template = project.files.get(templateFile(task.template)) as string;
      const render = (text: string) => template.replace('{{{text}}}', text).replace('{{task.label}}', label);
      tree.set(mainFile(label), render(shown(task)));
      tree.set(extraFile(label), render(`extra ${task.word}`));
      continue;
    }
    const read = [...task.inputs, ...task.needs.map(mainFile)].map((path) => tree.get(path));
    tree.set(mainFile(label), `${shown(task)}\n${read.join('')}`);
    tree.set(extraFile(label), `${label} ${task.word}\n`);
  }
  return Object.fromEntries([...tree].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The outputs of one task, for deleting them. */
export const outputsOf = (task: RandomTask) => [mainFile(labelOf(task)), extraFile(labelOf(task))];
