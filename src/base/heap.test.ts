import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Heap } from './heap.js';

test('what is taken is the smallest of what is in it', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (steps) => {
      const heap = new Heap();
      const model: number[] = [];
      for (const step of steps) {
        if (step === undefined) {
          model.sort((a, b) => a - b);
          expect(heap.take()).toBe(model.shift());
        } else {
          heap.add(step);
          model.push(step);
        }
        expect(heap.size).toBe(model.length);
      }
    }),
  );
});
