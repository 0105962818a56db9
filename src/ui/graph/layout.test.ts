/** Holds where the graph puts things: right of what they need, inside their feature, nothing over anything else. */

import { expect, test } from 'vitest';
import { columnsOf, ordered } from './layers.js';
import { type LayoutTask, layoutGraph, NODE } from './layout.js';

const task = (label: string, ...dependsOn: string[]): LayoutTask => ({
  label,
  feature: label.split('/')[0] as string,
  dependsOn,
});

const TASKS = [
  task('a/1'),
  task('a/2', 'a/1'),
  task('a/3', 'a/1'),
  task('a/4', 'a/2', 'a/3'),
  task('b/1', 'a/4'),
  task('b/2', 'b/1', 'nowhere/9'),
];

test('a task stands right of everything that it needs, in its feature', () => {
  const { features, edges } = layoutGraph(TASKS, new Set());
  const places = new Map(features.flatMap((one) => one.tasks.map((place) => [place.label, place] as const)));
  for (const { label, dependsOn } of TASKS)
    for (const need of dependsOn)
      if (places.has(need))
        expect(places.get(label)?.x).toBeGreaterThan((places.get(need)?.x ?? 0) + NODE.width);
  for (const { x, y, width, height, tasks } of features)
    for (const place of tasks) {
      expect(place.x).toBeGreaterThanOrEqual(x);
      expect(place.x + NODE.width).toBeLessThanOrEqual(x + width);
      expect(place.y + NODE.height).toBeLessThanOrEqual(y + height);
    }
  expect(edges).toHaveLength(6);
});

test('a closed feature is one box, and lines end at it once', () => {
  const { features, edges } = layoutGraph(TASKS, new Set(['a']));
  expect(features.find(({ name }) => name === 'a')).toMatchObject({ isOpen: false, tasks: [] });
  expect(edges.map(({ from, to }) => [from, to])).toEqual([
    ['a', 'b/1'],
    ['b/1', 'b/2'],
  ]);
});

test('no two boxes and no two tasks overlap in a large graph', () => {
  const many = Array.from({ length: 600 }, (_, i) =>
    task(`f${i % 12}/${i}`, ...(i > 24 ? [`f${(i - 13) % 12}/${i - 13}`, `f${i % 12}/${i - 12}`] : [])),
  );
  const { features, width, height } = layoutGraph(many, new Set());
  const boxes = features.map(({ x, y, width: w, height: h }) => ({ x, y, w, h }));
  const nodes = features.flatMap(({ tasks }) =>
    tasks.map(({ x, y }) => ({ x, y, w: NODE.width, h: NODE.height })),
  );
  expect(nodes).toHaveLength(600);
  for (const group of [boxes, nodes]) {
    const overlapping = group.filter((a, i) =>
      group
        .slice(i + 1)
        .some((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h),
    );
    expect(overlapping).toEqual([]);
  }
  expect(Math.max(...nodes.map(({ x }) => x))).toBeLessThan(width);
  expect(Math.max(...nodes.map(({ y }) => y))).toBeLessThan(height);
});

test('features that need each other in a circle are placed, too', () => {
  expect(
    columnsOf(
      ['a', 'b', 'c'],
      [
        ['a', 'b'],
        ['b', 'a'],
        ['b', 'c'],
      ],
    )
      .flat()
      .sort(),
  ).toEqual(['a', 'b', 'c']);
});

test('a crossing that can be avoided is', () => {
  const links = [
    ['a', 'y'],
    ['b', 'x'],
  ] as const;
  const [left = [], right = []] = ordered(
    [
      ['a', 'b'],
      ['x', 'y'],
    ],
    links,
  );
  expect(left.indexOf('a') < left.indexOf('b')).toBe(right.indexOf('y') < right.indexOf('x'));
});
