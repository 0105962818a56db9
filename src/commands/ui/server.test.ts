/** Holds who may talk to the page's server, what it hands out, and what it starts. No browser is needed for it. */

import { mkdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { createRig, type Rig } from '../../test/rig/rig.js';
import type { StartConductor } from './actions.js';
import { openUi } from './project-pages.js';
import type { UiServer } from './server.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

interface Page {
  readonly server: UiServer;
  readonly cookie: string;
  ask(path: string, headers?: Record<string, string>, method?: string, body?: string): Promise<Answer>;
  /** With the cookie. */
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
}

async function openPage(rig: Rig, start?: StartConductor): Promise<Page> {
  const assets = `${rig.temporary.root}/assets`;
  mkdirSync(assets, { recursive: true });
  for (const name of ['index.html', 'app.js', 'app.css']) writeFileSync(`${assets}/${name}`, name);
  const opened = await openUi({
    host: { ...rig.host(new ScriptedAgent({ tripwire: true })), now: Date.now },
    name: 'project',
    calledAs: 'npx conductor',
    assets,
    port: 0,
    ...(start ? { start } : {}),
    after(ms, call) {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    onError(error) {
      throw error;
    },
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const server = opened.value;
  onTestFinished(() => server.close());
  const ask: Page['ask'] = (path, headers = {}, method = 'GET', body) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: server.port, path, method, headers };
      const asked = httpRequest(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      });
      asked.on('error', reject).end(body);
    });
  const exchanged = await ask(new URL(server.address).pathname + new URL(server.address).search);
  const cookie = exchanged.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    server,
    cookie,
    ask,
    get: (path) => ask(path, { cookie }),
    post: (path, body, headers = {}) =>
      ask(
        path,
        { cookie, origin, 'content-type': 'application/json', ...headers },
        'POST',
        JSON.stringify(body),
      ),
  };
}

async function builtRig(): Promise<Rig> {
  const rig = await createRig();
  rig.backlog('f', { T1: { outputs: ['a.txt'] }, T2: { outputs: ['b.txt'], depends_on: ['T1'] } });
  rig.answer('f/T1', { 'a.txt': 'one\n' });
  rig.answer('f/T2', { 'b.txt': 'two\n' });
  await rig.build();
  return rig;
}

test('the key in the address becomes a cookie that only this page sends; without it nothing is answered', async () => {
  await using rig = await builtRig();
  const page = await openPage(rig);
  const { ask, server } = page;
  const exchanged = await ask(`/${new URL(server.address).search}`);
  expect(exchanged).toMatchObject({ status: 303, headers: { location: '/' } });
  expect(exchanged.headers['set-cookie']?.[0]).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
  expect((await ask('/?token=wrong')).status).toBe(403);
  for (const path of ['/', '/app.js', '/api/project', '/api/live'])
    expect([path, (await ask(path)).status]).toEqual([path, 403]);
  const whole = await page.get('/');
  expect(whole).toMatchObject({ status: 200, text: 'index.html' });
  const policy = String(whole.headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toContain('unsafe');
  expect(whole.headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});

test('other hosts (DNS rebinding), other origins and other methods are refused, with the cookie too', async () => {
  await using rig = await builtRig();
  const { ask, cookie, server } = await openPage(rig);
  const status = async (headers: Record<string, string>, method?: string) =>
    (await ask('/api/project', { cookie, ...headers }, method)).status;
  expect(await status({})).toBe(200);
  expect(await status({ host: `localhost:${server.port}` })).toBe(200);
  expect(await status({ host: `evil.example:${server.port}` })).toBe(421);
  expect(await status({ host: '127.0.0.1' })).toBe(421);
  expect(await status({ origin: 'http://evil.example' })).toBe(403);
  expect(await status({ origin: 'null' })).toBe(403);
  expect(await status({}, 'DELETE')).toBe(405);
  expect((await ask('/?token=x', { host: 'evil.example' })).status).toBe(421);
});

test('no path leads out of what the page is made of', async () => {
  await using rig = await builtRig();
  const { get } = await openPage(rig);
  for (const path of [
    '/../package.json',
    '/..%2f..%2fetc%2fpasswd',
    '/api/build/..%2F..%2F..%2Fetc',
    '/api/build/..',
    '/api/task/..%2f..%2fetc/passwd',
    '/api/task/f/T1%00',
    '/api/%E0%A4%A',
    '/__proto__',
    '/constructor',
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  const elsewhere = JSON.parse((await get('/api/task/f/T1?build=..%2F..%2Fx')).text);
  expect(elsewhere).toMatchObject({ label: 'f/T1', logs: [], prompts: expect.any(Array) });
  expect((await get('/api/review?range=--output%3Dx..HEAD')).status).toBe(404);
});

test('documents say what builds left, and what is secret stays redacted', async () => {
  await using rig = await createRig();
  const secret = 'sk-live-1234567890abcdef1234';
  rig.env.SERVICE_TOKEN = secret;
  rig.backlog('f', {
    T1: {
      title: `keep ${secret}`,
      outputs: ['a.txt'],
      verify: ['printf "\\033[2Jno\\033[31m red %s\\n" "$X"'],
    },
  });
  rig.answer('f/T1', { 'a.txt': 'one\n' });
  const story = await rig.build();
  const { get } = await openPage(rig);
  const rows = JSON.parse((await get('/api/builds')).text).rows;
  expect(rows).toMatchObject([{ outcome: 'built', total: 1, kept: true }]);
  const task = await get(`/api/task/f/T1?build=${rows[0].build}`);
  expect(task.text).toContain('keep [secret]');
  expect(task.text).not.toContain(secret);
  const { logs, run, prompts, result } = JSON.parse(task.text);
  expect(run).toMatchObject({ outcome: 'built', gates: [{ ok: true }] });
  expect(logs[0].text).toBe('␛[2Jno red \n');
  expect(prompts.length).toBeGreaterThan(0);
  expect(result.commit).toBe(story.of('task.finished')[0]?.result);
});

test('a page is read-only until it was opened with actions, and then starts what is known, from itself only', async () => {
  await using rig = await builtRig();
  const readOnly = await openPage(rig);
  expect(JSON.parse((await readOnly.get('/api/project')).text)).toMatchObject({
    calledAs: 'npx conductor',
    actions: [],
  });
  const refused = await readOnly.post('/api/actions', { action: 'build', targets: [] });
  expect(refused.status).toBe(403);
  expect(refused.text).toContain('this page is read-only: start it with --actions');

  const started: (readonly string[])[] = [];
  const page = await openPage(rig, async (args) => {
    started.push(args);
    return { exitCode: 0, tail: '' };
  });
  const begun = await page.post('/api/actions', { action: 'build', targets: [] });
  expect(JSON.parse(begun.text).command).toBe('npx conductor build');
  expect(started.splice(0)).toEqual([['build']]);
  const post = async (body: unknown, headers?: Record<string, string>) =>
    (await page.post('/api/actions', body, headers)).status;
  expect(await post({ action: 'build', targets: ['f/T1'] })).toBe(202);
  expect(await post({ action: 'accept', targets: ['f'] })).toBe(202);
  expect(await post({ action: 'discard-edits', targets: ['f/T2'] })).toBe(202);
  expect(await post({ action: 'approve', targets: ['f/T1'] })).toBe(202);
  expect(started).toEqual([
    ['build', 'f/T1'],
    ['accept', 'f'],
    ['build', '--discard-edits', 'f/T2'],
    ['approve', 'f/T1'],
  ]);
  // A grant is for the one task that the person looked at.
  expect(await post({ action: 'approve', targets: ['f'] })).toBe(409);
  expect(await post({ action: 'build', targets: ['--force'] })).toBe(409);
  expect(await post({ action: 'retry', targets: [] })).toBe(409);
  expect(await post({ action: 'erase', targets: [] })).toBe(400);
  expect(await post({ action: 'build', targets: [] }, { origin: 'http://evil.example' })).toBe(403);
  expect(await post({ action: 'build', targets: [] }, { 'sec-fetch-site': 'cross-site' })).toBe(403);
  expect(await post({ action: 'build', targets: [] }, { 'content-type': 'text/plain' })).toBe(415);
  const noOrigin = await page.ask(
    '/api/actions',
    { cookie: page.cookie, 'content-type': 'application/json' },
    'POST',
    '{}',
  );
  expect(noOrigin.status).toBe(403);
  expect(started).toHaveLength(4);
});

test('a page that the disk does not let be told of builds connects again later, and is told why', async () => {
  await using rig = await builtRig();
  const { server, cookie, get } = await openPage(rig);
  const stream = await fetch(`http://127.0.0.1:${server.port}/api/live`, { headers: { cookie } });
  const chunks = (stream.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let told = '';
  const readUntil = async (text: string) => {
    while (!told.includes(text)) {
      const { done, value } = await chunks.read();
      if (done) break;
      told += value;
    }
  };
  await readUntil('"kind":"builds"');
  const logs = rig.path('.conductor/logs');
  renameSync(logs, `${logs}.away`);
  symlinkSync(logs, logs);
  // The stream that is open ends, and so does the next one.
  await readUntil('never');
  expect(told).toMatch(/retry: 5000\n\n$/);
  expect((await get('/api/live')).text).toBe('retry: 500\n\nretry: 5000\n\n');
  const refused = await get('/api/builds');
  expect(refused.status).toBe(500);
  expect(refused.text).toContain(`the operating system refused: scandir: ${logs}`);
  unlinkSync(logs);
  renameSync(`${logs}.away`, logs);
  expect(JSON.parse((await get('/api/builds')).text).rows).toHaveLength(1);
});

test('a port that is taken is a failure with a way out', async () => {
  await using rig = await builtRig();
  const { server } = await openPage(rig);
  const again = await openUi({
    host: rig.host(new ScriptedAgent({ tripwire: true })),
    name: 'project',
    calledAs: 'npx conductor',
    assets: `${rig.temporary.root}/assets`,
    port: server.port,
    after: () => () => {},
    onError: () => {},
  });
  expect(again).toMatchObject({
    ok: false,
    error: { kind: 'usage', message: `port ${server.port} is in use` },
  });
});
