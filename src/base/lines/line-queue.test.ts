import { expect, test } from 'vitest';
import { lineQueue } from './line-queue.js';

test('what is flushed is written, also while lines are gathered, and the queue goes on', async () => {
  const written: string[] = [];
  const queue = lineQueue(async (text) => {
    written.push(text);
  });
  queue.add('a\n');
  queue.add('b\n');
  await queue.flush();
  expect(written.join('')).toBe('a\nb\n');
  queue.add('c\n');
  queue.add('d\n');
  await queue.close();
  expect(written.join('')).toBe('a\nb\nc\nd\n');
});

test('an error that has ended the queue is told to each that waits for it', async () => {
  const queue = lineQueue(() => Promise.reject(new Error('full')));
  queue.add('a\n');
  await expect(queue.flush()).rejects.toThrow('full');
  queue.add('b\n');
  await expect(queue.close()).rejects.toThrow('full');
});
