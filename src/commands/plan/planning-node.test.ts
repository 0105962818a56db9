import { expect, test } from 'vitest';
import type { Manifest } from '../../model/action.js';
import { isWrittenFrom, type PlanningNode } from './planning-node.js';

const items = (values: Readonly<Record<string, string>>): Manifest =>
  Object.entries(values).map(([name, value]) => ({ name, value, show: 'text' }));
const from = (former: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>) =>
  isWrittenFrom(items(former), { manifest: items(now) } as PlanningNode);

const NOW = { recipe: 'plan spec', agent: 'driver', request: 'r' };
/** As conductor wrote it when its own prompts and definitions were in keys. */
const FORMER = { ...NOW, agent: 'driver\n{"steps":1}\nYou plan.', prompt: 'Plan this: r' };

test('a document of a former form is of the same sources, whatever words conductor had for its planners', () => {
  expect(from(FORMER, NOW)).toBe(true);
  expect(from({ ...FORMER, agent: 'driver' }, NOW)).toBe(true);
  expect(from(FORMER, { ...NOW, request: 'more' })).toBe(false);
  expect(from(FORMER, { ...NOW, agent: 'other' })).toBe(false);
  expect(from(FORMER, { ...NOW, model: 'm' })).toBe(false);
});

test("a project's own prompt and definition have to be the same", () => {
  const own = { ...NOW, 'own agent': '{"steps":1}\nYou plan.', 'own prompt': 'Plan this: r' };
  expect(from(FORMER, own)).toBe(true);
  expect(from(FORMER, { ...own, 'own prompt': 'Plan: r' })).toBe(false);
  expect(from(FORMER, { ...own, 'own agent': '{"steps":2}\nYou plan.' })).toBe(false);
  expect(from(own, NOW)).toBe(false);
});
