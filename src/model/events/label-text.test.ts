/** Holds that labels kept as a text are, to every reader, the list that they were made from. */

import { expect, test } from 'vitest';
import { featureOf } from '../history.js';
import { AT_ONCE, LabelText } from './label-text.js';

/** Names that JSON writes in other words, that begin alike, and that could be taken for what stands between labels. */
const FEATURES = ['a', 'aa', 'b-a', 'ä', 'x"y', 'x","y', 'x\\', ',', '[', '1 "', '\u2028', '</script>'];
const LABELS = Array.from(
  { length: 2 * AT_ONCE + 5 },
  (_, i) => `${FEATURES[i % FEATURES.length]}/T${i % 7 === 0 ? `${i}","` : i}`,
);
const whole = LabelText.of(LABELS);

test('a text has all labels in their order, also when it was kept and read again', () => {
  for (const text of [whole, LabelText.from(whole.text)]) {
    expect([...(text ?? [])]).toEqual(LABELS);
    expect(text?.length).toBe(LABELS.length);
    expect(JSON.parse(text?.json ?? '')).toEqual(LABELS);
    expect(JSON.parse(JSON.stringify({ text }))).toEqual({ text: LABELS });
  }
  const none = LabelText.from(LabelText.of([]).text);
  expect([[...(none ?? ['?'])], none?.length, none?.json]).toEqual([[], 0, '[]']);
});

test('what is another text is none', () => {
  for (const text of ['[]', '["a/T1"]', '1 ', '"a/T1"', '0 "a/T1"', '2 "a/T1","a/T2', '\n', ' "a/T1"'])
    expect([text, LabelText.from(text)]).toEqual([text, undefined]);
});

test('labels of few or of many features are left out, and no others', () => {
  const many = Array.from({ length: 40 }, (_, i) => `none${i}`);
  for (const features of [[], ['a'], ['x","y', ','], FEATURES, many, [...many, 'ä', 'x"y']]) {
    const out = new Set(features);
    const left = LABELS.filter((label) => !out.has(featureOf(label)));
    expect([...whole.without(out)]).toEqual(left);
    expect(whole.without(out).length).toBe(left.length);
  }
});
