// Measures what an accepted task costs in conductor's loop (fresh sessions, bounded evidence, bounded attempts) against the
// naive loop (one session, the failure appended, until it is green), for the same hundred tasks with the same luck.
//   npm run bench -- loops
//
// conductor's loop is conductor itself: its engine, its prompts, its evidence, real gates. The model is not: a scripted
// agent writes what passes or what does not, by a seeded draw, and its tokens are reckoned as below. The naive loop is
// reckoned by the same rules from the same draws.
import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createJiti } from 'jiti';
import { temporaryFolder } from './measure.js';

const SEED = 20260131;
const load = (path) => createJiti(import.meta.url).import(`../src/${path}`);
const PROMPTS = fileURLToPath(new URL('../prompts/', import.meta.url));

/**
 * Tasks of one kind, and how often an attempt at one fails: in a fresh session, and in a session that goes on from its
 * own failure. The last kind cannot be made from its spec: only a better spec can.
 */
const KINDS = [
  { name: 'plain', tasks: 60, fresh: 0.2, same: 0.2 },
  { name: 'hard', tasks: 25, fresh: 0.5, same: 0.5 },
  { name: 'misread', tasks: 10, fresh: 0.5, same: 0.8, first: 1 },
  { name: 'wrong spec', tasks: 5, fresh: 1, same: 1 },
];

/** Tokens: what stands before every prompt, what a step adds, and how many steps an attempt takes. */
const SYSTEM = 8_000;
const STEP_IN = 1_500;
const STEP_OUT = 300;
const STEPS = 12;
/** A session that goes on has read the files already. */
const STEPS_ON = 8;
/** A new session that finds the files of the attempt before: it reads them, and writes less. */
const STEPS_KEPT = 10;
/** The output of a failed gate, which the naive loop appends as it is. */
const FAILURE = 4_000;
/** The naive loop ends when its session does not fit into the model any more, or by this many rounds. */
const WINDOW = 200_000;
const ROUNDS = 10;
const BYTES_PER_TOKEN = 4;
/** Dollars for a million tokens; the cache as the large providers have it. */
const PRICE = { input: 3, output: 15, cached: 0.3, write: 3.75 };

const TASKS = KINDS.flatMap((kind) => Array.from({ length: kind.tasks }, () => kind)).map((kind, i) => ({
  id: `T${String(i + 1).padStart(3, '0')}`,
  kind,
}));

/** A number from 0 to 1 for an attempt at a task: the same in both loops, and in every run of the bench. */
function luck(id, attempt) {
  let state = SEED;
  for (const character of `${id} ${attempt}`) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193);
  state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  state = Math.imul(state ^ (state >>> 12), 0x297a2d39);
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
}

function fails({ id, kind }, attempt, loop) {
  const rate = attempt === 1 ? (kind.first ?? kind.fresh) : kind[loop];
  return luck(id, attempt) < rate;
}

/** What steps on top of a context use: each sends all that was said before, and adds to it. */
function work(context, steps, isWarm, cache) {
  let [tokensIn, cached, size] = [0, 0, context];
  for (let step = 0; step < steps; step++) {
    // A provider keeps what begins alike, also of other sessions: the text before every prompt.
    const shared = isWarm ? size - FAILURE : SYSTEM;
    const known = step > 0 ? size - (STEP_IN + STEP_OUT) : shared;
    tokensIn += cache ? size - known : size;
    cached += cache ? known : 0;
    size += STEP_IN + STEP_OUT;
  }
  const tokensOut = steps * STEP_OUT;
  const usd =
    tokensIn * (cache ? PRICE.write : PRICE.input) + cached * PRICE.cached + tokensOut * PRICE.output;
  return { size, usage: { tokensIn, tokensOut, tokensCached: cached, costUsd: usd / 1e6 } };
}

/** One session until its gate is green, it does not fit any more, or nobody would wait for it any longer. */
function naive(task, promptTokens, { cache, rates }) {
  let [context, costUsd] = [SYSTEM + promptTokens, 0];
  for (let round = 1; round <= ROUNDS && context < WINDOW; round++) {
    const { size, usage } = work(context, round === 1 ? STEPS : STEPS_ON, round > 1, cache);
    costUsd += usage.costUsd;
    if (!fails(task, round, rates)) return { accepted: 1, costUsd };
    context = size + FAILURE;
  }
  return { accepted: 0, costUsd };
}

/** A build of all tasks by conductor: by task the tokens of each prompt that its agent was given, and how it ended. */
async function conductor(attempts) {
  const [{ build }, { PLAIN_BUILD }, { ScriptedAgent }, { resolveConfig }, local] = await Promise.all([
    load('build/build.ts'),
    load('build/options.ts'),
    load('agent/scripted-agent.ts'),
    load('model/config.ts'),
    load('execution/open-local-executor.ts'),
  ]);
  const root = temporaryFolder('loops');
  const directory = join(root, 'project');
  try {
    writeProject(directory);
    const ends = new Map(TASKS.map(({ id }) => [id, { sessions: [], accepted: 0 }]));
    class Agent extends ScriptedAgent {
      async run({ label, attempt, prompt, cwd }) {
        const task = TASKS.find(({ id }) => label === `work/${id}`);
        const promptTokens = Math.ceil(Buffer.byteLength(prompt) / BYTES_PER_TOKEN);
        if (!task) throw new Error(`${label} is no task of this bench`);
        const hasFiles = existsSync(join(cwd, `out/${task.id}.txt`));
        const one = { promptTokens, steps: hasFiles ? STEPS_KEPT : STEPS };
        ends.get(task.id).sessions.push(one);
        mkdirSync(join(cwd, 'out'), { recursive: true });
        const text = fails(task, attempt, 'fresh') ? `bad ${attempt}` : 'good';
        writeFileSync(join(cwd, `out/${task.id}.txt`), `${text}\n`);
        return { kind: 'finished', usage: session(one, false) };
      }
    }
    const agent = new Agent();
    const prompts = readdirSync(PROMPTS, { recursive: true }).filter((name) => name.endsWith('.md'));
    const config = resolveConfig({ sandbox: 'off', workers: 4, attempts, rebase: 'off' }, 4);
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    const host = {
      directory,
      env: { PATH: process.env.PATH, HOME: root },
      cacheDir: join(root, 'cache'),
      version: '0.0.0',
      pid: process.pid,
      now: Date.now,
      loadConfig: async () => ({ ok: true, value: { config, environment: [] } }),
      createAgent: async () => ({ ok: true, value: agent }),
      createExecutor: (parts) => local.openLocalExecutor(host, parts),
      shippedPrompts: async () =>
        new Map(prompts.map((name) => [name, readFileSync(join(PROMPTS, name), 'utf8')])),
    };
    const summary = await build(
      host,
      PLAIN_BUILD,
      (event) => {
        if (event.type !== 'task.finished') return;
        ends.get(event.task.split('/')[1]).accepted = event.outcome === 'built' ? 1 : 0;
      },
      stop.signal,
    );
    const counted = TASKS.reduce((sum, { id }) => sum + costOf(ends.get(id), false), 0);
    if (Math.abs(counted - summary.usage.costUsd) > 1e-6) throw new Error('the build counts otherwise');
    return ends;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function writeProject(directory) {
  const lines = TASKS.flatMap(({ id }) => [
    `  - id: ${id}`,
    `    title: Part ${id}`,
    `    description: Write out/${id}.txt as the page says, with every case that it names.`,
    '    acceptance: ["it holds what the page asks for"]',
    '    inputs: []',
    `    outputs: [out/${id}.txt]`,
    // A failed gate prints some hundred lines, as test runners do.
    `    verify: ["grep -q good out/${id}.txt || { seq 1 400 | sed 's/^/at line of the failing test /'; exit 1; }"]`,
  ]);
  const backlog = join(directory, 'specs/work/BACKLOG.yaml');
  mkdirSync(dirname(backlog), { recursive: true });
  writeFileSync(backlog, `tasks:\n${lines.join('\n')}\n`);
  execFileSync('git', ['init', '-q', directory]);
}

/** What one session of conductor's uses: each begins with its prompt alone. */
function session({ promptTokens, steps }, cache) {
  return work(SYSTEM + promptTokens, steps, false, cache).usage;
}

function costOf({ sessions }, cache) {
  return sessions.reduce((sum, one) => sum + session(one, cache).costUsd, 0);
}

/** A row for each set of assumptions. */
export async function measureLoops() {
  // As conductor is by default, and with so many attempts that it gives up about as seldom as the naive loop.
  const byAttempts = new Map([
    [2, await conductor(2)],
    [5, await conductor(5)],
  ]);
  const sets = [
    { name: 'as assumed', cache: false, rates: 'same' },
    { name: 'five attempts, not two', cache: false, rates: 'same', attempts: 5 },
    { name: 'with a prompt cache', cache: true, rates: 'same' },
    { name: 'going on is as good as fresh', cache: false, rates: 'fresh' },
    { name: 'every spec can be met', cache: false, rates: 'same', without: 'wrong spec' },
    { name: 'the last three together', cache: true, rates: 'fresh', without: 'wrong spec' },
  ];
  return sets.map((set) => {
    const tasks = TASKS.filter(({ kind }) => kind.name !== set.without);
    const ends = byAttempts.get(set.attempts ?? 2);
    const theirs = total(tasks.map((task) => naive(task, ends.get(task.id).sessions[0].promptTokens, set)));
    const own = total(
      tasks.map(({ id }) => ({
        accepted: ends.get(id).accepted,
        costUsd: costOf(ends.get(id), set.cache),
      })),
    );
    const first = total(
      tasks.map(({ id }) => {
        const [session] = ends.get(id).sessions;
        return { accepted: ends.get(id).accepted, costUsd: costOf({ sessions: [session] }, set.cache) };
      }),
    );
    const ratio = ({ costUsd, accepted }) =>
      (costUsd / accepted / (theirs.costUsd / theirs.accepted)).toFixed(2);
    return {
      assumptions: set.name,
      'naive: accepted': `${theirs.accepted} of ${tasks.length}`,
      'naive: $ each': (theirs.costUsd / theirs.accepted).toFixed(2),
      'conductor: accepted': `${own.accepted} of ${tasks.length}`,
      'conductor: $ each': (own.costUsd / own.accepted).toFixed(2),
      ratio: ratio(own),
      // What would remain if every further attempt were free.
      'first attempts alone': ratio(first),
    };
  });
}

function total(all) {
  const sum = (key) => all.reduce((count, one) => count + one[key], 0);
  return { accepted: sum('accepted'), costUsd: sum('costUsd') };
}
