/** Which results of a build are published together, and which wait for what, case by case. */

import { expect, test } from 'vitest';
import type { Label, Task } from '../../model/task.js';
import { TaskGraph } from '../../model/task-graph.js';
import { Dice } from '../../test/rig/random-project.js';
import { publishUnits, type UnitFacts } from './publish-units.js';

/** Tasks by label with what they depend on; `!` after a label: failed or not tried, `=`: up to date. All others are finished. */
function units(
  text: string,
  more: Partial<Pick<UnitFacts, 'mode' | 'heldBefore'>> & {
    readonly standing?: readonly Label[];
    readonly inCheckout?: readonly Label[];
  } = {},
) {
  const labels = (marks: string) =>
    new Set(
      text.split(/\s+/).flatMap((word) => {
        const [, label = '', mark = ''] = /^([^!=<]+)([!=]?)/.exec(word) ?? [];
        return mark === marks ? [label] : [];
      }),
    );
  const tasks = text.split(/\s+/).map((word) => {
    const [name = '', needs] = word.split('<');
    const label = name.replace(/[!=]/, '');
    return { label, feature: label.split('/')[0], dependsOn: needs?.split(',') ?? [] } as unknown as Task;
  });
  const decided = publishUnits({
    mode: more.mode ?? 'feature',
    graph: new TaskGraph(tasks),
    finished: labels(''),
    unfinished: labels('!'),
    standing: new Set(more.standing),
    heldBefore: more.heldBefore ?? new Map(),
    isInCheckout: (label) => more.inCheckout?.includes(label) === true,
  });
  return { published: [...decided.published], waiting: Object.fromEntries(decided.waiting), of: decided };
}

test('a feature without an open task is published, whatever becomes of others', () => {
  const { published, waiting, of } = units('a/1 a/2<a/1 b/1 b/2!');
  expect(published).toEqual(['a/1', 'a/2']);
  expect(waiting).toEqual({ 'b/1': ['b/2'] });
  expect([...of.heldFeatures]).toEqual(['b']);
});

test('what is up to date, and what was not asked for, keeps nothing back', () => {
  expect(units('a/1 a/2= a/3=<a/1').published).toEqual(['a/1']);
});

test('what was built on a waiting result waits with its whole feature', () => {
  const { published, waiting } = units('a/1 a/2! b/1<a/1 b/2 c/1<b/2 d/1');
  expect(published).toEqual(['d/1']);
  expect(waiting).toEqual({ 'a/1': ['a/2'], 'b/1': ['a/2'], 'b/2': ['a/2'], 'c/1': ['a/2'] });
});

test('a task that is up to date between two others passes the wait on, and its feature goes on', () => {
  const { published, waiting } = units('a/1 a/2! b/1=<a/1 b/2 c/1<b/1');
  expect(published).toEqual(['b/2']);
  expect(waiting).toEqual({ 'a/1': ['a/2'], 'c/1': ['a/2'] });
});

test('a dependent in another feature keeps a result back only where older files of it are in the checkout', () => {
  expect(units('a/1 b/1!<a/1').published).toEqual(['a/1']);
  const { published, waiting } = units('a/1 a/2 b/1!<a/1', { inCheckout: ['b/1'] });
  expect(published).toEqual([]);
  expect(waiting).toEqual({ 'a/1': ['b/1'], 'a/2': ['b/1'] });
});

test('so does a dependent that waits for something else', () => {
  const text = 'a/1 b/1<a/1 b/2!';
  expect(units(text).published).toEqual(['a/1']);
  expect(units(text, { inCheckout: ['b/1'] }).waiting).toEqual({ 'a/1': ['b/2'], 'b/1': ['b/2'] });
});

test('by task everything that was built is published', () => {
  expect(units('a/1 a/2! b/1<a/1', { mode: 'task', inCheckout: ['b/1'] })).toMatchObject({
    published: ['a/1', 'b/1'],
    waiting: {},
  });
});

test('by build one open task keeps everything back', () => {
  const { published, waiting, of } = units('a/1 b/1!', { mode: 'build' });
  expect(published).toEqual([]);
  expect(waiting).toEqual({ 'a/1': ['b/1'] });
  expect(of.isAllHeld).toBe(true);
  expect(units('a/1 b/1=', { mode: 'build' }).of).toMatchObject({ isAllHeld: false });
});

test('what was accepted stands already: it never waits, and waiting results stay back without it', () => {
  const { published, waiting } = units('a/1 a/2<a/1', {
    standing: ['a/2'],
    heldBefore: new Map([['a/1', ['a/3']]]),
  });
  expect(published).toEqual(['a/2']);
  expect(waiting).toEqual({ 'a/1': ['a/3'] });
});

test('every result is published or waits, and what waits is closed under what was built on it', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Dice(seed);
    const names = Array.from({ length: 12 }, (_, i) => `${'abc'[random.below(3)]}/${i}`);
    const words = names.map((name, i) => {
      const needs = names.slice(0, i).filter(() => random.below(5) === 0);
      return `${name}${['', '', '', '!', '='][random.below(5)]}${needs.length > 0 ? `<${needs.join(',')}` : ''}`;
    });
    const text = words.join(' ');
    const { published, waiting } = units(text);
    const finished = words.filter((word) => !/[!=]/.test(word)).map((word) => word.split('<')[0] as Label);
    expect([...published, ...Object.keys(waiting)].sort(), text).toEqual(finished.sort());
    const held = new Set(
      [...Object.keys(waiting), ...words.filter((word) => word.includes('!'))].map(
        (word) => word.split(/[!<]/)[0],
      ),
    );
    for (const word of words) {
      const [name = '', needs = ''] = word.split('<');
      if (!published.includes(name)) continue;
      expect(
        needs.split(',').filter((need) => held.has(need)),
        text,
      ).toEqual([]);
      expect(
        [...held].filter((label) => label?.startsWith(name.slice(0, 2))),
        text,
      ).toEqual([]);
    }
  }
});
