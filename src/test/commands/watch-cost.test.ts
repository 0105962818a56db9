/** What a watch costs between a saved file and the first task, and what it keeps: counted, since times depend on the machine. */

import { expect, test } from 'vitest';
import { ScriptedAgent } from '../../agent/scripted-agent.js';
import { SessionState } from '../../build/session-state.js';
import { GitObjects } from '../../io/git/objects.js';
import { LooseWriter, RecentObjects } from '../../io/git/writing/loose.js';
import type { BuildEvent } from '../../model/event.js';
import { ProjectMemory } from '../../project/project-memory.js';
import { createRig, type Rig } from '../rig/rig.js';
import { RigWatch } from '../rig/rig-watch.js';
import { type CountedCalls, countCalls } from './counted-calls.js';

/** Specs of tasks that are rendered, each after the one before. */
function specs(rig: Rig, features: number): void {
  rig.write({ 'templates/part.hbs': 'part {{value}}\n' });
  for (let feature = 0; feature < features; feature++) saved(rig, feature, 0);
}

function saved(rig: Rig, feature: number, value: number): string {
  const steps = (id: string, word: number) => ({
    inputs: [],
    render: [{ template: 'part.hbs', to: `out/${feature}-${id}.txt`, with: { value: word } }],
  });
  rig.backlog(`f${feature}`, {
    T1: { ...steps('1', 0), outputs: [`out/${feature}-1.txt`] },
    T2: { ...steps('2', value), outputs: [`out/${feature}-2.txt`], depends_on: ['T1'] },
    T3: { ...steps('3', 0), outputs: [`out/${feature}-3.txt`], depends_on: ['T2'] },
  });
  return `specs/f${feature}/BACKLOG.yaml`;
}

interface Save {
  readonly calls: Pick<CountedCalls, 'started' | 'read'>;
  /** Events from the save on. */
  readonly events: readonly BuildEvent[];
}

/** Saves one spec again and again, each time with another value. `each` is called after each build. */
async function saves(features: number, count: number, each: (save: Save, at: number) => void): Promise<void> {
  await using rig = await createRig();
  specs(rig, features);
  let begun: () => void = () => {};
  await using watch = new RigWatch(rig, new ScriptedAgent({ auto: rig.answerer() }), {
    on: (event) => event.type === 'task.started' && begun(),
  });
  await watch.idle(1);
  for (let at = 1; at <= count; at++) {
    const path = saved(rig, 0, at);
    using calls = countCalls();
    const until = { started: [] as string[], read: [] as string[] };
    begun = () => {
      until.started.push(...calls.started);
      until.read.push(...calls.read);
      begun = () => {};
    };
    watch.event(path);
    const { events } = await watch.idle(at + 1);
    each({ calls: until, events }, at);
  }
}

/** Two objects share one if their ids begin alike. */
const FOLDER_OF_OBJECTS = /\/objects\/[0-9a-f]{2}$/;

test('between a save and the first task no program is started, and few files are read, in projects of any size', async () => {
  const read: number[] = [];
  for (const features of [2, 8]) {
    await saves(features, 3, ({ calls, events }, at) => {
      if (at < 3) return;
      expect(calls.started).toEqual([]);
      read.push(calls.read.filter((path) => !FOLDER_OF_OBJECTS.test(path)).length);
      const begun = events.filter(({ type }) => type === 'task.checked' || type === 'task.started');
      expect(begun.slice(0, 2)).toMatchObject([{ task: 'f0/T2' }, { type: 'task.started', task: 'f0/T2' }]);
    });
  }
  expect(read[1]).toBe(read[0]);
});

/** Entries of all lists, maps and sets that can be reached. */
function entriesOf(...roots: readonly object[]): Map<string, number> {
  const seen = new Set<object>();
  const sizes = new Map<string, number>();
  const visit = (value: unknown, path: string) => {
    // Of objects that were written lately, what is kept is bounded in bytes.
    if (value instanceof LooseWriter || value instanceof RecentObjects) return;
    if (value === null || typeof value !== 'object' || seen.has(value) || Buffer.isBuffer(value)) return;
    seen.add(value);
    const name = path.split('.').slice(0, 4).join('.');
    const add = (size: number) => sizes.set(name, (sizes.get(name) ?? 0) + size);
    if (value instanceof Map || value instanceof Set) {
      add(value.size);
      for (const [key, one] of value.entries()) {
        visit(key, `${path}.*`);
        visit(one, `${path}.*`);
      }
    } else if (Array.isArray(value)) {
      add(value.length);
      for (const one of value) visit(one, `${path}.*`);
    } else {
      add(Object.keys(value).length);
      for (const [key, one] of Object.entries(value)) visit(one, `${path}.${key}`);
    }
  };
  for (const [at, root] of roots.entries()) visit(root, `${at}`);
  return sizes;
}

test('what a watch keeps does not grow with the number of saves', async () => {
  const found = new Map<string, object>();
  const note = <T extends object>(name: string, prototype: T, method: keyof T) => {
    const before = prototype[method] as (...args: unknown[]) => unknown;
    const noting = function (this: object, ...args: unknown[]) {
      found.set(name, this);
      return before.apply(this, args);
    };
    prototype[method] = noting as T[keyof T];
    return () => {
      prototype[method] = before as T[keyof T];
    };
  };
  const undo = [
    note('memory', ProjectMemory.prototype, 'list'),
    note('state', SessionState.prototype, 'rest'),
    note('objects', GitObjects.prototype, 'read'),
  ];
  try {
    const sizes: Map<string, number>[] = [];
    await saves(2, 8, (_, at) => {
      if (at === 4 || at === 8) sizes.push(entriesOf(...found.values()));
    });
    expect(found.size).toBe(3);
    expect(Object.fromEntries(sizes[1] as Map<string, number>)).toEqual(
      Object.fromEntries(sizes[0] as Map<string, number>),
    );
  } finally {
    for (const one of undo) one();
  }
});
