/** Which record of merged branches counts. */

import { expect, test } from 'vitest';
import type { FeatureLock } from '../model/feature-lock.js';
import type { Task } from '../model/task.js';
import type { Project } from '../project/project.js';
import type { ResultStore } from '../store/result-store.js';
import { chooseRecord } from './record-choice.js';

test('the remote is asked once for each key, and the record that it has counts', async () => {
  const key = 'a'.repeat(64);
  const record = (result: string) => ({ key, result, recipe: 'agent' });
  const all = { ...record('1'), unmerged: { sides: [record('2'), record('3')], bases: [] } };
  const task = { feature: 'f', id: 'T1', label: 'f/T1' } as Task;
  const project = {
    locks: new Map([['f', { tasks: { T1: all } } as unknown as FeatureLock]]),
    choices: new Map(),
  } as unknown as Project;
  const choose = async (has: string) => {
    const asked: string[] = [];
    const standing = async (one: string) => {
      asked.push(one);
      return has;
    };
    project.choices.clear();
    const choice = await chooseRecord(project, { standing } as unknown as ResultStore, task, { key });
    return { asked, result: choice?.fit?.result };
  };
  expect(await choose('3')).toEqual({ asked: [key], result: '3' });
  expect(await choose('of nobody')).toEqual({ asked: [key], result: '1' });
});
