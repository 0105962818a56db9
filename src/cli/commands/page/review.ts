/** `conductor review <from>..<to>`: what changed between two commits, task by task. */

import { parseRange, reviewRange } from '../../../commands/review/review.js';
import { reviewMarkdown, reviewText } from '../../../report/review.js';
import { print, printJson, refuse, styleFor } from '../../output.js';
import { createHost } from '../../wire.js';

interface ReviewFlags {
  readonly json?: boolean;
  readonly markdown?: boolean;
}

export async function runReview(text: string, flags: ReviewFlags): Promise<number> {
  const range = parseRange(text);
  if (!range) {
    return refuse({
      kind: 'usage',
      message: `${text} is not a range of commits`,
      hint: 'write two commits with two dots between them: `conductor review main..HEAD`',
    });
  }
  const review = await reviewRange(createHost(process.cwd()), range);
  if (!review.ok) return refuse(review.error);
  if (flags.json) printJson({ schema: 1, ...review.value });
  else if (flags.markdown) print(reviewMarkdown(review.value));
  else print(reviewText(review.value, styleFor(process.stdout)));
  return 0;
}
