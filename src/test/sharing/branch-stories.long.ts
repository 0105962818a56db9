/**
 * Random histories of branches: merges, rebases, reverts, cherry-picks and squash merges of branches that all build. Nothing
 * that a person accepted is lost, and no agent is asked twice for one thing.
 */

import { expect, test } from 'vitest';
import { Dice } from '../rig/random-project.js';
import { createRig, type Rig } from '../rig/rig.js';

const LOCK = 'specs/f/.metadata.json';
/** Histories of `npm test`; `BRANCH_STORIES=50` runs more, `BRANCH_SEED=7` begins with another. */
const STORIES = Number(process.env.BRANCH_STORIES ?? 1);
const SEED = Number(process.env.BRANCH_SEED ?? 1);
const STEPS = Number(process.env.BRANCH_STEPS ?? 5);
const BRANCHES = ['main', 'left', 'right'];
const SLOTS = 12;

/** Every slot has lines around it, so that git merges edits of two slots without a conflict. */
const page = (word: string) =>
  ['-', `word ${word}`, '-', ...Array.from({ length: SLOTS }, (_, i) => `-\nslot ${i}\n-`), ''].join('\n');

interface Spec {
  readonly agent: string;
  readonly run: string;
}

class Team {
  readonly calls: string[] = [];
  /** Slots that people edited and accepted, by commit. */
  private readonly accepted = new Map<string, ReadonlySet<number>>();
  private word = 0;

  private readonly rig: Rig;
  private readonly dice: Dice;

  constructor(rig: Rig, dice: Dice) {
    this.rig = rig;
    this.dice = dice;
    rig.answer('f/T1', ({ prompt }) => {
      const word = /word-\d+/.exec(prompt)?.[0] ?? '';
      this.calls.push(word);
      return { 'a.txt': `${word}\n` };
    });
  }

  head(): string {
    return this.rig.git('rev-parse', 'HEAD').trim();
  }

  slots(commit = this.head()): ReadonlySet<number> {
    return this.accepted.get(commit) ?? new Set();
  }

  spec(): Spec {
    const text = this.rig.read('specs/f/BACKLOG.yaml') ?? '';
    return { agent: /word-\d+/.exec(text)?.[0] ?? '', run: /run-\d+/.exec(text)?.[0] ?? '' };
  }

  write({ agent, run }: Spec): void {
    const command = ['node', '-e', `require('fs').writeFileSync('b.txt', ${JSON.stringify(page(run))})`];
    this.rig.backlog('f', {
      T1: { inputs: [], outputs: ['a.txt'], description: `Write ${agent}` },
      T2: { inputs: [], outputs: ['b.txt'], run: command },
    });
  }

  /** Builds and commits what git has left, and holds that nothing of `wanted` is lost. */
  async settle(wanted: ReadonlySet<number>, how: () => void): Promise<void> {
    const { rig } = this;
    const story = await rig.build();
    expect([story.summary.exitCode, story.failure('f/T1'), story.failure('f/T2')]).toEqual([
      0,
      undefined,
      undefined,
    ]);
    const { agent, run } = this.spec();
    const page = rig.read('b.txt') ?? '';
    expect(rig.read('a.txt')).toBe(`${agent}\n`);
    expect(page).toContain(`word ${run}\n`);
    for (const slot of wanted) expect(page).toContain(`slot ${slot} edited`);
    expect(`${page}${rig.read(LOCK)}`).not.toMatch(/<<<<<<<|unmerged/);
    how();
    const found = new Set([...page.matchAll(/slot (\d+) edited/g)].map((match) => Number(match[1])));
    this.accepted.set(this.head(), found);
    expect((await rig.buildWithoutAgent()).ran()).toEqual([]);
    expect(rig.git('status', '--porcelain')).toBe('');
    expect(new Set(this.calls).size).toBe(this.calls.length);
  }

  commit = (): void => {
    this.rig.git('add', '-A');
    this.rig.git('commit', '-q', '--allow-empty', '-m', 'work');
  };

  private tries(...args: string[]): boolean {
    try {
      this.rig.git('-c', 'core.editor=true', ...args);
      return true;
    } catch {
      return false;
    }
  }

  /** A conflict in the spec is for a person, who takes one side; lock files and outputs stay as git left them. */
  private decide(): void {
    const spec = 'specs/f/BACKLOG.yaml';
    if (!(this.rig.read(spec) ?? '').includes('<<<<<<<')) return;
    this.rig.git('checkout', this.dice.chance(0.5) ? '--ours' : '--theirs', '--', spec);
  }

  /** What both branches kept or one of them added. */
  private merged(ours: string, theirs: string, base: string): Set<number> {
    const [a, b, o] = [this.slots(ours), this.slots(theirs), this.slots(base)];
    const all = new Set([...a, ...b]);
    return new Set([...all].filter((slot) => !o.has(slot) || (a.has(slot) && b.has(slot))));
  }

  async step(): Promise<string> {
    const { rig, dice } = this;
    const here = rig.git('branch', '--show-current').trim();
    const other = dice.pick(BRANCHES.filter((name) => name !== here));
    const ours = this.head();
    const theirs = rig.git('rev-parse', other).trim();
    const base = rig.git('merge-base', here, other).trim();
    switch (dice.below(8)) {
      case 0:
      case 1: {
        const word = `${++this.word + 10}`;
        const spec = this.spec();
        this.write(dice.chance(0.5) ? { ...spec, agent: `word-${word}` } : { ...spec, run: `run-${word}` });
        await this.settle(this.slots(), this.commit);
        return `change on ${here}`;
      }
      case 2: {
        const slot = dice.below(SLOTS);
        rig.write({ 'b.txt': (rig.read('b.txt') ?? '').replace(`slot ${slot}\n`, `slot ${slot} edited\n`) });
        await rig.build({ accept: true, targets: ['f/T2'] });
        await this.settle(new Set([...this.slots(), slot]), this.commit);
        return `accept ${slot} on ${here}`;
      }
      case 3: {
        rig.git('checkout', '-q', other);
        await this.settle(this.slots(theirs), () => {});
        return `checkout ${other}`;
      }
      case 4: {
        this.tries('merge', '--no-commit', '--no-ff', other);
        this.decide();
        await this.settle(this.merged(ours, theirs, base), this.commit);
        return `merge ${other} into ${here}`;
      }
      case 5: {
        this.tries('merge', '--squash', other);
        this.decide();
        await this.settle(this.merged(ours, theirs, base), this.commit);
        return `squash ${other} into ${here}`;
      }
      case 6: {
        const picked = dice.chance(0.5)
          ? ['cherry-pick', '--no-commit', other]
          : ['revert', '--no-commit', 'HEAD'];
        const isMerge =
          rig
            .git('rev-list', '--parents', '-1', picked[2] as string)
            .trim()
            .split(' ').length > 2;
        if (isMerge) return 'nothing';
        if (
          rig
            .git('rev-list', '--parents', '-1', picked[2] as string)
            .trim()
            .split(' ').length < 2
        )
          return 'nothing';
        this.tries(...picked);
        this.decide();
        const parent = rig.git('rev-parse', `${picked[2]}^`).trim();
        const kept =
          picked[0] === 'revert'
            ? new Set([...this.slots()].filter((slot) => this.slots(parent).has(slot)))
            : this.merged(ours, theirs, parent);
        await this.settle(kept, this.commit);
        return `${picked.join(' ')} on ${here}`;
      }
      default: {
        // Each commit that stops is built before it goes on, as a person would do it.
        let isDone = this.tries('rebase', other);
        const wanted = this.merged(ours, theirs, base);
        for (let i = 0; !isDone && i < 20; i++) {
          this.decide();
          await rig.build();
          rig.git('add', '-A');
          isDone = this.tries('rebase', '--continue');
        }
        await this.settle(wanted, this.commit);
        return `rebase ${here} onto ${other}`;
      }
    }
  }
}

test(`branches that all build, from seed ${SEED}`, { timeout: 3_600_000 }, async () => {
  for (let seed = SEED; seed < SEED + STORIES; seed++) {
    await using rig = await createRig();
    const team = new Team(rig, new Dice(seed));
    team.write({ agent: 'word-1', run: 'run-1' });
    await team.settle(new Set(), team.commit);
    for (const name of BRANCHES.slice(1)) rig.git('branch', name);
    const steps: string[] = [];
    try {
      for (let i = 0; i < STEPS; i++) steps.push(await team.step());
    } catch (error) {
      throw new Error(`seed ${seed}, after: ${steps.join('; ')}`, { cause: error });
    }
  }
});
