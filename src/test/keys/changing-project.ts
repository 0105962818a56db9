/**
 * Random projects with every kind of task, and random changes of their files: specs, inputs, outputs, templates, prompts, lock
 * files, modes, names, the config. Knows what is on disk, not what a build makes of it.
 */

import { chmodSync, renameSync } from 'node:fs';
import type { ConductorConfig } from '../../model/config.js';
import type { Dice } from '../rig/random-project.js';
import type { Rig } from '../rig/rig.js';
import { ChangingSpecs, MIXED } from './changing-specs.js';
import { SHARED } from './changing-task.js';

const INPUTS = ['in/a.txt', 'in/b.txt', 'in/sub/c.txt'];
/** Stands for the file of a config: each change of the config changes this file, too. A watch takes a JSON file for a part of it. */
const SETTINGS = 'settings.json';
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
  private readonly features: readonly string[];
  private readonly specs: ChangingSpecs;
  /** Files as they were, for mixtures of states. */
  private readonly states: Readonly<Record<string, string>>[] = [];

  constructor(rig: Rig, dice: Dice, kind = MIXED) {
    this.rig = rig;
    this.dice = dice;
    this.features = kind.features;
    this.base = rig.config;
    this.writeBase();
    this.specs = new ChangingSpecs(rig, dice, kind);
  }

  /** Keeps the files as they are: a later change may bring some of them back. */
  keepState(): void {
    this.states.push(this.rig.files());
  }

  /**
   * A call of what is returned brings back files as they are now, as a checkout of a commit does: all, or specs and lock files alone,
   * as where git has no outputs.
   */
  kept(): (what: 'all' | 'specs') => string {
    const { rig, specs } = this;
    const files = rig.files();
    const { config } = rig;
    const bringBack = specs.kept();
    return (what) => {
      if (what === 'all') rig.config = config;
      bringBack();
      const isMeant = (path: string) => what === 'all' || path.startsWith('specs/');
      rig.remove(...Object.keys(rig.files()).filter((path) => isMeant(path) && files[path] === undefined));
      const meant = Object.entries(files).filter(([path]) => isMeant(path));
      rig.write(Object.fromEntries(meant.map(([path, text]) => [path, text.replace(/^[a-z]:/, '')])));
      return `a former state: ${what}`;
    };
  }

  /** What a person does after a build that fails: without outputs and strange files, with everything that specs name. */
  recover(): void {
    const { rig } = this;
    rig.remove('out', ...Object.keys(rig.files()).filter((path) => path.endsWith('.moved')));
    this.configure({});
    this.writeBase();
    this.specs.write();
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
    if (pick < 4) return this.specs.edit();
    if (pick === 4) return this.specs.add();
    if (pick === 5) return this.specs.remove();
    if (pick === 6) return this.specs.move();
    if (pick < 9) return this.write(dice.pick(INPUTS));
    if (pick === 9) return this.write(dice.pick(GENERAL));
    if (pick === 10) return this.write(dice.pick(['notes.txt', 'in/new.txt', 'out/new.txt', 'in/sub/d.txt']));
    if (pick === 11)
      return this.write(`specs/${dice.pick(this.features)}/${dice.pick(['context.md', 'doc.md'])}`);
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

  /** A change of what few tasks are or read. */
  localChange(): string {
    const { dice } = this;
    switch (dice.below(9)) {
      case 0:
        return this.specs.edit();
      case 1:
        return this.specs.add();
      case 2:
        return this.specs.remove();
      case 3:
        return this.specs.move();
      case 4:
        return this.write(dice.pick(INPUTS));
      case 5:
        return this.write(dice.pick(['notes.txt', 'in/new.txt', 'in/sub/d.txt', 'new/file.txt']));
      case 6:
        return this.touchFile();
      default:
        return this.specs.editWord();
    }
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
}

/** Specs and the config change only with the model, which knows those of today. */
function isFree(path: string): boolean {
  return !path.endsWith('.yaml') && path !== '.gitignore' && path !== SETTINGS;
}
