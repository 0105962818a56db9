import { expect, test } from 'vitest';
import type { ModelRoute, RouteCondition } from '../model/routes.js';
import { chooseModel, type RoutedTask, routedModels } from './routing.js';

const task = (more: Partial<RoutedTask> = {}): RoutedTask => ({
  label: 'notes/T01',
  feature: 'notes',
  type: 'implementation',
  complexity: 'medium',
  model: undefined,
  ...more,
});
const defaults = { definition: undefined, config: 'p/default' };
const model = (routes: readonly ModelRoute[], more: Partial<RoutedTask> = {}, attempt = 1) =>
  chooseModel(task(more), attempt, routes, defaults).model;

test("a task's own model comes first, then the route, the agent definition and the config", () => {
  const routes = [{ model: 'p/route' }];
  expect(model(routes, { model: 'p/own' })).toBe('p/own');
  expect(model(routes)).toBe('p/route');
  expect(chooseModel(task(), 1, [], { ...defaults, definition: 'p/definition' }).model).toBe('p/definition');
  expect(model([])).toBe('p/default');
});

test.each<[string, RouteCondition, Partial<RoutedTask>, Partial<RoutedTask>]>([
  ['type', { type: ['bugfix', 'test'] }, { type: 'test' }, { type: 'refactor' }],
  ['complexity', { complexity: 'high' }, { complexity: 'high' }, { complexity: 'low' }],
  ['feature', { feature: 'not*' }, {}, { feature: 'auth', label: 'auth/T01' }],
  ['label', { label: ['x/*', 'notes/T0*'] }, {}, { label: 'notes/T10' }],
  [
    'all keys together',
    { type: 'test', complexity: 'low' },
    { type: 'test', complexity: 'low' },
    { type: 'test' },
  ],
])('a route is taken by %s', (_what, when, fits, other) => {
  const routes = [{ when, model: 'p/special' }, { model: 'p/rest' }];
  expect(model(routes, fits)).toBe('p/special');
  expect(model(routes, other)).toBe('p/rest');
});

test('a route for later attempts takes over from its attempt on', () => {
  const routes = [{ when: { attempt: 2 }, model: 'p/second' }, { model: 'p/first' }];
  expect([1, 2, 3].map((attempt) => model(routes, {}, attempt))).toEqual(['p/first', 'p/second', 'p/second']);
});

test('fallbacks and the stronger model never name the model itself', () => {
  const route = { model: 'p/a', fallbacks: ['p/a', 'q/b'], stronger: 'p/a' };
  expect(chooseModel(task(), 1, [route], defaults)).toEqual({ model: 'p/a', fallbacks: ['q/b'] });
});

test('a split gives each task one arm for good, in about the shares that are written', () => {
  const route: ModelRoute = {
    split: { 'p/a': 0.75, terse: 0.25 },
    arms: { terse: { model: 'q/b', prompt: 'terse.md' } },
  };
  const choices = Array.from({ length: 2000 }, (_, i) =>
    chooseModel(task({ label: `f/T${i}` }), 1, [route], defaults),
  );
  const terse = choices.filter(({ arm }) => arm === 'terse');
  expect(terse.length / choices.length).toBeGreaterThan(0.22);
  expect(terse.length / choices.length).toBeLessThan(0.28);
  expect(terse[0]).toEqual({ arm: 'terse', model: 'q/b', prompt: 'terse.md', fallbacks: [] });
  expect(choices.find(({ arm }) => arm === 'p/a')?.model).toBe('p/a');
  const again = chooseModel(task({ label: 'f/T7' }), 2, [route], defaults);
  expect(again).toEqual(choices[7]);
});

test('an arm without a share is never taken', () => {
  const route: ModelRoute = { split: { 'p/a': 0, 'p/b': 1 } };
  expect(model([route])).toBe('p/b');
});

test('every model that routes name is known before anything starts', () => {
  const routes: ModelRoute[] = [
    { model: 'p/a', fallbacks: ['q/b'], stronger: 'p/c' },
    { split: { 'p/a': 1, x: 1 }, arms: { x: { model: 'p/d' } } },
  ];
  expect(routedModels(routes).sort()).toEqual(['p/a', 'p/c', 'p/d', 'q/b']);
});
