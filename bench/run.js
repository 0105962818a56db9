// Measures what people wait for, as ratios to git's own work in the same run: this machine's noise falls out of them.
//   npm run bench                  default sizes
//   npm run bench -- 10000         that many tasks
//   npm run bench -- agents 1 4    agent tasks only, with so many workers (default 1, 4 and 8)
//   npm run bench -- loops         what an accepted task costs, against a naive loop
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureAgents } from './agents.js';
import { measureLoops } from './loops.js';
import { watchTimes } from './watch.js';

const CONDUCTOR = fileURLToPath(new URL('../bin/conductor.js', import.meta.url));
const words = process.argv.slice(2);
const sizes = words.filter((word) => word !== 'agents' && word !== 'loops').map(Number);
const onlyAgents = words.includes('agents');
const onlyLoops = words.includes('loops');
const ROUNDS = 7;

function run(program, args, cwd, expected = 0) {
  try {
    return execFileSync(program, args, {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: environment(cwd),
    });
  } catch (error) {
    if (error.status === expected) return error.stdout;
    throw new Error(`${program} ${args.join(' ')}: ${error.stdout}\n${error.stderr}`);
  }
}

function environment(cwd) {
  return {
    PATH: process.env.PATH,
    HOME: join(cwd, '..'),
    XDG_CACHE_HOME: join(cwd, '..', 'cache'),
    LANG: 'C.UTF-8',
  };
}

function milliseconds(work) {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(work) {
  const times = Array.from({ length: ROUNDS }, () => milliseconds(work)).sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}

/** `tasks` render tasks in features of 100; each needs the one before it in groups of ten. */
function project(folder, tasks, files) {
  mkdirSync(join(folder, 'templates'), { recursive: true });
  writeFileSync(join(folder, 'templates', 'part.js.hbs'), 'export const {{name}} = {{value}};\n');
  for (let start = 0; start < tasks; start += 100) {
    const feature = join(folder, 'specs', `feature-${String(start / 100).padStart(4, '0')}`);
    mkdirSync(feature, { recursive: true });
    const lines = ['tasks:'];
    for (let i = start; i < Math.min(tasks, start + 100); i++) {
      lines.push(`  - id: T${i}`, `    title: Part ${i}`, '    inputs: []');
      if (i % 10 !== 0) lines.push(`    depends_on: [T${i - 1}]`);
      lines.push(
        `    render: [{ template: part.js.hbs, to: out/${Math.floor(i / 100)}/part${i}.js, with: { name: part${i}, value: ${i} } }]`,
      );
    }
    writeFileSync(join(feature, 'BACKLOG.yaml'), `${lines.join('\n')}\n`);
  }
  for (let i = 0; i < files; i++) {
    const inside = join(folder, 'src', String(i % 100));
    mkdirSync(inside, { recursive: true });
    writeFileSync(join(inside, `file${i}.ts`), `export const value${i} = ${i};\n`);
  }
  run('git', ['init', '-q'], folder);
  run('git', ['add', '-A'], folder);
  run('git', ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', 'commit', '-qm', 'start'], folder);
}

const rows = [];
for (const tasks of onlyAgents || onlyLoops ? [] : sizes.length > 0 ? sizes : [100, 1000]) {
  const root = mkdtempSync(join(tmpdir(), 'conductor-bench-'));
  const folder = join(root, 'project');
  try {
    const files = tasks * 2;
    project(folder, tasks, files);
    const conductor = (...args) => run(process.execPath, [CONDUCTOR, ...args], folder);
    const first = milliseconds(() => conductor('build'));
    const status = median(() => run('git', ['status', '--porcelain'], folder));
    const node = median(() => run(process.execPath, ['-e', '0'], folder));
    const nothing = median(() => conductor('build'));
    const spec = join(folder, 'specs', 'feature-0000', 'BACKLOG.yaml');
    const text = execFileSync('cat', [spec], { encoding: 'utf8' });
    let round = 0;
    const edited = median(() => {
      writeFileSync(spec, text.replace('value: 0 }', `value: ${1_000_000 + round++} }`));
      conductor('build');
    });
    const watched = await watchTimes(CONDUCTOR, folder, environment(folder));
    rmSync(join(folder, 'out'), { recursive: true });
    const restored = milliseconds(() => conductor('build'));
    rows.push({
      tasks,
      files,
      'first build': ms(first),
      'nothing to do': ms(nothing),
      '÷ (node + git status)': (nothing / (node + status)).toFixed(2),
      'one spec edited': ms(edited),
      'watch: saved → read → planned → first start': steps(watched.median),
      'least disturbed': steps(watched.best),
      'all restored': ms(restored),
      'git status': ms(status),
      'node start': ms(node),
    });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
if (rows.length > 0) console.table(rows);
if (onlyAgents || words.length === 0) console.table(await measureAgents(onlyAgents ? sizes : []));
if (onlyLoops || words.length === 0) console.table(await measureLoops());

function steps({ read, planned, started }) {
  return [read, planned, started].map(ms).join(' → ');
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}
