/** Whether a person agrees to what was shown. Without a terminal there is no consent. */

import { remark } from '../../output.js';
import { cancelOnSignals } from '../../signals.js';

export async function consent(
  { yes, json }: { readonly yes?: boolean; readonly json?: boolean },
  question: string,
): Promise<'yes' | 'no' | 'interrupted'> {
  if (yes) return 'yes';
  if (json) return 'no';
  const { askYes, canAsk, LeftAtQuestion } = await import('../../questions.js');
  if (!canAsk()) {
    remark('cannot ask without a terminal; --yes applies it');
    return 'no';
  }
  const signals = cancelOnSignals();
  try {
    return (await askYes(question, false, signals.signal)) ? 'yes' : 'no';
  } catch (error) {
    if (error instanceof LeftAtQuestion) return 'interrupted';
    throw error;
  } finally {
    signals.stop();
  }
}
