/** One case: a state, a command, a fault, and then everything that conductor promises. */

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { compareBytes } from '../../base/order.js';
import { Dice } from '../rig/random-project.js';
import { errno, KIND, type Machine, MUTATIONS, type Run, runWithFault } from './library.js';
import { cutPower } from './power-cut.js';
import { expectedFiles, HAND, read } from './project.js';
import { gitIn, SCENARIOS, type Scenario, setFixture } from './scenarios.js';

export type FaultName = 'kill' | 'EIO' | 'ENOSPC' | 'EACCES' | 'EROFS' | 'EMFILE' | 'power cut' | 'corrupt';

export interface Case {
  readonly number: number;
  readonly scenario: Scenario;
  readonly fault: FaultName;
  /** What was done in detail, for the report. */
  readonly told: string;
  /** Empty: everything held. */
  readonly problems: readonly string[];
  readonly output: string;
  readonly happened: boolean;
}

/** Which operations an error can meet. */
const MEETS = {
  EIO: KIND.openWrite | KIND.write | KIND.rename | KIND.sync | KIND.openRead | KIND.read,
  ENOSPC: KIND.openWrite | KIND.write | KIND.rename | KIND.link | KIND.mkdir | KIND.sync,
  EACCES: KIND.openWrite | KIND.rename | KIND.unlink | KIND.link | KIND.mkdir | KIND.openRead | KIND.exec,
  EROFS: KIND.openWrite | KIND.rename | KIND.unlink | KIND.link | KIND.mkdir,
  EMFILE: KIND.openWrite | KIND.openRead,
} as const;

const ERRORS = Object.keys(MEETS) as (keyof typeof MEETS)[];

/** Operations that a command takes, by scenario and the bit of their kind: counted once. */
export type Counts = Map<string, readonly number[]>;

export async function runCase(
  machine: Machine,
  counts: Counts,
  seed: number,
  number: number,
  only?: { scenario?: string; fault?: string },
): Promise<Case> {
  const dice = new Dice((seed * 1_000_003 + number) >>> 0);
  const scenarios = SCENARIOS.filter((one) => only?.scenario === undefined || one.name === only.scenario);
  const scenario = dice.pick(scenarios.length > 0 ? scenarios : SCENARIOS);
  const rolled = dice.next();
  const drawn: FaultName =
    rolled < 0.4 ? 'kill' : rolled < 0.7 ? dice.pick(ERRORS) : rolled < 0.87 ? 'power cut' : 'corrupt';
  const fault = (only?.fault as FaultName | undefined) ?? drawn;
  const isError = fault !== 'kill' && fault !== 'power cut' && fault !== 'corrupt';
  const kinds = isError ? MEETS[fault] : MUTATIONS;
  const total = fault === 'corrupt' ? 0 : await totalOf(machine, counts, scenario, kinds);
  await setFixture(machine, scenario.fixture);
  scenario.prepare?.(machine, dice);
  const before = snapshotOf(machine);

  if (fault === 'corrupt') {
    const { told, path, how } = corrupt(machine, dice);
    const problems = how === 'folder' ? await moveAway(machine, path) : [];
    const after = await recover(machine, scenario, before, []);
    const { output } = after;
    const all = [...problems, ...after.problems];
    return { number, scenario, fault, told, problems: all, output, happened: true };
  }
  const atEnd = fault === 'power cut' && dice.chance(0.25);
  const at = atEnd ? 0 : 1 + dice.below(total);
  const action = isError ? errno(fault) : fault === 'kill' ? dice.pick([-1, -1, -2, -3]) : -1;
  const sticky = isError && dice.chance(0.5);
  const how = dice.pick(['emptied', 'dropped'] as const);
  const run = await runWithFault(machine, scenario.args, { at, action, kinds, sticky });
  const problems = judgeRun(machine, scenario, run, before, fault);
  const lost = fault === 'power cut' ? cutPower(run.trace, how) : [];
  const told = [
    `operation ${at} of ${total}`,
    ...(isError ? [sticky ? 'from then on' : 'once'] : []),
    ...(fault === 'kill' ? [{ '-1': 'all', '-2': 'the one', '-3': 'conductor' }[String(action)]] : []),
    ...(fault === 'power cut'
      ? [
          `${how}: ${lost
            .map((path) => path.slice(machine.root.length))
            .sort()
            .join(' ')}`,
        ]
      : []),
  ].join(', ');
  const after = await recover(machine, scenario, before, announced(run.stdout));
  const output = `$ ${scenario.args.join(' ')}\n${run.stdout}${run.stderr}\n${after.output}`;
  const happened = run.happened > 0 || at === 0;
  return { number, scenario, fault, told, problems: [...problems, ...after.problems], output, happened };
}

/** A run without a fault says how many operations there are to meet. */
async function totalOf(machine: Machine, counts: Counts, scenario: Scenario, kinds: number): Promise<number> {
  let known = counts.get(scenario.name);
  if (!known) {
    await setFixture(machine, scenario.fixture);
    scenario.prepare?.(machine, new Dice(1));
    const run = await runWithFault(machine, scenario.args, { at: 0, action: 0, kinds: 0, sticky: false });
    known = run.counts;
    counts.set(scenario.name, known);
  }
  return known.reduce((sum, count, bit) => sum + (kinds & (1 << bit) ? count : 0), 0);
}

interface Before {
  readonly hand: Readonly<Record<string, string | undefined>>;
  readonly head: string;
}

function snapshotOf(machine: Machine): Before {
  const hand = Object.fromEntries(HAND.map((path) => [path, read(machine.project, path)]));
  return { hand, head: gitIn(machine, 'rev-parse', 'HEAD').trim() };
}

/** What holds of the command itself, whatever happened to it. */
function judgeRun(
  machine: Machine,
  scenario: Scenario,
  run: Run,
  before: Before,
  fault: FaultName,
): string[] {
  const text = run.stdout + run.stderr;
  const problems: string[] = [];
  if (run.hung) problems.push('it hung');
  const killed = fault === 'kill' || fault === 'power cut';
  const codes: (number | null)[] = killed ? [0, 1, 2, 130, null] : [0, 1, 2];
  if (!run.hung && !codes.includes(run.code)) problems.push(`exit code ${run.code} ${run.signal ?? ''}`);
  problems.push(...judgeText(text));
  problems.push(...handProblems(machine, scenario, before));
  if (run.code === 0 && scenario.builds && fault !== 'kill' && fault !== 'power cut') {
    problems.push(...outputProblems(machine, scenario).map((one) => `exit code 0, and ${one}`));
  }
  return problems;
}

function judgeText(text: string): string[] {
  const bug = /.*(bug in conductor|\n\s+at .*\.js:\d+).*/.exec(text);
  return bug ? [`called a bug: ${text.slice(bug.index, bug.index + 500)}`] : [];
}

function handProblems(machine: Machine, scenario: Scenario, before: Before): string[] {
  const problems = HAND.filter((path) => read(machine.project, path) !== before.hand[path]).map(
    (path) => `a person's file changed: ${path}`,
  );
  const app = read(machine.project, 'app.txt');
  if (app === undefined || !/^first\nlast\n(T4\n)?$/.test(app)) {
    // A torn write that the next build completes; never anything but the beginning of what it is to be.
    if (!'first\nlast\nT4\n'.startsWith(app ?? '')) problems.push(`app.txt is ${JSON.stringify(app)}`);
  }
  if (scenario.edit !== undefined && read(machine.project, 'out/one/b.txt') !== scenario.edit)
    problems.push('the edit of a person is lost');
  return problems;
}

function outputProblems(machine: Machine, scenario: Scenario): string[] {
  return Object.entries(expectedFiles(machine.project, scenario.edit))
    .filter(([path, text]) => read(machine.project, path) !== text)
    .map(([path]) => `${path} is ${JSON.stringify(read(machine.project, path))}`);
}

const runsOf = ({ root }: Machine) =>
  existsSync(join(root, 'runs.txt'))
    ? readFileSync(join(root, 'runs.txt'), 'utf8').split('\n').filter(Boolean)
    : [];

/** Tasks that conductor said it had built. */
function announced(stdout: string): string[] {
  return stdout.split('\n').flatMap((line) => {
    if (!line.startsWith('{') || !line.endsWith('}')) return [];
    const event = JSON.parse(line) as { type?: string; task?: string; outcome?: string };
    return event.type === 'task.finished' && event.outcome === 'built' && event.task ? [event.task] : [];
  });
}

/** A plain build, and then everything holds. */
async function recover(
  machine: Machine,
  scenario: Scenario,
  before: Before,
  finished: readonly string[],
): Promise<{ problems: string[]; output: string }> {
  const problems: string[] = [];
  let output = '';
  const paid = runsOf(machine).length;
  const plain = async (args: readonly string[], codes: readonly number[]) => {
    const run = await runWithFault(machine, args, { at: 0, action: 0, kinds: 0, sticky: false });
    output += `$ ${args.join(' ')} (${run.code})\n${run.stdout}${run.stderr}\n`;
    if (run.hung) problems.push(`hung: ${args.join(' ')}`);
    if (!codes.includes(run.code ?? -1))
      problems.push(`afterwards, ${args.join(' ')} ended with ${run.code}`);
    problems.push(...judgeText(run.stdout + run.stderr).map((one) => `afterwards, ${one}`));
  };
  // A hand edit is a warning or a failure until it is accepted; it is never overwritten.
  await plain(['build'], scenario.edit === undefined ? [0] : [0, 1]);
  if (scenario.edit !== undefined) {
    problems.push(...handProblems(machine, scenario, before));
    await plain(['accept', 'one/T2'], [0]);
    await plain(['build'], [0]);
  }
  problems.push(...handProblems(machine, scenario, before), ...outputProblems(machine, scenario));
  for (const line of runsOf(machine).slice(paid)) {
    const label = line.slice(0, line.indexOf(' '));
    if (finished.includes(label)) problems.push(`announced, and run again: ${line}`);
  }
  problems.push(...repositoryProblems(machine, scenario, before), ...litter(machine));
  return { problems, output };
}

function repositoryProblems(machine: Machine, scenario: Scenario, before: Before): string[] {
  try {
    const head = gitIn(machine, 'rev-parse', 'HEAD').trim();
    if (!scenario.commits && head !== before.head) return ['HEAD moved'];
    gitIn(machine, 'status', '--porcelain');
    gitIn(machine, 'add', 'hand.txt');
    if (scenario.commits) gitIn(machine, 'fsck', '--connectivity-only', '--no-dangling');
    return [];
  } catch (error) {
    return [`the person's repository: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** A half-written pack or object of a killed git is swept after an hour, when no live git can be writing it. */
const LITTER = /\.lock$|\.tmp$|publish\.json$|recovery-index|conductor-tmp/;

function litter(machine: Machine): string[] {
  const folder = join(machine.project, '.git');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => LITTER.test(name)).map((name) => `left behind: .git/${name}`);
}

/** Something else in the place of a file: conductor builds, or names it, and a person moves it away. */
async function moveAway(machine: Machine, path: string): Promise<string[]> {
  const run = await runWithFault(machine, ['build'], { at: 0, action: 0, kinds: 0, sticky: false });
  const text = run.stdout + run.stderr;
  rmSync(path, { recursive: true, force: true });
  const isNamed = run.code === 0 || text.includes(path.slice(path.lastIndexOf('/') + 1));
  return [
    ...judgeText(text),
    ...(isNamed ? [] : [`it does not name what is in the way: ${text.slice(0, 300)}`]),
  ];
}

/** Damages one file of conductor's own. */
function corrupt(machine: Machine, dice: Dice): { told: string; path: string; how: string } {
  const folders = [join(machine.project, '.git/conductor'), join(machine.project, '.conductor')];
  const files = folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .map((name) => join(folder, name))
          .filter((path) => lstatSync(path).isFile())
          // Names of projects and of what killed commands left follow from paths, which differ from run to run.
          .sort((a, b) =>
            compareBytes(a.replace(/projects.[0-9a-f]{16}/, ''), b.replace(/projects.[0-9a-f]{16}/, '')),
          )
      : [],
  );
  if (files.length === 0) return { told: 'nothing to damage', path: '', how: 'none' };
  const path = dice.pick(files);
  const how = dice.pick(['empty', 'half', 'gone', 'bit', 'folder', 'garbage'] as const);
  const content = readFileSync(path);
  const told = `${how}: ${path.slice(machine.project.length + 1)}`;
  rmSync(path);
  if (how === 'gone') return { told, path, how };
  if (how === 'folder') {
    mkdirSync(path);
    return { told, path, how };
  }
  const changed = Buffer.from(content);
  if (how === 'bit' && changed.length > 0) {
    const at = dice.below(changed.length);
    changed[at] = (changed[at] as number) ^ (1 << dice.below(8));
  }
  if (how === 'garbage') changed.fill(0x07);
  writeFileSync(path, changed);
  if (how === 'empty') truncateSync(path, 0);
  if (how === 'half') truncateSync(path, content.length >> 1);
  return { told, path, how };
}
