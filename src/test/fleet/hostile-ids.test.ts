/** Both places of parcels against ids and answers that somebody hostile has put into the queue or the place. */

import { execFileSync } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyProblem } from '../../execution/queue/own-key.js';
import { type BuildBase, readOutcome, readRun } from '../../execution/queue/parcel.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import { type Manifest, manifestKey, nextKey } from '../../model/action.js';
import { isJob, isJobAnswer } from '../../model/fleet/job.js';
import type { TaskRun } from '../../model/task-run.js';
import { GitParcels } from '../../store/parcels/git-parcels.js';
import { HttpParcels } from '../../store/parcels/http-parcels.js';
import { ParcelServer } from '../../store/parcels/parcel-server.js';
import type { Parcels } from '../../store/parcels/parcels.js';
import { TemporaryProject } from '../rig/command-line.js';

let project: TemporaryProject;
let objects: GitObjects;
const endings: (() => unknown)[] = [];

beforeEach(async () => {
  project = new TemporaryProject();
  endings.push(() => project.dispose());
  objects = await opened(project.dir);
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function opened(dir: string): Promise<GitObjects> {
  const found = await openRepository(dir);
  if (!found.ok) throw new Error(found.error.kind);
  const made = new GitObjects(found.value);
  endings.push(() => made.close());
  return made;
}

/** The parcels of this project, at a place that a second repository has filled. */
async function place(kind: 'git' | 'http'): Promise<{ here: Parcels; sent: string }> {
  const other = new TemporaryProject();
  endings.push(() => other.dispose());
  const theirs = await opened(other.dir);
  const commit = await theirs.writeCommit({ tree: await theirs.empty(), message: 'sent\n' });
  let of: (objects: GitObjects, dir: string) => Parcels;
  if (kind === 'git') {
    const remote = join(project.root, 'shared.git');
    execFileSync('git', ['init', '-q', '--bare', remote]);
    of = (one, dir) => new GitParcels({ objects: one, remote, dir });
  } else {
    const options = { host: '127.0.0.1', port: 0, token: undefined, maxBytes: 100_000 };
    const server = await ParcelServer.open({ ...options, objects: theirs });
    endings.push(() => server.close());
    of = (one) => new HttpParcels({ objects: one, url: server.address, token: undefined, maxBytes: 100_000 });
  }
  const sent = await of(theirs, other.dir).send(commit, 'done-1');
  if (!sent.ok) throw new Error(JSON.stringify(sent.error));
  return { here: of(objects, project.dir), sent: commit };
}

test.each(['git', 'http'] as const)('no id of the queue writes a ref of its own (%s)', async (kind) => {
  const { here, sent } = await place(kind);
  const own = await objects.writeCommit({ tree: await objects.empty(), message: 'evil\n' });
  const result = 'refs/conductor/results/aa/k';
  const hostile = [
    `a ${own}\nupdate ${result} ${own}\ncommit\nstart\ncreate refs/conductor/jobs/b`,
    `${sent}:${result}\n+refs/conductor/jobs/${sent}`,
    `../results/aa/k`,
    `${sent}*:refs/conductor/results/aa/`,
    '--upload-pack=touch',
    'HEAD',
    `${sent} `,
    '',
    7 as unknown as string,
  ];
  for (const id of hostile) {
    expect(await here.fetch(id, [])).toMatchObject({ ok: false });
    expect(await here.find(id)).toEqual({ ok: true, value: undefined });
  }
  await here.remove(hostile);
  expect(
    [...(await objects.refs('refs/')).keys()].filter((ref) => ref.startsWith('refs/conductor/')),
  ).toEqual([]);
  // What was sent is still there, and is found by its commit and its name.
  expect(await here.fetch(sent)).toEqual({ ok: true, value: undefined });
  expect(await here.find('done-1')).toEqual({ ok: true, value: sent });
  const named = kind === 'git' ? [`refs/conductor/jobs/${sent}`] : [];
  await here.forget([]);
  expect([...(await objects.refs('refs/conductor/')).keys()]).toEqual(named);
});

test('a store that answers with anything else than a parcel is refused, and its address shows no password', async () => {
  let answer: { status?: number; body: Buffer; commit?: string } = { body: Buffer.alloc(0) };
  const server = http.createServer((_, response) => {
    response.writeHead(
      answer.status ?? 200,
      answer.commit === undefined ? {} : { 'x-commit': answer.commit },
    );
    response.end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => new Promise((resolve) => server.close(resolve)));
  const url = `http://me:secret@127.0.0.1:${(server.address() as AddressInfo).port}`;
  const here = new HttpParcels({ objects, url, token: undefined, maxBytes: 1000 });
  endings.push(() => server.closeAllConnections());
  const id = '1'.repeat(40);
  const said = async () => {
    const got = await here.fetch(id);
    return got.ok ? 'fetched' : JSON.stringify(got.error);
  };
  answer = { body: Buffer.alloc(0), commit: `${id} ${id}` };
  expect(await said()).toContain('it is not there');
  answer = { body: Buffer.from('no frames'), commit: id };
  expect(await said()).toContain('no list of objects');
  answer = { body: Buffer.alloc(1001), commit: id };
  expect(await said()).toContain('its answer is larger than 1000 bytes');
  answer = { status: 500, body: Buffer.from('down') };
  expect(await said()).toMatch(/fetch http:\/\/(?!.*secret).*down/);
  expect([...(await objects.refs('refs/conductor/')).keys()]).toEqual([]);
});

test('a run, an outcome or a job of another form is none', async () => {
  const commitOf = async (name: string, text: string) => {
    const blob = await objects.writeBlob(Buffer.from(text));
    return objects.writeCommit({
      tree: await objects.writeTree([[name, { mode: '100644', id: blob }]]),
      message: 'parcel\n',
    });
  };
  const id = '1'.repeat(40);
  for (const text of ['', 'no data', 'null', '7', '{"ok":true,"result":"HEAD"}', `{"ok":true}`])
    expect(await readOutcome(objects, await commitOf('outcome.json', text))).toMatchObject({ ok: false });
  expect(
    await readOutcome(objects, await commitOf('outcome.json', `{"ok":true,"result":"${id}"}`)),
  ).toMatchObject({ ok: true });
  for (const text of ['[', '{"inputTree":"-q"}', `{"inputTree":"${id}","left":"a\\nb"}`])
    expect(await readRun(objects, await commitOf('run.json', text))).toMatchObject({ ok: false });
  const job = {
    protocol: 1,
    version: '1',
    label: 'f/T1',
    key: 'a'.repeat(64),
    parcel: id,
    base: id,
    build: 'b',
  };
  expect(isJob(job)).toBe(true);
  for (const wrong of [
    null,
    'x',
    { ...job, base: `${id}\n` },
    { ...job, parcel: 'HEAD' },
    { ...job, key: 'a/b' },
  ])
    expect(isJob(wrong)).toBe(false);
  const answer = { parcel: id, name: 'done-1', worker: 'w', ok: true };
  expect(isJobAnswer(answer)).toBe(true);
  for (const wrong of [null, 7, [], { ...answer, parcel: `${id}:refs/heads/main` }, { ...answer, ok: 1 }])
    expect(isJobAnswer(wrong)).toBe(false);
});

test('a worker runs nothing for a key that is not that of what it is asked for', async () => {
  const manifest: Manifest = [
    { name: 'recipe', show: 'text', value: 'render' },
    { name: 'outputs', show: 'text', value: 'a.txt' },
  ];
  const blob = await objects.writeBlob(Buffer.from('a'));
  const run = {
    ...{ label: 'f/T1', manifest, outputs: ['a.txt'], edits: [], inputTree: await objects.empty() },
    recipe: { kind: 'render', files: [{ path: 'a.txt', blob }] },
  } as unknown as TaskRun;
  const base = {
    schema: 1,
    rules: {},
    settings: [],
    shippedAgents: {},
    ownAgents: {},
  } as unknown as BuildBase;
  const own = { agent: undefined, definitions: new Map(), settings: [], objects };
  const problem = (key: string, via?: TaskRun['via']) =>
    keyProblem({ ...run, key, ...(via ? { via } : {}) }, base, own);
  const key = manifestKey(manifest);
  const other = nextKey(nextKey(key, 'observed', 'x'), 'rejected', 'y');
  expect(await problem(key)).toBeUndefined();
  expect(
    await problem(other, [
      ['observed', 'x'],
      ['rejected', 'y'],
    ]),
  ).toBeUndefined();
  for (const [wrong, via] of [
    ['e'.repeat(64), undefined],
    [other, undefined],
    [other, [['rejected', 'y']]],
    [key, [['rejected', 'y']]],
  ] as [string, TaskRun['via']][])
    expect(await problem(wrong, via)).toBe('its key is not that of what it asks for');
});
