/**
 * Random graphs whose recipes read everything that they can see: after any edit, an incremental build leaves what a clean
 * build leaves, and every gate has passed on exactly the tree on which a clean build runs it.
 */

import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { FactGatherer, type TaskFacts } from '../../analysis/facts.js';
import { ok } from '../../base/result.js';
import { build } from '../../build/build.js';
import { PLAIN_BUILD } from '../../build/options.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { manifestKey } from '../../model/action.js';
import { resolveConfig } from '../../model/config.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import { filesBelow, TemporaryProject } from '../rig/command-line.js';
import { Dice } from '../rig/random-project.js';
import { ReadingExecutor } from '../rig/reading-executor.js';
import {
  editGraph,
  type ReadingProject,
  type ReadingTask,
  readingBacklogs,
  readingProject,
  sharedFile,
  VARIABLES,
} from '../rig/reading-project.js';
import { shipped } from '../rig/rig.js';

/**
 * `TEST_SEED=… READING_PROJECTS=… READING_EDITS=… npx vitest run src/test/keys/readers` takes other walks, and more of them. Graphs that
 * know nothing of each other are in one project: one build of five is cheaper than five builds.
 */
const SEED = Number(process.env.TEST_SEED ?? 20261123);
const PROJECTS = Number(process.env.READING_PROJECTS ?? 1);
const GRAPHS = 10;
const EDITS = Number(process.env.READING_EDITS ?? 2);

class Place {
  readonly project = new TemporaryProject();
  readonly gated = new Set<string>();
  private env: Readonly<Record<string, string>> = {};
  private written = new Map<string, string>();

  /** Brings the hand-written part of the project to this state. Patches of the shared files stay, as in an editor. */
  show(wanted: ReadingProject): void {
    const files = new Map([...wanted.files, ...readingBacklogs(wanted)]);
    for (const [path, text] of files) {
      const before = this.written.get(path);
      if (before === text) continue;
      const isShared = path.endsWith('/app.txt') && before !== undefined;
      const now = isShared
        ? this.project.read(path).replace(/^head .*$/m, text.split('\n', 1)[0] ?? '')
        : text;
      this.project.write(path, now);
    }
    this.written = files;
    this.env = wanted.env;
  }

  async build(): Promise<{ readonly summary: BuildSummary; readonly events: readonly BuildEvent[] }> {
    const events: BuildEvent[] = [];
    const { signal } = new AbortController();
    // All tasks that are ready wait for it.
    setMaxListeners(0, signal);
    const summary = await build(this.host(), PLAIN_BUILD, (event) => events.push(event), signal);
    return { summary, events };
  }

  tree(): Record<string, string> {
    const files = filesBelow(this.project.dir, ['.git', '.conductor']);
    return Object.fromEntries(Object.entries(files).filter(([path]) => !path.endsWith('.metadata.json')));
  }

  private host(): ExecutionHost {
    const env = { PATH: process.env.PATH, HOME: this.project.home, ...this.env };
    // A former result that only gates have accepted is no result of today's inputs.
    const config = resolveConfig({ env: VARIABLES, sandbox: 'off', reverify: false }, 2);
    return {
      directory: this.project.dir,
      env,
      cacheDir: join(this.project.root, 'cache'),
      version: '0.0.0-test',
      pid: process.pid,
      now: Date.now,
      loadConfig: async () => ok({ config, environment: [] }),
      createAgent: async () => ok(new ScriptedAgent({ tripwire: true })),
      createExecutor: async (parts) => ok(new ReadingExecutor(parts, () => this.env, this.gated)),
      shippedPrompts: async () => shipped('prompts'),
    };
  }
}

const places: Place[] = [];
function newPlace(): Place {
  const place = new Place();
  places.push(place);
  return place;
}

afterEach(() => {
  vi.restoreAllMocks();
  for (const place of places.splice(0)) place.project.dispose();
});

async function built(place: Place, state: ReadingProject): Promise<void> {
  place.show(state);
  const { summary, events } = await place.build();
  const failures = events.filter((event) => event.type === 'build.failure' || 'failure' in event);
  expect({ exit: summary.exitCode, failures }).toEqual({ exit: 0, failures: [] });
}

/** Builds the state incrementally and in a clean place: both must leave the same, and gates must have run on the same. */
async function compare(place: Place, state: ReadingProject): Promise<void> {
  await built(place, state);
  const clean = newPlace();
  await built(clean, state);
  expect(place.tree(), 'as a clean build').toEqual(clean.tree());
  // A task may be judged before another one has patched its file: what counts is the tree that was judged last.
  const last = new Map([...clean.gated].map((one) => [one.split(' ')[0], one]));
  const missed = [...last.values()].filter((one) => !place.gated.has(one));
  expect(missed, 'gates pass on exactly what they can see').toEqual([]);
  clean.project.dispose();
}

/** One project through some edits of every graph. */
async function walk(seed: number): Promise<void> {
  const dice = new Dice(seed);
  const place = newPlace();
  let state = readingProject(dice, GRAPHS, dice.chance(0.5));
  const told: string[] = [];
  try {
    await built(place, state);
    for (let step = 0; step < EDITS; step++) {
      // A recipe that sees all that people wrote is stale after each edit of a file: some steps spare it that.
      const inSpecs = dice.chance(0.5);
      for (const graph of state.graphs.keys()) {
        const edited = editGraph(state, graph, { dice, inSpecs });
        state = edited.project;
        told.push(edited.name);
      }
      await compare(place, state);
    }
  } catch (error) {
    if (error instanceof Error) error.message = `TEST_SEED=${seed}: ${told.join(', ')}\n${error.message}`;
    throw error;
  } finally {
    place.project.dispose();
  }
}

test('after any edit, what a build leaves is what a clean build leaves', { timeout: 600_000 }, async () => {
  for (let n = 0; n < PROJECTS; n++) await walk(SEED + n);
});

const PLAIN: Omit<ReadingTask, 'id'> = {
  kind: 'run',
  inputs: [],
  needs: [],
  word: 0,
  coarse: false,
  narrow: false,
  gate: 'none',
  patches: false,
};
/** The middle one often comes out as it was: then nothing but the last one's own key tells that it is stale. */
const chain = (first: Partial<ReadingTask>, last: Partial<ReadingTask>): ReadingTask[] => [
  { ...PLAIN, id: 'T1', ...first },
  { ...PLAIN, id: 'T2', needs: ['T1'], coarse: true, narrow: true },
  { ...PLAIN, id: 'T3', needs: ['T2'], ...last },
];
const withoutItems = (start: string) => (facts: TaskFacts) => {
  const manifest = facts.manifest.filter(({ name }) => !name.startsWith(start));
  return { ...facts, manifest, key: manifestKey(manifest) };
};
const otherWord = (state: ReadingProject, n: number): ReadingProject => {
  const [first, ...rest] = state.graphs.get('g1') as [ReadingTask, ...ReadingTask[]];
  return { ...state, graphs: new Map([['g1', [{ ...first, word: n }, ...rest]]]) };
};

test.each<
  [
    string,
    ReadingTask[],
    (state: ReadingProject, n: number) => ReadingProject,
    (facts: TaskFacts) => TaskFacts,
  ]
>([
  [
    'a key without all files of dependencies',
    chain({}, { inputs: undefined }),
    otherWord,
    withoutItems('all files of dependency '),
  ],
  [
    'a key without patches of indirect dependencies',
    chain({ patches: true }, { inputs: [sharedFile('g1')] }),
    otherWord,
    withoutItems('patches of '),
  ],
  [
    'a key without values of variables',
    chain({}, {}),
    (state, n) => ({ ...state, env: { ...state.env, STAGE: String(n) } }),
    withoutItems('the value of env '),
  ],
  [
    'a key of gates without what they can read',
    chain({}, { gate: 'whole' }),
    otherWord,
    (facts: TaskFacts) => ({ ...facts, facts: { ...facts.facts, gateReads: undefined } }),
  ],
])('%s is caught', { timeout: 120_000 }, async (_name, tasks, edit, wrong) => {
  const gather = FactGatherer.prototype.gather;
  vi.spyOn(FactGatherer.prototype, 'gather').mockImplementation(async function (
    this: FactGatherer,
    task,
    dependencyOutputs,
  ) {
    const gathered = await gather.call(this, task, dependencyOutputs);
    return gathered.ok ? ok(wrong(gathered.value)) : gathered;
  });
  const place = newPlace();
  const state = { ...readingProject(new Dice(1), 1, false), graphs: new Map([['g1', tasks]]) };
  const check = async () => {
    for (let n = 0; n < 8; n++) await compare(place, edit(state, n));
  };
  await expect(check()).rejects.toThrow(/as a clean build|gates pass on exactly/);
});
