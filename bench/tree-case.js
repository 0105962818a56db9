// Large trees: a task that sees the whole tree, and loading many specs.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { commit, write } from './graphs.js';
import { environment, interleaved, timed, watched, workFolder } from './measure.js';
import { besideText, bothShown, count, row } from './rows.js';

const GOAL_MS = { 20000: 100, 100000: 400 };
/** Tasks of the second build, beside the first one's task: what they add tells what one of them costs. */
const MORE = 10;

/** Tasks that may read every file, in a tree of so many: what one more costs in a build, and a build with one of them. */
export async function treeRows(files, { rounds }) {
  const folder = workFolder(`tree-${files}`);
  const { project, home, root } = folder;
  try {
    const env = environment(home);
    for (let i = 0; i < files; i++)
      write(project, `src/${i % 100}/file${i}.ts`, `export const value${i} = ${i};\n`);
    // One worker has one workspace, so that all but the first task find it warm.
    write(project, 'conductor.config.mjs', "export default { sandbox: 'off', workers: 1 };\n");
    const values = Array.from({ length: MORE + 1 }, () => 0);
    /** Changes so many tasks. */
    const edit = (changed) => {
      for (let i = 0; i < changed; i++) values[i]++;
      const tasks = values.map((value, i) => ({
        ...{ id: `T${i}`, title: 'All', outputs: [`out/${i}.txt`] },
        run: `mkdir -p out; echo ${value} > out/${i}.txt`,
      }));
      write(project, 'specs/all/BACKLOG.yaml', JSON.stringify({ tasks }));
    };
    edit(0);
    commit(project, env);
    const build = watched(['build'], { home });
    const conductor = () => timed([build.command], { cwd: project, env: { ...env, ...build.env } });
    await conductor();
    const by = ['-c', 'user.name=bench', '-c', 'user.email=bench@localhost', '-c', 'gc.auto=0'];
    const aside = join(root, 'aside');
    const script = [
      `git worktree add -q -b aside ${aside}`,
      `echo "$RANDOM$RANDOM$RANDOM" > ${aside}/by-hand.txt`,
      `git -C ${aside} add -A`,
      `git -C ${aside} ${by.join(' ')} commit -qm 'by hand'`,
      `git ${by.join(' ')} merge -q --no-edit aside`,
      `git worktree remove --force ${aside}`,
      'git branch -qD aside',
    ].join(' && ');
    const byHand = () => timed([['bash', '-c', script]], { cwd: project, env });
    let mb = 0;
    const edited = async () => {
      const time = await conductor();
      mb = Math.max(mb, build.own().mb);
      return time;
    };
    const found = await interleaved(
      {
        byHand,
        // The merge changed a file that each task may read.
        settled: conductor,
        edited: { before: () => edit(1), work: edited },
        more: { before: () => edit(MORE + 1), work: edited },
        nothing: conductor,
      },
      rounds,
    );
    const added = found.above('more', 'edited');
    const each = { wall: added.wall / MORE, cpu: added.cpu / MORE };
    const above = found.above('edited', 'nothing');
    const hand = found.time('byHand');
    const byGit = besideText({ 'worktree add, commit, merge, remove': hand });
    const goal = GOAL_MS[files] && `${GOAL_MS[files]} ms`;
    const toGit = (time) => ({ wall: time.wall / hand.wall, cpu: time.cpu / hand.cpu });
    return [
      row({
        goal,
        name: `a task that sees the whole tree, ${count(files)} files, warm`,
        time: each,
        mb,
        beside: byGit,
        ratio: toGit(each),
        met: (kind) => each[kind] <= GOAL_MS[files],
      }),
      row({
        goal,
        name: `a build with one such task, ${count(files)} files, less one with nothing to do`,
        time: above,
        beside: `nothing to do ${bothShown(found.time('nothing'))} (not counted), ${byGit}`,
        ratio: toGit(above),
        met: (kind) => above[kind] <= GOAL_MS[files],
      }),
    ];
  } finally {
    folder.remove();
  }
}

/** Cold load and validation of `specs` specs in so many files. */
export async function loadRow(specs, files, { rounds }) {
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
    const before = () => {
      rmSync(join(project, '.git/conductor'), { recursive: true, force: true });
      rmSync(join(home, 'cache'), { recursive: true, force: true });
    };
    const validate = watched(['validate'], { home });
    const found = await interleaved(
      {
        conductor: {
          before,
          work: () => timed([validate.command], { cwd: project, env: { ...env, ...validate.env } }),
        },
        node: () => timed([[process.execPath, '-e', '0']], { cwd: project, env }),
      },
      rounds,
      0,
    );
    const time = found.time('conductor');
    const rate = (kind) => Math.round(specs / (time[kind] / 1000));
    return row({
      name: `cold load and validation of ${count(specs)} specs in ${count(files)} files`,
      time,
      mb: validate.own().mb,
      beside: `${count(rate('wall'))} · ${count(rate('cpu'))} specs a second; ${besideText({ 'node -e 0': found.time('node') })}`,
      ratio: found.ratio('conductor', 'node'),
      goal: specs >= 10_000 ? '2,500 specs a second' : undefined,
      met: (kind) => rate(kind) >= 2500,
    });
  } finally {
    folder.remove();
  }
}
