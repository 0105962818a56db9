/** Holds what the server of several projects answers: all of them on one page, and each with its own below `/p/<name>/`. */

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import type { ProjectPageRow } from '../../model/page.js';
import { ProjectsRig } from '../../test/rig/projects-rig.js';
import type { Rig } from '../../test/rig/rig.js';
import { openProjectsUi } from './projects-pages.js';

/** `folders`: of projects that are elsewhere than their rig. */
async function openPages(projects: ProjectsRig, assets: string, folders: Record<string, string> = {}) {
  mkdirSync(assets);
  for (const name of ['index.html', 'app.js', 'app.css']) writeFileSync(`${assets}/${name}`, name);
  const { list } = projects.parts(() => {}, new AbortController().signal, new Map());
  const bugs: unknown[] = [];
  const opened = await openProjectsUi({
    projects: list.projects.map((one) => ({ ...one, folder: folders[one.name] ?? one.folder })),
    hostOf: ({ name, folder }) => ({
      ...(projects.rigs.get(name) as Rig).host(new ScriptedAgent({ tripwire: true })),
      directory: folder,
    }),
    ...{ version: '1', env: {}, calledAs: 'npx conductor', assets, port: 0 },
    calledIn: (name) => `cd ../${name} && npx conductor`,
    after: () => () => {},
    onError: (error) => bugs.push(error),
  });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const { address, close } = opened.value;
  onTestFinished(close);
  const exchanged = await fetch(address, { redirect: 'manual' });
  const cookie = exchanged.headers.get('set-cookie')?.split(';')[0] ?? '';
  const get = (path: string) => fetch(new URL(address).origin + path, { headers: { cookie } });
  return { bugs, get };
}

/** What the live stream says first. */
async function firstRows(response: Response): Promise<readonly ProjectPageRow[]> {
  let text = '';
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString('utf8');
    const said = /^data: (.*)\n\n/m.exec(text)?.[1];
    if (said !== undefined) return JSON.parse(said).rows;
  }
  throw new Error(`the stream ended: ${text}`);
}

test('a project that the disk does not let be read has its own row for that, and the others are shown', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  await projects.add('broken', { depends_on: ['api'] });
  api.backlog('f', { T1: { outputs: ['a.txt'] } });
  api.answer('f/T1', { 'a.txt': 'one\n' });
  await api.build();
  const loop = `${api.temporary.root}/loop`;
  symlinkSync(loop, loop);
  const { bugs, get } = await openPages(projects, `${api.temporary.root}/assets`, {
    broken: `${loop}/project`,
  });
  expect(await firstRows(await get('/api/live'))).toMatchObject([
    { name: 'api', page: 'p/api/', build: { outcome: 'built' } },
    { name: 'broken', needs: ['api'], why: expect.stringContaining(`${loop}/project`) },
  ]);
  expect((await get('/p/broken/')).status).toBe(404);
  expect(bugs).toEqual([]);
});

test('commands on the page of a project are for its folder; an address with two slashes is no page of it', async () => {
  await using projects = new ProjectsRig();
  const api = await projects.add('api');
  const { bugs, get } = await openPages(projects, `${api.temporary.root}/assets`);
  const calledAs = async (path: string) => JSON.parse(await (await get(path)).text()).calledAs;
  expect(await calledAs('/api/project')).toBe('npx conductor');
  expect(await calledAs('/p/api/api/project')).toBe('cd ../api && npx conductor');
  expect((await get('/p/api//')).status).toBe(404);
  expect((await get('/p/api//api/project')).status).toBe(404);
  expect(bugs).toEqual([]);
});
