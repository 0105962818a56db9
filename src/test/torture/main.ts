/** `npm run torture`: cases from a printed seed until their number or the time is reached. Replays single ones. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileLibrary, type Machine } from './library.js';
import { type Case, type Counts, runCase } from './torture-case.js';

export interface TortureOptions {
  readonly seed: number;
  /** The first case's number. */
  readonly from: number;
  readonly cases: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly scenario?: string;
  readonly fault?: string;
  /** The command line under test. */
  readonly bin: string;
  onCase?(one: Case): void;
}

/** Undefined where there is no compiler. */
export async function torture(options: TortureOptions): Promise<Case[] | undefined> {
  const library = compileLibrary();
  if (!library) return undefined;
  const base = mkdtempSync(join(tmpdir(), 'conductor-torture-'));
  const end = performance.now() + options.seconds * 1000;
  const done: Case[] = [];
  let next = options.from;
  const work = async (job: number) => {
    const root = join(base, `job-${job}`);
    const scratch = join(base, `scratch-${job}`);
    mkdirSync(scratch);
    const machine: Machine = {
      library: library.file,
      bin: options.bin,
      root,
      project: join(root, 'project'),
      home: join(root, 'home'),
      scratch,
    };
    const counts: Counts = new Map();
    while (next < options.from + options.cases && performance.now() < end) {
      const one = await runCase(machine, counts, options.seed, next++, options);
      done.push(one);
      options.onCase?.(one);
    }
  };
  try {
    await Promise.all(Array.from({ length: options.jobs }, (_, job) => work(job)));
  } finally {
    rmSync(base, { recursive: true, force: true, maxRetries: 3 });
    library.remove();
  }
  return done;
}

export const BIN = fileURLToPath(new URL('../../../bin/conductor.js', import.meta.url));

/** The command line of `npm run torture`; its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string' },
      from: { type: 'string', default: '0' },
      only: { type: 'string' },
      cases: { type: 'string' },
      seconds: { type: 'string', default: '3600' },
      jobs: { type: 'string', default: '1' },
      scenario: { type: 'string' },
      fault: { type: 'string' },
      bin: { type: 'string', default: BIN },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e6));
  const say = (text: string) => process.stdout.write(`${text}\n`);
  say(`seed ${seed}`);
  let [count, failed, missed] = [0, 0, 0];
  const cases = await torture({
    seed,
    from: Number(values.only ?? values.from),
    cases: values.only === undefined ? Number(values.cases ?? 1_000_000) : 1,
    seconds: Number(values.seconds),
    jobs: Number(values.jobs),
    bin: values.bin,
    ...(values.scenario === undefined ? {} : { scenario: values.scenario }),
    ...(values.fault === undefined ? {} : { fault: values.fault }),
    onCase(one) {
      count++;
      if (!one.happened) missed++;
      if (count % 100 === 0) say(`${count} cases, ${failed} failed, ${missed} without their fault`);
      if (one.problems.length === 0 && values.only === undefined) return;
      if (one.problems.length > 0) failed++;
      say(`\nCASE ${one.number} ${one.scenario.name} / ${one.fault} (${one.told})`);
      say(`replay: npm run torture -- --seed ${seed} --only ${one.number}`);
      for (const problem of one.problems) say(`  PROBLEM ${problem}`);
      if (values.only !== undefined) say(one.output);
    },
  });
  if (!cases) {
    say('skipped: no C compiler (cc), or not Linux');
    return 0;
  }
  const by = new Map<string, number>();
  for (const one of cases) {
    for (const name of [`command ${one.scenario.name}`, `fault ${one.fault}`])
      by.set(name, (by.get(name) ?? 0) + 1);
  }
  for (const [name, number] of [...by].sort()) say(`${name}: ${number}`);
  say(`${cases.length} cases, ${failed} failed, ${missed} without their fault`);
  return failed > 0 ? 1 : 0;
}
