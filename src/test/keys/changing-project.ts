/**
 * Random projects with every kind of task, and random changes of their files: specs, inputs, outputs, templates, prompts, lock
 * files, modes, names, the config. Says what is on disk; what comes of it is for builds to say.
 */

import { chmodSync, renameSync } from 'node:fs';
import type { ConductorConfig } from '../../model/config.js';
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

const MIXED: ProjectKind = {
  features: ['one', 'two', 'three'],
  tasks: 6,
  patches: 0.15,
  needs: 0.3,
  readsAll: 0.15,
};
/** Many features that hang together a little: a build reads some of them. */
export const DIVISIBLE: ProjectKind = {
  features: ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'],
  tasks: 13,
  patches: 0,
  needs: 0.02,
  readsAll: 0.1,
};
const INPUTS = ['in/a.txt', 'in/b.txt', 'in/sub/c.txt'];
const PATTERNS = [['in/a.txt'], ['in/*.txt'], ['in/**', '!in/b.txt'], ['in/sub/'], ['out/**'], [SHARED], []];
/** Stands for the file of a config: who changes it changes the config with it. */
const SETTINGS = 'settings.txt';
const GENERAL = [
  'templates/page.hbs',
  'templates/partials/foot.hbs',
  'prompts/implement.md',
  '.gitattributes',
];
const CONFIGS: readonly ConductorConfig[] = [
  {},
  { salt: 'x' },
  { gates: { task: [{ run: 'true', inputs: ['in/b.txt'] }] } },
  { format: [{ run: ['true'], files: '**/*.md', inputs: ['in/a.txt'] }] },
  { env: ['STAGE'] },
];

/** The project in its folder. Every change is written at once. */
export class ChangingProject {
  private readonly rig: Rig;
  private readonly dice: Dice;
  private readonly base: ConductorConfig;
  private readonly kind: ProjectKind;
  private readonly specs = new Map<string, ChangingTask[]>();
  /** Files as they were, for mixtures of states. */
  private readonly states: Readonly<Record<string, string>>[] = [];

  constructor(rig: Rig, dice: Dice, kind = MIXED) {
    this.rig = rig;
    this.kind = kind;
    this.dice = dice;
    this.base = rig.config;
    this.writeBase();
    for (const feature of kind.features) this.specs.set(feature, []);
    for (let i = 0; i < kind.tasks; i++) this.addTask();
    for (const feature of kind.features) this.writeSpec(feature);
  }

  /** Keeps the files as they are: a later change may bring some of them back. */
  keepState(): void {
    this.states.push(this.rig.files());
  }

  /** What a person does after a build that fails: without outputs and strange files, with everything that specs name. */
  recover(): void {
    const { rig } = this;
    rig.remove('out', ...Object.keys(rig.files()).filter((path) => path.endsWith('.moved')));
    this.configure({});
    this.writeBase();
    for (const feature of this.kind.features) this.writeSpec(feature);
  }

  /** As the file of a config would: another config is another tree. */
  private configure(config: ConductorConfig): void {
    this.rig.config = { ...this.base, ...config };
    this.rig.write({ [SETTINGS]: `${JSON.stringify(config)}\n` });
  }

  private writeBase(): void {
    const { rig } = this;
    for (const path of INPUTS) rig.write({ [path]: `${path} 0\n` });
    rig.write({
      [SHARED]: `head\n${Array.from({ length: 9 }, (_, i) => `-\nslot ${i}\n-\n`).join('')}`,
      'templates/page.hbs': '{{word}}\n{{> foot}}\n',
      'templates/partials/foot.hbs': 'foot 0\n',
      'notes.txt': 'a note\n',
    });
  }

  /** One change, with its name for the message of a failure. */
  change(): string {
    const { dice, rig } = this;
    const pick = dice.below(20);
    if (pick < 4) return this.editTask();
    if (pick === 4) return this.addAndWrite();
    if (pick === 5) return this.removeTask();
    if (pick === 6) return this.renameTask();
    if (pick < 9) return this.write(dice.pick(INPUTS));
    if (pick === 9) return this.write(dice.pick(GENERAL));
    if (pick === 10) return this.write(dice.pick(['notes.txt', 'in/new.txt', 'out/new.txt', 'in/sub/d.txt']));
    if (pick === 11)
      return this.write(`specs/${dice.pick(this.kind.features)}/${dice.pick(['context.md', 'doc.md'])}`);
    if (pick === 12) {
      const config = dice.pick(CONFIGS);
      this.configure(config);
      return `config ${JSON.stringify(config)}`;
    }
    if (pick === 13) {
      rig.env.STAGE = String(dice.below(3));
      return `STAGE=${rig.env.STAGE}`;
    }
    if (pick === 14) return this.editShared();
    if (pick < 18) return this.touchFile();
    return this.mixStates();
  }

  private write(path: string): string {
    const n = this.dice.below(4);
    const text = path.endsWith('.hbs')
      ? `${n} {{word}}\n`
      : path === '.gitattributes'
        ? `*.x${n} text\n`
        : path.endsWith('.md')
          ? `# Part\n\n${n}\n`
          : `${path} ${n}\n`;
    this.rig.write({ [path]: text });
    return `write ${n} to ${path}`;
  }

  private editShared(): string {
    const text = this.rig.read(SHARED) ?? '';
    const n = this.dice.below(4);
    this.rig.write({ [SHARED]: text.replace(/^head.*$/m, `head ${n}`) });
    return `head ${n} of ${SHARED}`;
  }

  /** Deletes, renames, writes over or makes executable one file: any but a spec. */
  private touchFile(): string {
    const { dice, rig } = this;
    const path = dice.pick(Object.keys(rig.files()).filter(isFree));
    switch (dice.below(4)) {
      case 0:
        rig.remove(path);
        return `delete ${path}`;
      case 1:
        renameSync(rig.path(path), `${rig.path(path)}.moved`);
        return `rename ${path}`;
      case 2:
        chmodSync(rig.path(path), dice.chance(0.5) ? 0o755 : 0o644);
        return `mode of ${path}`;
      default:
        if (path.endsWith('.metadata.json')) return this.editLock(path);
        rig.write({ [path]: `by hand ${dice.below(3)}\n` });
        return `write over ${path}`;
    }
  }

  /** One digest in a lock file becomes another one. */
  private editLock(path: string): string {
    const text = this.rig.read(path) ?? '';
    const digests = [...text.matchAll(/"[0-9a-f]{40,64}"/g)];
    if (digests.length === 0) return 'nothing';
    const { index = 0, 0: found } = this.dice.pick(digests);
    const other = `"${found[1] === '0' ? '1' : '0'}${found.slice(2)}`;
    this.rig.write({ [path]: text.slice(0, index) + other + text.slice(index + found.length) });
    return `digest ${index} in ${path}`;
  }

  /** As after a checkout of some files of another state. */
  private mixStates(): string {
    const { dice, rig, states } = this;
    if (states.length === 0) return 'nothing';
    const state = dice.pick(states);
    const chosen = Object.keys(state).filter((path) => isFree(path) && dice.chance(0.3));
    for (const path of chosen) rig.write({ [path]: (state[path] as string).replace(/^[a-z]:/, '') });
    return `${chosen.join(', ')} of another state`;
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

  /** A task makes something else, and hangs together with others as before. */
  editWord(): string {
    const all = this.everyTask();
    if (all.length === 0) return 'nothing';
    const { feature, task } = this.dice.pick(all);
    this.replace(feature, task, [{ ...task, word: task.word + 1 }]);
    this.writeSpec(feature);
    return `another word of ${feature}/${task.id}`;
  }

  private editTask(): string {
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

  private addAndWrite(): string {
    if (this.everyTask().length >= this.kind.tasks + 3) return 'nothing';
    const feature = this.addTask();
    this.writeSpec(feature);
    return `a new task of ${feature}`;
  }

  private removeTask(): string {
    const all = this.everyTask();
    if (all.length < 3) return 'nothing';
    const { feature, task } = this.dice.pick(all);
    this.replace(feature, task, []);
    this.rename(`${feature}/${task.id}`, undefined);
    return `no ${feature}/${task.id} any more`;
  }

  /** The task goes to another feature under its id. */
  private renameTask(): string {
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
    for (const feature of this.kind.features) this.writeSpec(feature);
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

/** Specs and the config change only with the model, which knows those of today. */
function isFree(path: string): boolean {
  return !path.endsWith('.yaml') && path !== '.gitignore' && path !== SETTINGS;
}
