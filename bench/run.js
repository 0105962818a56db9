// Measures what people wait for beside git and other build tools, as ratios within one run: this machine's noise falls
// out of them. Prints one table, and writes each row into docs/benchmarks.md as soon as it is measured.
//   npm run bench                       everything; takes an hour
//   npm run bench -- --quick            small sizes, within two minutes; writes no page
//   npm run bench -- edited load        these cases only; their rows of the page are replaced
//   npm run bench -- nothing --sizes 1000,10000 --rounds 3 --no-page
//   npm run bench -- nothing --tools ninja,make
//   npm run bench -- agents 1 4         agent tasks only, with so many workers
//   npm run bench -- queue              tasks over a queue in Redis; needs redis-server
//   npm run bench -- fleet              a simulation of 1,000 workers and 100,000 tasks
//   npm run bench -- loops              what an accepted task costs, against a naive loop
// Cases: first nothing edited restored run tree load watch agents schedule; scale is the first four with 100,000 tasks
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { agentRow, measureAgents } from './agents.js';
import { measureFleet } from './fleet.js';
import { measureLoops } from './loops.js';
import { endWithin, secondsLeft, TimeIsOver } from './measure.js';
import { machine, tableOf, updatePage } from './page.js';
import { measureQueue } from './queue.js';
import { renderRows } from './render-case.js';
import { count, row } from './rows.js';
import { runRows } from './run-case.js';
import { scheduleRow } from './schedule-case.js';
import { findTools } from './tools.js';
import { loadRow, treeRows } from './tree-case.js';
import { watchRow } from './watch.js';

const RENDER_CASES = ['first', 'nothing', 'edited', 'restored'];
const CASES = [...RENDER_CASES, 'run', 'tree', 'load', 'watch', 'agents', 'schedule', 'scale'];
const TOOLS = ['ninja', 'make', 'wireit', 'turbo', 'newer node'];
const SCALE = 100_000;
/** Of the two minutes of a quick run, so that the files of what is given up can be removed. */
const QUICK_SECONDS = 100;
/** What cannot be ended in between is begun only while there is so much time. */
const AGENT_SECONDS = 40;
const WATCH_SECONDS = 20;

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    sizes: { type: 'string' },
    rounds: { type: 'string' },
    tools: { type: 'string' },
    'no-page': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [first, ...numbers] = positionals;
const OTHERS = {
  queue: () => measureQueue(numbers),
  fleet: measureFleet,
  loops: measureLoops,
};

if (flags.help) printHelp();
else if (first in OTHERS) await told(OTHERS[first]);
else if (first === 'agents' && /^\d+$/.test(numbers[0])) await told(() => measureAgents(numbers.map(Number)));
else await compare();

/** Prints a table of its own, or the one sentence on why there is none. */
async function told(measure) {
  try {
    console.table(await measure());
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n`);
    process.exitCode = 1;
  }
}

async function compare() {
  for (const name of positionals)
    if (!CASES.includes(name)) throw new Error(`no case is named ${name}: ${CASES.join(' ')}`);
  if (flags.quick) endWithin(QUICK_SECONDS);
  const load = [loadavg()[0]];
  const named = flags.tools === 'none' ? [] : flags.tools?.split(',').filter(Boolean);
  for (const name of named ?? [])
    if (!TOOLS.includes(name)) throw new Error(`no tool is named ${name}: ${TOOLS.join(', ')}, or none`);
  const tools = findTools(named ?? (flags.quick ? TOOLS.slice(0, 2) : TOOLS));
  const rows = [];
  const measured = (made) => {
    rows.push(...made);
    // At once: a run that is stopped after an hour has not been for nothing.
    if (!flags.quick && !flags['no-page']) updatePage(made, tools, [...load, loadavg()[0]]);
  };
  for (const { name, work, seconds } of plan(tools)) {
    process.stderr.write(`bench: ${name}\n`);
    try {
      if (secondsLeft() < seconds) throw new TimeIsOver();
      measured([await work()].flat());
    } catch (error) {
      // One case that cannot be measured takes no other with it; the table says so, and the page keeps what it has.
      const isLate = error instanceof TimeIsOver;
      const beside = String(error.message).split('\n').slice(0, 2).join(' ').slice(0, 160);
      rows.push(isLate ? row({ name, beside }) : row({ name, shown: 'fails', beside }));
      if (isLate) continue;
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  }
  load.push(loadavg()[0]);
  console.log(`${machine(tools, load)}\n\n${tableOf(rows)}`);
}

/** What is to be measured, in its order. Each part makes one row or several. */
function plan(tools) {
  const { quick } = flags;
  const wanted = new Set(positionals.length > 0 ? positionals : CASES);
  const sizes = flags.sizes?.split(',').map(Number);
  const rounds = Number(flags.rounds ?? (quick ? 3 : 7));
  const few = Math.min(rounds, quick ? 1 : 3);
  const parts = [];
  const add = (name, work, seconds = 1) => parts.push({ name, work, seconds });
  const render = (tasks, cases) =>
    add(`${count(tasks)} render tasks`, () => renderRows(tasks, { cases, tools, rounds }));
  const renders = new Set(RENDER_CASES.filter((name) => wanted.has(name)));
  if (renders.size > 0) for (const tasks of sizes ?? (quick ? [200] : [1000, 10_000])) render(tasks, renders);
  if (wanted.has('run'))
    for (const tasks of sizes ?? [quick ? 30 : 1000])
      add(`${count(tasks)} \`run\` tasks`, () => runRows(tasks, { tools, rounds: few }));
  if (wanted.has('tree'))
    for (const files of sizes ?? (quick ? [2000] : [20_000, 100_000]))
      add(`a task that sees ${count(files)} files`, () => treeRows(files, { rounds: few }));
  if (wanted.has('load'))
    for (const specs of sizes ?? [quick ? 1000 : 10_000])
      for (const files of [Math.ceil(specs / 100), specs])
        add(`load of ${count(specs)} specs in ${count(files)} files`, () =>
          loadRow(specs, files, { rounds: few }),
        );
  if (wanted.has('watch'))
    for (const tasks of sizes ?? [quick ? 300 : 10_000])
      add(`watch of ${count(tasks)} tasks`, () => watchRow(tasks, { rounds }), WATCH_SECONDS);
  if (wanted.has('schedule'))
    add('agent tasks that wait', () => (quick ? scheduleRow(8, 8, 1) : scheduleRow(64, 16, 2)));
  // What may take longer than the rest comes last, so that a short run has measured everything else.
  if (wanted.has('agents')) add('agent tasks', () => agentRow(quick ? 2 : 8), AGENT_SECONDS);
  if (wanted.has('scale') && !quick) render(sizes?.[0] ?? SCALE, new Set(RENDER_CASES));
  return parts;
}

/** The comment at the top of this file. */
function printHelp() {
  const lines = readFileSync(new URL(import.meta.url), 'utf8').split('\n');
  const end = lines.findIndex((line) => !line.startsWith('//'));
  console.log(
    lines
      .slice(0, end)
      .map((line) => line.slice(3))
      .join('\n'),
  );
}
