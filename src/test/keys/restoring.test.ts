/** Outputs that are gone are written again from records, without analysis; whatever else differs is looked at as ever. */

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FeaturePlace, INDEX_FILE, type IndexHead, readHead } from '../../analysis/range/index-file.js';
import { PARTS_FILE, type Place } from '../../analysis/range/index-parts.js';
import { fileIdentity } from '../../io/files.js';
import { observeGit } from '../../io/git/git-process.js';
import { digestFields } from '../../model/digest.js';
import { CHANGED_ARGUMENTS } from '../../workspace/private-index.js';
import { createRig, type Rig } from '../rig/rig.js';
import type { Story } from '../rig/rig-story.js';
import { stateOf } from './part-walk.js';

/** Three tasks that are built: one by an agent, one with two files that a dependent reads. */
async function built(more: Record<string, string> = {}): Promise<Rig> {
  const rig = await createRig();
  rig.write({ 'templates/part.hbs': '{{value}}\n', 'hand.txt': 'by hand\n', ...more });
  const part = (to: string, value: number) => ({ template: 'part.hbs', to, with: { value } });
  rig.backlog('f', {
    T1: { render: [part('out/a.txt', 1), part('out/b.txt', 2)], verify: ['test -f out/a.txt'] },
    T2: {
      depends_on: ['T1'],
      inputs: [],
      outputs: ['out/c.txt'],
      run: 'cat out/a.txt out/b.txt > out/c.txt',
    },
    T3: { inputs: ['hand.txt'], outputs: ['out/d.txt'] },
  });
  rig.answer('f/T3', { 'out/d.txt': 'by an agent\n' });
  const first = await rig.build();
  expect(first.summary).toMatchObject({ outcome: 'built', exitCode: 0 });
  return rig;
}

/** Breaks the object with this content, which git finds as a file of its own then. */
function spoil(store: string, content: string): void {
  const git = (args: string[], input?: Buffer) =>
    execFileSync('git', [`--git-dir=${store}`, ...args], { input, encoding: 'utf8' }).trim();
  const packs = join(store, 'objects/pack');
  const held = readdirSync(packs).filter((name) => name.endsWith('.pack'));
  const bytes = held.map((name) => readFileSync(join(packs, name)));
  rmSync(packs, { recursive: true });
  for (const pack of bytes) git(['unpack-objects', '-q'], pack);
  const id = git(['hash-object', '--stdin'], Buffer.from(content));
  const file = join(store, 'objects', id.slice(0, 2), id.slice(2));
  rmSync(file);
  writeFileSync(file, 'no object');
}

/** Only a build that reads the specs says how many workers it has. */
function isFromRecords(story: Story): boolean {
  return story.of('build.planned').every(({ workers }) => workers === undefined);
}

test('files that are gone are written again, and the events tell it as a whole build does', async () => {
  await using rig = await built();
  const files = rig.files();
  rig.remove('out/b.txt', 'out/d.txt');
  const whole = await rig.buildWithoutAgent({ discardEdits: true });
  expect(isFromRecords(whole)).toBe(false);
  rig.remove('out/b.txt', 'out/d.txt');
  const quick = await rig.buildWithoutAgent();
  expect(isFromRecords(quick)).toBe(true);
  expect(rig.files()).toEqual(files);
  const told = (story: Story) => ({
    published: story.of('build.published').map(({ written, removed }) => ({ written, removed })),
    checks: Object.fromEntries(story.checks().map(({ task, verdict }) => [task, verdict])),
    outcomes: story.outcomes(),
    results: Object.fromEntries(
      story.single().flatMap((event) => {
        if (event.type !== 'task.finished' || event.result === undefined) return [];
        const { task, result, former, saved } = event;
        return [[task, { result, former, saved }]];
      }),
    ),
  });
  expect(told(quick)).toEqual(told(whole));
  const { ms: _, ...summary } = whole.summary;
  expect(quick.summary).toMatchObject(summary);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  rig.remove('out');
  const all = await rig.buildWithoutAgent();
  expect([isFromRecords(all), all.summary.counts.cached, rig.files()]).toEqual([true, 3, files]);
});

test('many gone files cost one look at all files, and the next build knows that nothing is left to do', async () => {
  await using rig = await built();
  const files = rig.files();
  rig.remove('out');
  const calls: string[] = [];
  observeGit(({ command }) => calls.push(command));
  const all = await rig.buildWithoutAgent().finally(() => observeGit(undefined));
  expect([isFromRecords(all), rig.files()]).toEqual([true, files]);
  expect(calls.filter((name) => name === 'diff-files' || name === 'checkout-index')).toHaveLength(2);
  expect(calls).toEqual(expect.not.arrayContaining(['add', 'read-tree', 'ls-tree']));
  const state = rig.path('.git/conductor/projects');
  const folder = join(state, readdirSync(state)[0] as string);
  const { index } = JSON.parse(readFileSync(join(folder, 'last.json'), 'utf8'));
  expect(index).toBe(fileIdentity(join(folder, 'index')));
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
});

test('what this process saw of all files just before is not looked at again, unless the index has changed since', async () => {
  await using rig = await built();
  const files = rig.files();
  const state = rig.path('.git/conductor/projects');
  const index = join(state, readdirSync(state)[0] as string, 'index');
  const restored = async (seenIndex: () => string | undefined) => {
    rig.remove('out');
    const store = rig.path('.git/conductor/repo');
    const listed = execFileSync(
      'git',
      [`--git-dir=${store}`, `--work-tree=${rig.dir}`, ...CHANGED_ARGUMENTS],
      {
        env: { ...process.env, GIT_INDEX_FILE: index },
        encoding: 'utf8',
      },
    );
    rig.seen = { at: rig.time, index: seenIndex() ?? '', listed };
    const looks: string[] = [];
    observeGit(({ command }) => {
      if (command === 'diff-files' || command === 'ls-files') looks.push(command);
    });
    const story = await rig.buildWithoutAgent().finally(() => observeGit(undefined));
    expect([isFromRecords(story), rig.files()]).toEqual([true, files]);
    return looks.sort();
  };
  expect(await restored(() => fileIdentity(index))).toEqual([]);
  expect(await restored(() => 'another one')).toEqual(['diff-files', 'ls-files']);
});

test('what a filter prints is no failure of git, also where another program takes the place of a file', async () => {
  await using rig = await built({ '.gitattributes': 'out/* filter=loud\n' });
  const take = rig.path('.git/take');
  rig.git(
    'config',
    'filter.loud.smudge',
    `echo one more >&2; if [ -e '${take}' ]; then echo mine > out/d.txt; fi; cat`,
  );
  expect((await rig.buildWithoutAgent()).summary.exitCode).toBe(0);
  const files = rig.files();
  rig.remove('out');
  const all = await rig.buildWithoutAgent();
  expect([isFromRecords(all), all.summary.exitCode, rig.files()]).toEqual([true, 0, files]);
  rig.remove('out');
  // While git writes the first file, the last one comes.
  writeFileSync(take, '');
  const taken = await rig.buildWithoutAgent();
  expect([isFromRecords(taken), taken.outcomes()['f/T3'], rig.read('out/d.txt')]).toEqual([
    false,
    'drifted',
    'mine\n',
  ]);
});

test('a file that comes while git writes many side by side is left to the person', async () => {
  await using rig = await createRig();
  rig.write({ '.gitattributes': 'out/z.txt filter=take\n' });
  const take = rig.path('.git/take');
  // What a filter converts, git writes itself before its other processes begin with the other files. Where it has one processor, it
  // writes all files one after the other: then only a later one can come meanwhile.
  const place = availableParallelism() > 1 ? 'out/many/100.txt' : 'out/zz.txt';
  const smudge = `if [ -e '${take}' ]; then mkdir -p out/many; echo mine > ${place}; fi; cat`;
  rig.git('config', 'filter.take.smudge', smudge);
  const run =
    'mkdir -p out/many; for i in $(seq 1 150); do echo $i > out/many/$i.txt; done; echo z | tee out/z.txt > out/zz.txt';
  rig.backlog('f', { T1: { inputs: [], outputs: ['out/many/*.txt', 'out/z.txt', 'out/zz.txt'], run } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  const files = rig.files();
  rig.remove('out');
  const all = await rig.buildWithoutAgent();
  expect([isFromRecords(all), all.summary.exitCode, rig.files()]).toEqual([true, 0, files]);
  expect((await rig.buildWithoutAgent()).summary.outcome).toBe('up-to-date');
  rig.remove('out');
  writeFileSync(take, '');
  const taken = await rig.buildWithoutAgent();
  expect([isFromRecords(taken), taken.outcomes()['f/T1'], rig.read(place)]).toEqual([
    false,
    'drifted',
    'mine\n',
  ]);
});

test('beside a file that was only touched, gone files are written again after a snapshot', async () => {
  await using rig = await built();
  const files = rig.files();
  rig.remove('out');
  utimesSync(rig.path('hand.txt'), 1, 1);
  const all = await rig.buildWithoutAgent();
  expect([isFromRecords(all), rig.files()]).toEqual([true, files]);
});

test('a gone file whose place another program takes meanwhile is left to it', async () => {
  await using rig = await built();
  rig.remove('out');
  observeGit(({ command }) => {
    if (command === 'diff-files') rig.write({ 'out/a.txt': 'mine\n' });
  });
  const all = await rig.buildWithoutAgent().finally(() => observeGit(undefined));
  expect([isFromRecords(all), all.outcomes()['f/T1'], rig.read('out/a.txt')]).toEqual([
    false,
    'drifted',
    'mine\n',
  ]);
});

test('of plain tasks the index says what lock files say; where it is damaged, or of another tree, they are read', async () => {
  await using rig = await createRig();
  rig.write({ 'templates/part.hbs': '{{value}}\n' });
  const part = (to: string, value: number) => ({ template: 'part.hbs', to, with: { value } });
  rig.backlog('f', {
    T10: { render: [part('out/b.txt', 1), part('out/a.txt', 2)] },
    10: { render: [part('10', 4)] },
    9: { render: [part('9', 5)] },
    T9: {
      depends_on: ['T10'],
      inputs: [],
      outputs: ['out/c d.txt'],
      run: 'echo c > "out/c d.txt"; chmod +x "out/c d.txt"',
    },
  });
  rig.backlog('g', { T1: { depends_on: ['f/T9'], render: [part('out/g.txt', 3)] } });
  expect((await rig.build()).summary.exitCode).toBe(0);
  const files = rig.files();
  const restored = async () => {
    rig.remove('out/a.txt', 'out/c d.txt', 'out/g.txt', '9', '10');
    const story = await rig.buildWithoutAgent();
    expect(rig.files()).toEqual(files);
    const told = story.events.map((event) => ({ ...event, at: '', build: '', summary: '' }));
    return { isFromRecords: isFromRecords(story), told };
  };
  const state = stateOf(rig);
  const partsFile = join(state, PARTS_FILE);
  const parts = readFileSync(partsFile, 'utf8');
  const head = (await readHead(state)) as IndexHead;
  const { results } = head.features.g as FeaturePlace;
  const [from, bytes] = results as Place;
  // Another result, in a text of the same length.
  const line = parts.slice(from, from + bytes).replace(/\w(?=\tout)/, (digit) => (digit === 'a' ? 'b' : 'a'));
  const wrong = parts.slice(0, from) + line + parts.slice(from + bytes);
  const writeHead = (tree: string, place: Place | undefined = results) => {
    const g = { ...head.features.g, results: place };
    const content = JSON.stringify({ ...head, tree, features: { ...head.features, g } });
    const form = readFileSync(join(state, INDEX_FILE), 'utf8').split(' ')[0] as string;
    writeFileSync(join(state, INDEX_FILE), `${form} ${digestFields(form, [content])}\n${content}`);
  };
  const quick = await restored();
  expect(quick.isFromRecords).toBe(true);
  writeFileSync(partsFile, wrong);
  expect(await restored()).toEqual(quick);
  // It counts where its digest is right: this result is not in the store.
  const place: Place = [from, bytes, digestFields('conductor.analysis-part.1', [line])];
  writeHead(head.tree, place);
  expect((await restored()).isFromRecords).toBe(false);
  writeFileSync(partsFile, wrong);
  writeHead('1'.repeat(40), place);
  expect(await restored()).toEqual(quick);
  writeFileSync(partsFile, parts);
  writeHead(head.tree, undefined);
  expect(await restored()).toEqual(quick);
  rmSync(join(state, INDEX_FILE));
  expect(await restored()).toEqual(quick);
});

test('what else is changed, or stands in the way, is looked at by a whole build', async () => {
  await using rig = await built();
  rig.remove('out/c.txt');
  rig.write({ 'new.txt': 'new\n' });
  const beside = await rig.buildWithoutAgent();
  expect([isFromRecords(beside), beside.outcomes()['f/T2']]).toEqual([false, 'cached']);
  rig.remove('out/c.txt');
  rig.write({ 'out/a.txt': 'edited\n' });
  const edited = await rig.buildWithoutAgent();
  expect([isFromRecords(edited), edited.outcomes()['f/T1'], rig.read('out/a.txt')]).toEqual([
    false,
    'drifted',
    'edited\n',
  ]);
  rig.write({ 'out/a.txt': '1\n' });
  await rig.buildWithoutAgent();
  // A folder with a file that git ignores: no snapshot has it.
  rig.remove('out/c.txt');
  rig.write({ '.git/info/exclude': 'mine\n', 'out/c.txt/mine': 'mine\n' });
  const blocked = await rig.buildWithoutAgent();
  expect([isFromRecords(blocked), blocked.summary.exitCode]).toEqual([false, 1]);
  expect(rig.read('out/c.txt/mine')).toBe('mine\n');
});

test('a damaged file, or a result that the store has lost, is built again', async () => {
  await using rig = await built();
  const store = rig.path('.git/conductor/repo');
  const files = rig.files();
  rig.remove('out/a.txt', 'out/b.txt', 'out/c.txt');
  writeFileSync(
    join(store, 'packed-refs'),
    readFileSync(join(store, 'packed-refs'), 'latin1').replace(/.*results.*\n/g, ''),
  );
  rmSync(join(store, 'refs/conductor/results'), { recursive: true, force: true });
  const lost = await rig.buildWithoutAgent({ rebuildMissing: true });
  expect([isFromRecords(lost), lost.ran().sort(), rig.files()]).toEqual([false, ['f/T1', 'f/T2'], files]);

  rig.remove('out/a.txt', 'out/b.txt');
  spoil(store, '1\n');
  const damaged = await rig.buildWithoutAgent({ rebuildMissing: true });
  expect([isFromRecords(damaged), damaged.ran(), rig.read('out/a.txt')]).toEqual([false, ['f/T1'], '1\n']);
});

test('a store that was deleted is no obstacle: a whole build makes it again', async () => {
  await using rig = await built();
  const files = rig.files();
  rmSync(rig.path('.git/conductor/repo'), { recursive: true });
  rig.remove('out/a.txt', 'out/c.txt');
  const again = await rig.buildWithoutAgent({ rebuildMissing: true });
  expect([isFromRecords(again), again.summary.exitCode, rig.files()]).toEqual([false, 0, files]);
});

test('where gates judge what is restored, a whole build does it', async () => {
  await using rig = await built();
  rig.config = { ...rig.config, cache: { verify: true } };
  // The config of this rig is in no file: what a build remembers of it is that of the last whole one.
  rig.write({ 'new.txt': 'new\n' });
  await rig.build();
  rig.remove('out/a.txt');
  const judged = await rig.buildWithoutAgent();
  expect([isFromRecords(judged), judged.outcomes()['f/T1']]).toEqual([false, 'cached']);
});
