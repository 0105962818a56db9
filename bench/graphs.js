// The same graph for each build tool: `tasks` tasks in groups of a hundred files; chains of ten, each task after the last.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from './measure.js';

const GROUP = 100;
const CHAIN = 10;

export const outputOf = (i) => `out/${Math.floor(i / GROUP)}/part${i}.txt`;
const inputOf = (i) => `in/${Math.floor(i / GROUP)}/part${i}.txt`;
const needs = (i) => i % CHAIN !== 0;
const numbers = (count) => Array.from({ length: count }, (_, i) => i);

export function write(folder, path, text) {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

export function commit(folder, env) {
  run('git', ['init', '-q'], { cwd: folder, env });
  run('git', ['add', '-A'], { cwd: folder, env });
  const who = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];
  run('git', [...who, 'commit', '-qm', 'start'], { cwd: folder, env });
}

export function writeInputs(folder, tasks) {
  for (const i of numbers(tasks)) write(folder, inputOf(i), `part ${i}\n`);
}

/** Specs of tasks that render a template each: conductor's own work and nothing else. */
export function renderSpecs(folder, tasks) {
  write(folder, 'templates/part.txt.hbs', 'part {{value}}\n');
  backlogs(folder, tasks, (i) => [
    '    inputs: []',
    `    render: [{ template: part.txt.hbs, to: ${outputOf(i)}, with: { value: ${i} } }]`,
  ]);
}

/** Specs of tasks that copy a file each, with their input declared. */
export function runSpecs(folder, tasks, config) {
  writeInputs(folder, tasks);
  write(folder, 'conductor.config.mjs', `export default ${JSON.stringify(config)};\n`);
  backlogs(folder, tasks, (i) => [
    `    inputs: [${inputOf(i)}]`,
    `    outputs: [${outputOf(i)}]`,
    `    run: cp ${inputOf(i)} ${outputOf(i)}`,
  ]);
}

export const firstBacklog = 'specs/feature-0000/BACKLOG.yaml';

function backlogs(folder, tasks, recipe) {
  for (let first = 0; first < tasks; first += GROUP) {
    const lines = ['tasks:'];
    for (let i = first; i < Math.min(tasks, first + GROUP); i++) {
      lines.push(`  - id: T${i}`, `    title: Part ${i}`);
      if (needs(i)) lines.push(`    depends_on: [T${i - 1}]`);
      lines.push(...recipe(i));
    }
    const feature = `feature-${String(first / GROUP).padStart(4, '0')}`;
    write(folder, `specs/${feature}/BACKLOG.yaml`, `${lines.join('\n')}\n`);
  }
}

export function ninjaGraph(folder, tasks) {
  writeInputs(folder, tasks);
  const lines = ['rule cp', '  command = cp $in $out'];
  for (const i of numbers(tasks))
    lines.push(`build ${outputOf(i)}: cp ${inputOf(i)}${needs(i) ? ` || ${outputOf(i - 1)}` : ''}`);
  write(folder, 'build.ninja', `${lines.join('\n')}\n`);
}

export function makeGraph(folder, tasks) {
  writeInputs(folder, tasks);
  const lines = [`all: ${numbers(tasks).map(outputOf).join(' ')}`];
  for (const i of numbers(tasks)) {
    const after = needs(i) ? ` | ${outputOf(i - 1)}` : '';
    lines.push(`${outputOf(i)}: ${inputOf(i)}${after}`, '\tmkdir -p $(@D) && cp $< $@');
  }
  write(folder, 'Makefile', `${lines.join('\n')}\n`);
}

/** Each task is a script of one package. */
export function wireitGraph(folder, tasks) {
  writeInputs(folder, tasks);
  const scripts = { all: 'wireit' };
  const wireit = { all: { dependencies: numbers(tasks).map((i) => `t${i}`) } };
  for (const i of numbers(tasks)) {
    scripts[`t${i}`] = 'wireit';
    wireit[`t${i}`] = {
      command: `mkdir -p ${dirname(outputOf(i))} && cp ${inputOf(i)} ${outputOf(i)}`,
      files: [inputOf(i)],
      output: [outputOf(i)],
      ...(needs(i) ? { dependencies: [`t${i - 1}`] } : {}),
    };
  }
  write(folder, 'package.json', `${JSON.stringify({ name: 'bench', private: true, scripts, wireit })}\n`);
}

/** Each task is a package of a workspace: Turborepo has no smaller unit. */
export function turboGraph(folder, tasks) {
  const root = { name: 'bench', private: true, packageManager: 'npm@10.0.0', workspaces: ['packages/*'] };
  write(folder, 'package.json', `${JSON.stringify(root)}\n`);
  const build = { dependsOn: ['^build'], outputs: ['out.txt'] };
  write(folder, 'turbo.json', `${JSON.stringify({ tasks: { build } })}\n`);
  write(folder, '.gitignore', 'out.txt\n.turbo\nnode_modules\n');
  for (const i of numbers(tasks)) {
    const dependencies = needs(i) ? { [`p${i - 1}`]: '*' } : {};
    const manifest = {
      name: `p${i}`,
      version: '1.0.0',
      scripts: { build: 'cp in.txt out.txt' },
      dependencies,
    };
    write(folder, `packages/p${i}/package.json`, `${JSON.stringify(manifest)}\n`);
    write(folder, `packages/p${i}/in.txt`, `part ${i}\n`);
  }
}
