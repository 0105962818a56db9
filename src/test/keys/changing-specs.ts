/** Random specs of the tasks of a changing project, and random changes of them: tasks that come, go, change and move. */

import type { Dice } from '../rig/random-project.js';
import type { Rig } from '../rig/rig.js';
import { backlogYaml } from '../rig/rig-backlog.js';
import { type ChangingTask, entryOf, SHARED } from './changing-task.js';

/** What random projects are like. */
export interface ProjectKind {
  readonly features: readonly string[];
  readonly tasks: number;
  /** How often a task patches a file, needs another one, and reads all that people wrote. */
  readonly patches: number;
  readonly needs: number;
  readonly readsAll: number;
}

export const MIXED: ProjectKind = {
  features: ['one', 'two', 'three'],
  tasks: 6,
  patches: 0.15,
  needs: 0.3,
  readsAll: 0.15,
};
/** Many features with few dependencies between them: a build reads some of them. */
export const DIVISIBLE: ProjectKind = {
  features: ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'],
  tasks: 13,
  patches: 0,
  needs: 0.02,
  readsAll: 0.1,
};
const PATTERNS = [['in/a.txt'], ['in/*.txt'], ['in/**', '!in/b.txt'], ['in/sub/'], ['out/**'], [SHARED], []];

/** The specs on disk. Every change is written at once, and returns its name for the message of a failure. */
export class ChangingSpecs {
  private readonly rig: Rig;
  private readonly dice: Dice;
  private readonly kind: ProjectKind;
  private readonly specs = new Map<string, ChangingTask[]>();

  constructor(rig: Rig, dice: Dice, kind: ProjectKind) {
    this.rig = rig;
    this.dice = dice;
    this.kind = kind;
    for (const feature of kind.features) this.specs.set(feature, []);
    for (let i = 0; i < kind.tasks; i++) this.addTask();
    this.write();
  }

  /** All specs as they are, also where their files were removed. */
  write(): void {
    for (const feature of this.kind.features) this.writeSpec(feature);
  }

  private everyTask(): { readonly feature: string; readonly task: ChangingTask }[] {
    return [...this.specs].flatMap(([feature, tasks]) => tasks.map((task) => ({ feature, task })));
  }

  private replace(feature: string, task: ChangingTask, by: readonly ChangingTask[]): void {
    const tasks = this.specs.get(feature) ?? [];
    this.specs.set(
      feature,
      tasks.flatMap((one) => (one === task ? by : [one])),
    );
  }

  /** A call of what is returned makes the specs what they are now; their files are for the caller to write. */
  kept(): () => void {
    const specs = [...this.specs];
    return () => {
      for (const [feature, tasks] of specs) this.specs.set(feature, tasks);
    };
  }

  /** A task makes something else, and depends on others as before. */
  editWord(): string {
    const all = this.everyTask();
    if (all.length === 0) return 'nothing';
    const { feature, task } = this.dice.pick(all);
    this.replace(feature, task, [{ ...task, word: task.word + 1 }]);
    this.writeSpec(feature);
    return `another word of ${feature}/${task.id}`;
  }

  edit(): string {
    const { dice } = this;
    const all = this.everyTask();
    if (all.length === 0) return 'nothing';
    const { feature, task } = dice.pick(all);
    const edits: readonly Partial<ChangingTask>[] = [
      { word: task.word + 1 },
      { hasGate: !task.hasGate },
      { inputs: dice.chance(0.2) ? undefined : dice.pick(PATTERNS) },
      { writesFolder: !task.writesFolder },
      { patches: !task.patches && this.kind.patches > 0 },
      { needs: task.needs.slice(1) },
      { refs: !task.refs },
    ];
    const edit = dice.pick(edits);
    this.replace(feature, task, [{ ...task, ...edit }]);
    this.writeSpec(feature);
    return `${JSON.stringify(edit)} of ${feature}/${task.id}`;
  }

  private addTask(): string {
    const { dice } = this;
    const all = this.everyTask();
    const used = new Set(all.map(({ task }) => task.id));
    let number = 1;
    while (used.has(`T${number}`)) number++;
    // Only on tasks with smaller numbers: no edit makes a cycle.
    const below = all.filter(({ task }) => Number(task.id.slice(1)) < number);
    const feature = dice.pick(this.kind.features);
    const task: ChangingTask = {
      id: `T${number}`,
      kind: dice.pick(['run', 'run', 'render', 'render', 'agent'] as const),
      inputs: dice.chance(this.kind.readsAll) ? undefined : dice.pick(PATTERNS),
      needs: below.filter(() => dice.chance(this.kind.needs)).map((one) => `${one.feature}/${one.task.id}`),
      word: 0,
      hasGate: dice.chance(0.3),
      writesFolder: dice.chance(0.2),
      patches: dice.chance(this.kind.patches),
      refs: false,
    };
    this.specs.set(feature, [...(this.specs.get(feature) ?? []), task]);
    return feature;
  }

  add(): string {
    if (this.everyTask().length >= this.kind.tasks + 3) return 'nothing';
    const feature = this.addTask();
    this.writeSpec(feature);
    return `a new task of ${feature}`;
  }

  remove(): string {
    const all = this.everyTask();
    if (all.length < 3) return 'nothing';
    const { feature, task } = this.dice.pick(all);
    this.replace(feature, task, []);
    this.rename(`${feature}/${task.id}`, undefined);
    return `no ${feature}/${task.id} any more`;
  }

  /** The task goes to another feature under its id. */
  move(): string {
    const all = this.everyTask();
    if (all.length === 0) return 'nothing';
    const { feature, task } = this.dice.pick(all);
    const to = this.dice.pick(this.kind.features);
    this.replace(feature, task, []);
    this.specs.set(to, [...(this.specs.get(to) ?? []), task]);
    this.rename(`${feature}/${task.id}`, `${to}/${task.id}`);
    return `${feature}/${task.id} becomes ${to}/${task.id}`;
  }

  private rename(from: string, to: string | undefined): void {
    for (const [feature, tasks] of this.specs) {
      const renamed = (label: string) => (label === from ? (to === undefined ? [] : [to]) : [label]);
      this.specs.set(
        feature,
        tasks.map((task) => ({ ...task, needs: task.needs.flatMap(renamed) })),
      );
    }
    this.write();
  }

  private writeSpec(feature: string): void {
    const tasks = this.specs.get(feature) ?? [];
    const file = `specs/${feature}/BACKLOG.yaml`;
    if (tasks.length === 0) {
      this.rig.remove(file);
      return;
    }
    if (!this.rig.read(`specs/${feature}/doc.md`))
      this.rig.write({ [`specs/${feature}/doc.md`]: '# Part\n\n0\n' });
    const text = backlogYaml(
      feature,
      Object.fromEntries(tasks.map((task) => [task.id, entryOf(this.rig, feature, task)])),
    );
    if (this.rig.read(file) !== text) this.rig.write({ [file]: text });
  }
}
