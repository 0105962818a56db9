/** What a request looks like when the system has no resources to look at it. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { type InboxRequest, openRequests, RequestFolder } from './request-folder.js';

let fault: string | undefined;
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const readdir = (...args: Parameters<typeof real.readdir>) =>
    fault === undefined
      ? real.readdir(...args)
      : Promise.reject(Object.assign(new Error(fault), { code: fault }));
  return { ...real, readdir };
});

const root = await mkdtemp(join(tmpdir(), 'conductor-request-'));
afterEach(() => {
  fault = undefined;
});

test('a request that cannot be looked at for lack of open files is not taken for removed', async () => {
  const request = { id: 'one', project: root } as InboxRequest;
  const folder = await RequestFolder.create(root, request, 'Do it.', () => 0);
  expect(await folder.look()).toEqual({ kind: 'open' });
  fault = 'EMFILE';
  expect(await folder.look()).toEqual({ kind: 'unseen' });
  await expect(openRequests(root, root)).rejects.toThrow('EMFILE');
  fault = undefined;
  expect(await openRequests(root, root)).toHaveLength(1);
  await folder.remove();
  expect(await folder.look()).toEqual({ kind: 'removed' });
  expect(await openRequests(join(root, 'none'), root)).toEqual([]);
  await rm(root, { recursive: true });
});
