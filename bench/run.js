// Measures what people wait for beside git and other build tools, as ratios within one run: this machine's noise falls
// out of them. Prints one table and, after a full run, writes it into docs/benchmarks.md.
//   npm run bench                       everything; takes an hour
//   npm run bench -- --quick            small sizes, within two minutes; writes no page
//   npm run bench -- --only nothing,edited --sizes 1000,10000
//   npm run bench -- agents 1 4         agent tasks only, with so many workers (default 1, 4 and 8)
//   npm run bench -- queue              tasks over a queue in Redis; needs redis-server
//   npm run bench -- fleet              a simulation of 1,000 workers and 100,000 tasks
//   npm run bench -- loops              what an accepted task costs, against a naive loop
// Cases: first nothing edited restored run tree load watch schedule
import { readFileSync, rmSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { measureAgents } from './agents.js';
import { measureFleet } from './fleet.js';
import { commit, renderSpecs } from './graphs.js';
import { measureLoops } from './loops.js';
import { CONDUCTOR, environment, run, shownMs, workFolder } from './measure.js';
import { machine, updatePage } from './page.js';
import { measureQueue } from './queue.js';
import { renderRows } from './render-case.js';
import { COLUMNS, count, row } from './rows.js';
import { runRows } from './run-case.js';
import { scheduleRow } from './schedule-case.js';
import { findTools } from './tools.js';
import { loadRow, treeRow } from './tree-case.js';
import { watchTimes } from './watch.js';

const CASES = ['first', 'nothing', 'edited', 'restored', 'run', 'tree', 'load', 'watch', 'schedule'];
const RENDER_CASES = ['first', 'nothing', 'edited', 'restored'];

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    sizes: { type: 'string' },
    rounds: { type: 'string' },
    'no-page': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (flags.help) printHelp();
else if (positionals[0] === 'agents') console.table(await measureAgents(positionals.slice(1).map(Number)));
else if (positionals[0] === 'queue') console.table(await measureQueue(positionals.slice(1).map(Number)));
else if (positionals[0] === 'fleet') console.table(await measureFleet());
else if (positionals[0] === 'loops') console.table(await measureLoops());
else await compare();

async function compare() {
  const parts = new Set(flags.only?.split(',') ?? CASES);
  for (const part of parts)
    if (!CASES.includes(part)) throw new Error(`no case is named ${part}: ${CASES.join(' ')}`);
  const sizes = (flags.sizes?.split(',') ?? (flags.quick ? [1000] : [1000, 10_000, 100_000])).map(Number);
  const rounds = Number(flags.rounds ?? (flags.quick ? 5 : 7));
  const few = Math.min(rounds, flags.quick ? 1 : 3);
  const load = [loadavg()[0]];
  const wanted = flags.quick ? ['ninja', 'make'] : ['ninja', 'make', 'wireit', 'turbo', 'newer node'];
  const tools = findTools(wanted);
  const rows = [];
  const measured = async (name, work) => {
    process.stderr.write(`bench: ${name}\n`);
    try {
      const made = await work();
      rows.push(...(Array.isArray(made) ? made : [made]));
    } catch (error) {
      // One case that cannot be measured takes no other with it; the table says so.
      rows.push(
        row({
          name,
          shown: 'fails',
          beside: String(error.message).split('\n').slice(0, 2).join(' ').slice(0, 160),
        }),
      );
      process.stderr.write(`${error.message}\n`);
      process.exitCode = 1;
    }
  };
  if (RENDER_CASES.some((name) => parts.has(name)))
    for (const size of sizes)
      await measured(`${count(size)} render tasks`, () => renderRows(size, { parts, tools, rounds }));
  if (parts.has('run')) {
    const size = flags.quick ? 100 : 1000;
    await measured('`run` tasks', () => runRows(size, { tools, rounds: few }));
  }
  if (parts.has('tree'))
    for (const files of flags.quick ? [2000] : [20_000, 100_000])
      await measured(`a task that sees ${count(files)} files`, () => treeRow(files, { rounds: few }));
  if (parts.has('load')) {
    const specs = flags.quick ? 1000 : 10_000;
    for (const files of [specs / 100, specs])
      await measured(`load of ${count(files)} files`, () => loadRow(specs, files, { rounds: few }));
  }
  if (parts.has('watch')) await measured('watch', () => watchRow(flags.quick ? 1000 : 10_000));
  if (parts.has('schedule'))
    await measured('agent tasks', () => (flags.quick ? scheduleRow(16, 8, 1) : scheduleRow(64, 16, 2)));
  load.push(loadavg()[0]);
  console.log(`${machine(tools, load)}\n`);
  console.log(
    [
      `| ${COLUMNS.join(' | ')} |`,
      ...rows.map((one) => `| ${COLUMNS.map((name) => one[name]).join(' | ')} |`),
    ].join('\n'),
  );
  if (!flags.quick && !flags['no-page']) updatePage(rows, tools, load);
}

async function watchRow(tasks) {
  const folder = workFolder('watch');
  try {
    const { project, home } = folder;
    const env = environment(home);
    renderSpecs(project, tasks);
    commit(project, env);
    run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
    const { median, best } = await watchTimes(CONDUCTOR, project, env);
    return row({
      name: `watch, ${count(tasks)} tasks: a spec saved until the first task starts`,
      ms: median.started,
      beside: `read ${shownMs(median.read)}, planned ${shownMs(median.planned)}; least disturbed ${shownMs(best.started)}`,
      goal: tasks === 10_000 ? '150 ms' : undefined,
      met: median.started <= 150,
    });
  } finally {
    rmSync(folder.root, { recursive: true, force: true });
  }
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
