import { describe, expect, test } from 'vitest';
import { addUsage, parseUsageText, usageSince } from './usage.js';

describe('a usage file', () => {
  test('with one object says the total, also over several lines', () => {
    expect(parseUsageText('{\n "costUsd": 1.5,\n "tokensIn": 3\n}\n')).toEqual({ costUsd: 1.5, tokensIn: 3 });
  });
  test('with a line for each call is added up, and a line still being written waits', () => {
    expect(parseUsageText('{"costUsd":1}\n{"costUsd":2,"tokensOut":4}\n{"costUsd":9')).toEqual({
      costUsd: 3,
      tokensOut: 4,
    });
  });
  test('cannot give money back or hide it behind what is no number', () => {
    expect(parseUsageText('{"costUsd":5}\n{"costUsd":-5,"tokensIn":"x"}\n[1]\nnoise')).toEqual({
      costUsd: 5,
    });
  });
});

test('an unknown cost stays unknown and is not taken for zero', () => {
  expect(addUsage({ tokensIn: 1 }, { tokensIn: 2 })).toEqual({ tokensIn: 3 });
  expect(usageSince({ tokensIn: 1 }, { tokensIn: 5, costUsd: 0.5 })).toEqual({ tokensIn: 4, costUsd: 0.5 });
});
