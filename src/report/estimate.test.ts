/** Holds what a person is told of what a build may cost. */

import { expect, test } from 'vitest';
import { type EstimatedTask, estimateTable, estimateText } from './estimate.js';
import { plainStyle } from './style.js';

const task = (more: Partial<EstimatedTask> = {}): EstimatedTask => {
  return { label: 'f/T1', tokens: 12_345, costUsd: 0.5, basis: 'like', from: 4, ...more };
};
const prompt = () => ({ label: 'f/T2', tokens: 500, basis: 'prompt', from: 0 }) as const;

test('an estimate says where it comes from', () => {
  expect(estimateText({ tasks: 3, agentTasks: [task(), task()] })).toBe(
    '3 tasks to build, 2 by agents: about 25k tokens, $1.00 (from similar tasks)',
  );
  expect(estimateText({ tasks: 1, agentTasks: [prompt()] })).toContain('prompts of about 500 tokens;');
  expect(estimateText({ tasks: 3, agentTasks: [] })).toBe('3 tasks to build, 0 by agents: no model call');
  expect(estimateText({ tasks: 1, agentTasks: [], ifGatesFail: [task()] })).toBe(
    '1 task to build, 0 by agents: no model call; 1 more task only if a gate fails on the former result (about 12k tokens)',
  );
  expect(estimateText({ tasks: 0, agentTasks: [] })).toBe('nothing to build');
  expect(estimateText({ tasks: 3, agentTasks: [], elsewhere: 1 })).toBe(
    '3 tasks to build, 0 by agents: no model call; 1 changed task of another feature is not counted',
  );
  expect(estimateText({ tasks: 0, agentTasks: [], elsewhere: 2 })).toBe(
    'nothing to build; 2 changed tasks of other features are not counted',
  );
});

test('what has no price and what is only a prompt is not hidden in a sum', () => {
  expect(estimateText({ tasks: 2, agentTasks: [task(), prompt()] })).toBe(
    '2 tasks to build, 2 by agents: about 13k tokens, $0.50 and 1 without a known price (1 by its prompt only, which is less than it will be)',
  );
});

test('each task is told with its basis', () => {
  const agentTasks = [
    task({ model: 'acme/one' }),
    task({ basis: 'type', from: 1 }),
    task({ basis: 'all', from: 9 }),
    prompt(),
  ];
  expect(estimateTable({ tasks: 4, agentTasks }, plainStyle)).toBe(
    [
      'f/T1  acme/one  12k tokens  $0.50           as 4 tasks of its type, complexity and model',
      'f/T1            12k tokens  $0.50           as 1 task of its type',
      'f/T1            12k tokens  $0.50           as 9 tasks of other types',
      'f/T2            500 tokens  no known price  only its prompt',
      '',
    ].join('\n'),
  );
});
