/** A yes-or-no question on a terminal. Knows nothing of what is asked. */

import { createInterface } from 'node:readline/promises';
import type { OutputStream } from './output.js';

/** Anything but a yes is a no; Ctrl-C, the end of the input and the signal interrupt. */
export async function confirm(
  question: string,
  output: OutputStream,
  signal: AbortSignal,
): Promise<'yes' | 'no' | 'interrupted'> {
  const lines = createInterface({ input: process.stdin, output });
  const stopped = new AbortController();
  lines.on('SIGINT', () => stopped.abort());
  lines.on('close', () => stopped.abort());
  try {
    const answer = await lines.question(question, { signal: AbortSignal.any([signal, stopped.signal]) });
    return /^\s*(y|yes)\s*$/i.test(answer) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') {
      output.write('\n');
      return 'interrupted';
    }
    throw error;
  } finally {
    lines.close();
  }
}
