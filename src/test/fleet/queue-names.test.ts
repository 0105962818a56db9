/** Under which name a project is in a queue, and through what its parcels travel, by config and remotes. */

import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parcelRemote, projectName } from '../../execution/queue/open-queue-executor.js';
import { GitObjects } from '../../io/git/objects.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import { type ConductorConfig, resolveConfig } from '../../model/config.js';
import { openParcels } from '../../store/parcels/open-parcels.js';
import { TemporaryProject } from '../rig/command-line.js';

let project: TemporaryProject;
let repository: Repository;

beforeEach(async () => {
  project = new TemporaryProject();
  const opened = await openRepository(project.dir);
  if (!opened.ok) throw new Error(opened.error.kind);
  repository = opened.value;
});
afterEach(() => project.dispose());

async function nameOf(execution: NonNullable<ConductorConfig['execution']>, prefix = ''): Promise<unknown> {
  const name = await projectName(resolveConfig({ execution }, 2), { ...repository, prefix });
  return name.ok ? name.value : name.error;
}

test('the name of a project is the path behind its remote, without passwords, and never that of all projects', async () => {
  const noRemote = { kind: 'usage', message: expect.stringContaining('no remote `origin`') };
  expect(await nameOf({})).toMatchObject(noRemote);
  expect(await nameOf({ remote: 'http://ada:pw@build-1:7077' })).toMatchObject(noRemote);
  const remote = (...words: string[]) => execFileSync('git', ['-C', project.dir, 'remote', ...words]);
  remote('add', 'origin', 'https://ada:pw@git.example/team/shop.git');
  for (const url of [
    'https://ada:pw@git.example/team/shop.git',
    'git@git.example:team/shop.git',
    'git.example:team/shop',
    'ssh://git@git.example:22/team/shop.git/',
    'file:///team/shop.git',
  ]) {
    remote('set-url', 'origin', url);
    expect(await nameOf({}), url).toBe('team/shop');
  }
  expect(await nameOf({}, 'web/')).toBe('team/shop/web');
  expect(await nameOf({ remote: 'http://ada:pw@build-1:7077' })).toBe('team/shop');
  expect(await nameOf({ remote: 'git:https://ada:pw@git.example/other/place.git' })).toBe('other/place');
  expect(await nameOf({ name: 'mine' })).toBe('mine');
});

test('a git repository behind https is no store of a worker', async () => {
  const objects = new GitObjects(repository);
  const opened = async (remote: string) => {
    const config = resolveConfig({ execution: { remote } }, 2);
    const host = { objects, dir: project.dir, env: {}, maxOutputBytes: config.maxOutputBytes };
    return (await openParcels(parcelRemote(config), config.execution, host)).constructor.name;
  };
  expect(await opened('git:https://git.example/team/shop.git')).toBe('GitParcels');
  expect(await opened('http://build-1:7077')).toBe('HttpParcels');
  await objects.close();
});
