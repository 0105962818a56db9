/** What is one task's own of a file that holds the patches of others too. */

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Entry, encodeEntry } from '../../model/tree.js';
import { patchesOf } from './own-patch.js';
import { type Blobs, foldChanges } from './patch.js';

class Memory implements Blobs {
  private readonly contents = new Map<string, Buffer>();
  async read(id: string) {
    return this.contents.get(id);
  }
  async writeBlob(content: Buffer) {
    const id = createHash('sha1').update(content).digest('hex');
    this.contents.set(id, content);
    return id;
  }
  async entry(text: string): Promise<Entry> {
    return { mode: '100644', id: await this.writeBlob(Buffer.from(text)) };
  }
  async text(entry: Entry | undefined) {
    return entry && (await this.read(entry.id))?.toString('utf8');
  }
}

const text = (...lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
const PATH = 'list.txt';

/** The patch of a task that found `beside` (and perhaps its own former lines) and left `after`. */
async function own(plain: string, beside: string, after: string, shown = beside) {
  const memory = new Memory();
  const [p, b, s, a] = [
    await memory.entry(plain),
    await memory.entry(beside),
    await memory.entry(shown),
    await memory.entry(after),
  ];
  const sides = { plain: encodeEntry(p), beside: encodeEntry(b), shown: encodeEntry(s) };
  const captured = after === shown ? [] : [{ path: PATH, before: s, after: a }];
  const run = { edits: [PATH], editBases: { [PATH]: encodeEntry(p) }, editSides: { [PATH]: sides } };
  const patches = await patchesOf(memory, run, captured);
  const [patch] = patches;
  return {
    memory,
    base: p,
    others: { path: PATH, before: p, after: b },
    patch,
    before: await memory.text(patch?.before),
    after: await memory.text(patch?.after),
  };
}

test.each([
  ['behind a line of another task', ['a', 'x', 'me', 'z'], ['a', 'z'], ['a', 'me', 'z']],
  ['in front of it', ['a', 'me', 'x', 'z'], ['a', 'z'], ['a', 'me', 'z']],
  ['far from it', ['me', 'a', 'x', 'z'], ['a', 'z'], ['me', 'a', 'z']],
  ['of the line below one of another task, with that one', ['a', 'x', 'Z'], ['a', 'x', 'z'], ['a', 'x', 'Z']],
  ['of changed lines of another task, with these', ['a', 'X', 'z'], ['a', 'x', 'z'], ['a', 'X', 'z']],
])('a change %s', async (_name, after, before, wanted) => {
  const found = await own(text('a', 'z'), text('a', 'x', 'z'), text(...after));
  expect([found.before, found.after]).toEqual([text(...before), text(...wanted)]);
});

test('what others have done is no patch, and a former patch that stays is one', async () => {
  const [plain, beside] = [text('a', 'z'), text('a', 'x', 'z')];
  expect((await own(plain, beside, beside)).patch).toBeUndefined();
  const shown = text('a', 'x', 'mine', 'z');
  expect((await own(plain, beside, shown, shown)).after).toBe(text('a', 'mine', 'z'));
  // One that was taken out again.
  expect((await own(plain, beside, beside, shown)).patch).toBeUndefined();
});

test('together with the others every own part gives what the task left, up to the order at one place', async () => {
  const words = (prefix: string) =>
    fc
      .array(fc.tuple(fc.nat(4), fc.nat(99)), { maxLength: 4 })
      .map((all) => all.map(([place, n], i) => ({ place, line: `${prefix}${i}-${n};` })));
  const base = ['one();', 'two();', 'three();', 'four();'];
  await fc.assert(
    fc.asyncProperty(words('other'), words('mine'), async (theirs, mine) => {
      const put = (lines: readonly string[], added: typeof mine) =>
        base
          .flatMap((line, i) => [
            ...added.filter(({ place }) => place === i).map((one) => one.line),
            ...lines.filter((one) => one === line),
          ])
          .concat(added.filter(({ place }) => place === 4).map((one) => one.line));
      const beside = put(base, theirs);
      // Own lines stand behind those that others have put at the same place.
      const after = put(base, [...theirs, ...mine]);
      const found = await own(text(...base), text(...beside), text(...after));
      const changes = [found.others, ...(found.patch ? [found.patch] : [])];
      const whole = await foldChanges(found.memory, found.base, changes);
      expect(whole.left).toEqual([]);
      expect((await found.memory.text(whole.file))?.split('\n').sort()).toEqual(
        text(...after)
          .split('\n')
          .sort(),
      );
      const reversed = await foldChanges(found.memory, found.base, [...changes].reverse());
      expect(reversed.left).toEqual([]);
    }),
    { numRuns: 40 },
  );
});
