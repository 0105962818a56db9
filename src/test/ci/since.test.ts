/** `--since`: what a range of commits concerns is built, what it does not concern is left out, and both are said. */

import { expect, test } from 'vitest';
import { eventText } from '../../report/live/plain.js';
import { plainStyle } from '../../report/style.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';

const copy = (input: string, output: string, more: object = {}) => ({
  inputs: [input],
  outputs: [output],
  run: `cat ${input} > ${output}`,
  ...more,
});

/** Five tasks, built and committed on main; then a branch. `feature/b` reads what `feature/a` makes. */
async function branched(rig: Rig): Promise<void> {
  rig.write({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'templates/page.hbs': '{{word}}\n', 'README.md': 'one\n' });
  rig.backlog('f', {
    a: copy('a.txt', 'out/a.txt'),
    b: { inputs: [], outputs: ['out/b.txt'], run: 'cat out/a.txt > out/b.txt', depends_on: ['a'] },
    c: copy('b.txt', 'out/c.txt'),
    page: {
      outputs: ['out/page.txt'],
      render: [{ template: 'page.hbs', to: 'out/page.txt', with: { word: 'x' } }],
    },
    whole: { outputs: ['out/whole.txt'], run: 'cat README.md > out/whole.txt' },
  });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.commit();
  rig.git('checkout', '-q', '-b', 'work');
}

const since = (rig: Rig, options: object = {}) => rig.build({ since: 'main', ...options });
const planned = (story: Story) => story.of('build.planned')[0];
const touched = (story: Story) => [...(planned(story)?.tasks ?? [])].sort();
const said = (story: Story) => {
  const [event] = story.of('build.planned');
  return event && eventText(event, plainStyle).trim();
};

test('tasks whose input changed and what depends on them are built, the others are not looked at', async () => {
  await using rig = await createRig();
  await branched(rig);
  rig.write({ 'a.txt': 'two\n' });
  rig.commit();
  const built = await since(rig);
  // A task without inputs reads every file.
  expect(built.outcomes()).toEqual({ 'f/a': 'built', 'f/b': 'built', 'f/whole': 'built' });
  const base = rig.git('rev-parse', 'main').trim();
  expect(planned(built)?.range).toEqual({
    since: 'main',
    base,
    touched: 2,
    dependents: 1,
    leftOut: 2,
    removed: 0,
  });
  expect(said(built)).toBe(
    `since main (${base.slice(0, 12)}): 2 tasks touched, 1 more depends on them; left out: 2 tasks`,
  );
  // What main did meanwhile is not in the range: it begins at the merge base.
  rig.git('checkout', '-q', 'main');
  rig.write({ 'b.txt': 'main\n' });
  rig.commit();
  rig.git('checkout', '-q', 'work');
  expect(touched(await since(rig))).toEqual(['f/a', 'f/b', 'f/whole']);
});

test('a spec, a template, an output, a lock and a document each concern their tasks, and people’s notes none', async () => {
  await using rig = await createRig();
  await branched(rig);
  const backlog = rig.read('specs/f/BACKLOG.yaml') ?? '';
  expect(touched(await since(rig))).toEqual([]);
  const restore = () => rig.git('checkout', '-q', '-f', 'main', '--', '.');
  const changes: [Record<string, string>, string[]][] = [
    [{ 'templates/page.hbs': 'new {{word}}\n' }, ['f/page', 'f/whole']],
    [{ 'templates/partials/p.hbs': 'x' }, ['f/page', 'f/whole']],
    [{ 'out/c.txt': 'by hand\n' }, ['f/c']],
    [{ 'specs/f/BACKLOG.yaml': backlog.replace('cat b.txt', 'cat ./b.txt') }, ['f/c']],
    [{ 'specs/f/BACKLOG.yaml': backlog.replace('- id: c\n', '- id: c\n    owner: ada\n') }, []],
    [{ 'conductor.config.ts': 'export default {};\n' }, ['f/a', 'f/b', 'f/c', 'f/page', 'f/whole']],
    [{ 'specs/f/context.md': 'New context.\n' }, ['f/a', 'f/b', 'f/c', 'f/page', 'f/whole']],
  ];
  for (const [files, expected] of changes) {
    rig.write(files);
    const looked = await since(rig, { dryRun: true });
    expect({ files, touched: touched(looked) }).toEqual({ files, touched: expected });
    rig.remove(...Object.keys(files));
    restore();
  }
  const lock = rig.read('specs/f/.metadata.json') ?? '';
  rig.write({ 'specs/f/.metadata.json': lock.replace(/("c": \{[^}]*?"result": ")[0-9a-f]{4}/s, '$10000') });
  expect(rig.read('specs/f/.metadata.json')).not.toBe(lock);
  expect(touched(await since(rig, { dryRun: true }))).toEqual(['f/c']);
});

test('a file that a removed task leaves to a person concerns the tasks that read it', async () => {
  await using rig = await createRig();
  const reads = { inputs: ['out/*.txt'], outputs: ['sum.txt'], run: 'cat out/*.txt > sum.txt' };
  rig.write({ 'a.txt': 'a\n', 'out/b.txt': 'b\n' });
  rig.backlog('f', { a: copy('a.txt', 'out/a.txt'), sum: reads });
  await rig.build();
  rig.write({ 'out/a.txt': 'by hand\n' });
  await rig.build({ accept: true, targets: ['f/a'] });
  rig.commit();
  rig.git('checkout', '-q', '-b', 'work');
  rig.backlog('f', { sum: reads });
  // It is as it was, but now it is hand-written.
  expect(touched(await since(rig, { dryRun: true }))).toEqual(['f/sum']);
});

test('targets narrow the range, --frozen and status keep to it, and removed tasks are said', async () => {
  await using rig = await createRig();
  await branched(rig);
  rig.write({ 'a.txt': 'two\n', 'b.txt': 'two\n' });
  expect(touched(await since(rig, { targets: ['f/c'], dryRun: true }))).toEqual(['f/c']);
  const frozen = await since(rig, { targets: ['f/c'], frozen: true });
  expect(frozen.buildFailure()).toMatchObject({ kind: 'not-up-to-date', tasks: [{ label: 'f/c' }] });
  const { stdout } = await rig.temporary.conductor('status', '--since', 'main', '--all', '--json');
  const status = JSON.parse(stdout) as { tasks: { label: string }[]; range: object };
  expect(status.tasks.map(({ label }) => label).sort()).toEqual(['f/a', 'f/b', 'f/c', 'f/whole']);
  expect(status.range).toMatchObject({ since: 'main', touched: 3, dependents: 1, leftOut: 1 });
  rig.git('checkout', '-q', '-f', 'main', '--', '.');
  rig.backlog('f', { a: copy('a.txt', 'out/a.txt') });
  expect(said(await since(rig, { dryRun: true }))).toMatch(
    /: 0 tasks touched; left out: 1 task; 4 tasks removed since: `conductor build` removes the files that were built$/,
  );
});

test('without a common commit it says how to get one; specs that were not valid concern every task', async () => {
  await using rig = await createRig();
  await branched(rig);
  expect((await since(rig, { since: 'gone' })).buildFailure()).toMatchObject({
    kind: 'usage',
    message: '--since: gone is not a commit of this repository',
    hint: expect.stringContaining('fetch-depth'),
  });
  rig.git('checkout', '-q', '--orphan', 'other');
  rig.write({ 'README.md': 'other\n' });
  rig.commit();
  expect((await since(rig)).buildFailure()).toMatchObject({
    message: '--since: main and HEAD have no common commit here',
  });
  rig.git('checkout', '-q', 'main');
  const backlog = rig.read('specs/f/BACKLOG.yaml') ?? '';
  rig.write({ 'specs/f/BACKLOG.yaml': 'tasks: 3\n' });
  rig.commit();
  rig.write({ 'specs/f/BACKLOG.yaml': backlog });
  expect(said(await since(rig, { dryRun: true }))).toMatch(
    /: all 5 tasks, because the specs of main are not valid: /,
  );
});

test('gates and formatters of the config, attributes of git and what stands for packages concern their tasks', async () => {
  await using rig = await createRig({
    config: {
      gates: { task: [{ run: 'true', inputs: ['rules.txt'] }] },
      format: [{ run: ['true'], files: '**/*.md', inputs: ['format.txt'] }],
      workspace: { inputs: ['tools.txt'] },
    },
  });
  const template = { 'templates/page.hbs': '{{word}}\n' };
  rig.write({
    'a.txt': 'a\n',
    'rules.txt': 'one\n',
    'format.txt': 'one\n',
    'tools.txt': 'one\n',
    ...template,
  });
  const page = (to: string, more: object = {}) => ({
    outputs: [to],
    render: [{ template: 'page.hbs', to, with: { word: 'x' } }],
    ...more,
  });
  rig.backlog('f', {
    a: copy('a.txt', 'out/a.txt'),
    doc: copy('a.txt', 'out/doc.md'),
    page: page('out/page.txt'),
    // Its own gate names no files: it may read all that people wrote.
    whole: page('out/whole.txt', { verify: ['true'] }),
  });
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.commit();
  const all = ['f/a', 'f/doc', 'f/page', 'f/whole'];
  const changes: [string, string | undefined, string[]][] = [
    ['rules.txt', 'two\n', all],
    ['rules.txt', undefined, all],
    ['format.txt', 'two\n', ['f/doc', 'f/whole']],
    ['format.txt', undefined, ['f/doc', 'f/whole']],
    ['README.md', 'two\n', ['f/whole']],
    ['tools.txt', 'two\n', all],
    ['tools.txt', undefined, all],
    ['out/.gitattributes', '* text=auto\n', all],
  ];
  for (const [file, text, expected] of changes) {
    if (text === undefined) rig.remove(file);
    else rig.write({ [file]: text });
    const looked = await since(rig, { dryRun: true });
    expect({ file, text, touched: touched(looked) }).toEqual({ file, text, touched: expected });
    if (file === 'tools.txt')
      expect(said(looked)).toContain(`because tools.txt ${text === undefined ? 'was removed' : 'changed'}`);
    rig.remove(file);
    rig.git('checkout', '-q', '-f', 'main', '--', '.');
  }
});

test('tasks that patch one file are looked at together, and what depends on them', async () => {
  await using rig = await createRig();
  rig.write({ 'app.txt': 'top\n' });
  const edit = (word: string) => ({ inputs: [], edits: ['app.txt'], run: `echo ${word} >> app.txt` });
  const tasks = {
    a: edit('a'),
    b: edit('b'),
    c: { ...copy('app.txt', 'out/c.txt'), depends_on: ['b'] },
    d: { inputs: [], outputs: ['out/d.txt'], run: 'echo d > out/d.txt' },
  };
  rig.backlog('f', tasks);
  expect((await rig.build()).summary.exitCode).toBe(0);
  rig.commit();
  rig.backlog('f', { ...tasks, a: edit('other') });
  const looked = await since(rig, { dryRun: true });
  expect(touched(looked)).toEqual(['f/a', 'f/b', 'f/c']);
  expect(planned(looked)?.range).toMatchObject({ touched: 1, dependents: 2, leftOut: 1 });
});
