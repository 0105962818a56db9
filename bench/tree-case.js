// Large trees: a task that sees the whole tree, nothing to do in a large tree, and loading many specs.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, write } from './graphs.js';
import { CONDUCTOR, environment, interleaved, run, workFolder } from './measure.js';
import { besideText, count, row } from './rows.js';

const GOAL_MS = { 20000: 100, 100000: 400 };

/** One task that may read every file, in a tree of so many. */
export function treeRow(files, { rounds }) {
  const folder = workFolder(`tree-${files}`);
  const { project, home, root } = folder;
  try {
    const env = environment(home);
    for (let i = 0; i < files; i++)
      write(project, `src/${i % 100}/file${i}.ts`, `export const value${i} = ${i};\n`);
    write(project, 'conductor.config.mjs', "export default { sandbox: 'off' };\n");
    let value = 0;
    const edit = () => {
      const task = { id: 'T0', title: 'All', outputs: ['out.txt'], run: `echo ${value++} > out.txt` };
      write(project, 'specs/all/BACKLOG.yaml', JSON.stringify({ tasks: [task] }));
    };
    edit();
    commit(project, env);
    const conductor = () => run(process.execPath, [CONDUCTOR, 'build'], { cwd: project, env });
    conductor();
    const git = (args, cwd = project) => run('git', args, { cwd, env });
    const by = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];
    const aside = join(root, 'aside');
    const byHand = () => {
      git(['worktree', 'add', '-q', '-b', 'aside', aside]);
      writeFileSync(join(aside, 'by-hand.txt'), `${value}\n`);
      git(['add', '-A'], aside);
      git([...by, 'commit', '-qm', 'by hand'], aside);
      git([...by, 'merge', '-q', '--no-edit', 'aside']);
      git(['worktree', 'remove', '--force', aside]);
      git(['branch', '-qD', 'aside']);
    };
    const timed = interleaved(
      { edited: { before: edit, work: conductor }, nothing: conductor, byHand },
      rounds,
    );
    const above = timed.above('edited', 'nothing');
    return row({
      name: `a task that sees the whole tree, ${count(files)} files, warm`,
      ms: above,
      beside: `nothing to do ${Math.round(timed.ms('nothing'))} ms (not counted), ${besideText({ 'worktree add, commit, merge, remove': timed.ms('byHand') })}`,
      ratio: above / timed.ms('byHand'),
      goal: GOAL_MS[files] && `${GOAL_MS[files]} ms`,
      met: above <= GOAL_MS[files],
    });
  } finally {
    folder.remove();
  }
}

/** Cold load and validation of `specs` specs in so many files. */
export function loadRow(specs, files, { rounds }) {
  const folder = workFolder(`load-${files}`);
  const { project, home } = folder;
  try {
    const env = environment(home);
    const each = specs / files;
    for (let file = 0; file < files; file++) {
      if (each === 1) {
        const text = `---\nid: S${file}\ntitle: Spec ${file}\noutputs: [out/${file}.ts]\n---\n\nWrite \`out/${file}.ts\`.\n\n## Acceptance\n\n- It exports ${file}.\n`;
        write(project, `specs/s${file}.spec.md`, text);
        continue;
      }
      const lines = ['tasks:'];
      for (let i = 0; i < each; i++)
        lines.push(
          `  - id: T${i}`,
          `    title: Part ${i}`,
          '    description: |',
          '      Write the file with all that the request names.',
          `    acceptance: ["It exports ${i}"]`,
          ...(i % 10 ? [`    depends_on: [T${i - 1}]`] : []),
          `    outputs: [out/${file}/${i}.ts]`,
        );
      write(project, `specs/feature-${file}/BACKLOG.yaml`, `${lines.join('\n')}\n`);
    }
    commit(project, env);
    const timed = interleaved(
      {
        conductor: {
          before: () => {
            rmSync(join(project, '.git/conductor'), { recursive: true, force: true });
            rmSync(join(home, 'cache'), { recursive: true, force: true });
          },
          work: () => run(process.execPath, [CONDUCTOR, 'validate'], { cwd: project, env }),
        },
        node: () => run(process.execPath, ['-e', '0'], { cwd: project, env }),
      },
      rounds,
      0,
    );
    const rate = specs / (timed.ms('conductor') / 1000);
    return row({
      name: `cold load and validation of ${count(specs)} specs in ${count(files)} files`,
      ms: timed.ms('conductor'),
      beside: `${Math.round(rate)} specs a second; ${besideText({ 'node -e 0': timed.ms('node') })}`,
      goal: specs >= 10_000 ? '2,500 specs a second' : undefined,
      met: rate >= 2500,
    });
  } finally {
    folder.remove();
  }
}
