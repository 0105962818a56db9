/** The commands that are tortured and the states that they start from. Knows no fault. */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Dice } from '../rig/random-project.js';
import { type Machine, runWithFault } from './library.js';
import { write, writeProject, writeSpecs } from './project.js';

export type Fixture = 'new' | 'built' | 'shared' | 'lost';

export interface Scenario {
  readonly name: string;
  readonly fixture: Fixture;
  readonly args: readonly string[];
  /** What a person does before. */
  prepare?(machine: Machine, dice: Dice): void;
  /** Builds when it succeeds: then its outputs are right at once. */
  readonly builds?: boolean;
  /** A person's edit of `out/one/b.txt`, which is never lost. */
  readonly edit?: string;
  readonly commits?: boolean;
}

const changeInput = ({ project }: Machine, dice: Dice) =>
  write(project, 'in/a.txt', `a-${100 + dice.below(1000)}\n`);

export const SCENARIOS: readonly Scenario[] = [
  { name: 'first build', fixture: 'new', args: ['build', '--json'], builds: true },
  {
    name: 'build',
    fixture: 'built',
    args: ['build', '--json'],
    builds: true,
    prepare(machine, dice) {
      changeInput(machine, dice);
      if (dice.chance(0.5)) writeSpecs(machine.project, 'word-3');
    },
  },
  {
    name: 'restore',
    fixture: 'built',
    args: ['build', '--json'],
    builds: true,
    prepare: ({ project }) => rmSync(join(project, 'out'), { recursive: true }),
  },
  {
    name: 'publish',
    fixture: 'built',
    args: ['build', '--json'],
    builds: true,
    prepare({ project }) {
      // Everything changes, and every result is in the store; one feature goes.
      write(project, 'in/a.txt', 'a-1\n');
      writeSpecs(project, 'word-1');
      rmSync(join(project, 'specs/two/BACKLOG.yaml'));
    },
  },
  { name: 'gc', fixture: 'built', args: ['gc', '--keep-days', '90'] },
  { name: 'push', fixture: 'shared', args: ['cache', 'push'] },
  { name: 'pull', fixture: 'lost', args: ['cache', 'pull'] },
  {
    name: 'accept',
    fixture: 'built',
    args: ['accept', 'one/T2', '--json'],
    edit: 'edited by a person\n',
    prepare: ({ project }) => write(project, 'out/one/b.txt', 'edited by a person\n'),
  },
  { name: 'checkout', fixture: 'built', args: ['checkout', 'one@1.0.0'] },
  {
    name: 'commit',
    fixture: 'built',
    args: ['build', '--commit', '--json'],
    builds: true,
    commits: true,
    prepare(machine, dice) {
      changeInput(machine, dice);
      gitIn(machine, 'commit', '-qam', 'input');
    },
  },
];

export function gitIn({ project, home }: Machine, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: project,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const NONE = { at: 0, action: 0, kinds: 0, sticky: false };

/** Makes the state once and keeps a copy; afterwards the copy is put in place. Paths are part of the state. */
export async function setFixture(machine: Machine, fixture: Fixture): Promise<void> {
  const kept = join(machine.scratch, `fixture-${fixture}`);
  rmSync(machine.root, { recursive: true, force: true });
  if (!existsSync(kept)) {
    await makeFixture(machine, fixture);
    cpSync(machine.root, kept, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    return;
  }
  cpSync(kept, machine.root, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

async function makeFixture(machine: Machine, fixture: Fixture): Promise<void> {
  const { project, home, root } = machine;
  for (const folder of [project, home, join(root, 'tmp')]) mkdirSync(folder, { recursive: true });
  const shares = fixture === 'shared' || fixture === 'lost';
  gitIn(machine, 'init', '-q', '-b', 'main');
  gitIn(machine, 'config', 'user.name', 'Ada');
  gitIn(machine, 'config', 'user.email', 'ada@example.org');
  const emptyRemote = () => {
    rmSync(join(root, 'remote.git'), { recursive: true, force: true });
    gitIn(machine, 'init', '-q', '--bare', join(root, 'remote.git'));
  };
  if (shares) emptyRemote();
  writeProject(project, shares);
  commit(machine, 'start');
  if (fixture === 'new') return;
  // Old enough for `gc` to remove what nothing names any more.
  await build(machine, 200);
  commit(machine, 'first');
  write(project, 'in/a.txt', 'a-2\n');
  writeSpecs(project, 'word-2');
  await build(machine, 0);
  commit(machine, 'second');
  if (fixture === 'shared') emptyRemote();
  if (fixture === 'lost') rmSync(join(project, '.git/conductor'), { recursive: true });
}

async function build(machine: Machine, daysEarlier: number): Promise<void> {
  const run = await runWithFault(machine, ['build'], NONE, daysEarlier);
  if (run.code !== 0) throw new Error(`the fixture cannot be built: ${run.stdout}${run.stderr}`);
}

function commit(machine: Machine, message: string): void {
  gitIn(machine, 'add', '-A');
  gitIn(machine, 'commit', '-q', '-m', message);
}
