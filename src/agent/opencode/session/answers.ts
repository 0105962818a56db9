/** Tells an answer of the model from none, where its provider gives no reason for its end. Pure. */

import type { Part, StepFinishPart } from '../client.js';

/** Reasons that every provider's library knows; all others, and none, are `unknown` in OpenCode. */
const KNOWN = new Set(['stop', 'length', 'content-filter', 'error']);
/** Answers without an end, one after the other, that are the provider's fault. */
const MAX_IN_VAIN = 3;

/** What the end of a step means. `over`: OpenCode ends by itself. `ended`: an end that OpenCode does not know as one. */
export type StepMeaning = 'goes-on' | 'over' | 'ended' | 'in-vain';

/**
 * OpenCode asks again at once when a step ends for a reason that it does not know. A provider's own words for the end
 * (`end_turn`, `eos`) are such a reason, and so is an answer that is none: a page of a proxy, a cut or empty stream.
 */
export class AnswerWatch {
  private readonly said = new Set<string>();
  private readonly called = new Set<string>();
  private hasUsage = false;
  private inVain = 0;

  part(part: Part): void {
    if (part.type === 'tool') this.called.add(part.messageID);
    if (part.type === 'text' && part.text.trim() !== '') this.said.add(part.messageID);
  }

  step({ messageID, reason, tokens }: Pick<StepFinishPart, 'messageID' | 'reason' | 'tokens'>): StepMeaning {
    const isCounted = tokens.input + tokens.output + tokens.cache.read + tokens.cache.write > 0;
    // A stream that was cut off tells no usage; a provider that never tells any is known by its text alone.
    const isWhole = this.said.has(messageID) && (isCounted || !this.hasUsage);
    this.hasUsage ||= isCounted;
    if (reason === 'tool-calls' || this.called.has(messageID)) {
      this.inVain = 0;
      return 'goes-on';
    }
    if (KNOWN.has(reason) || isWhole) {
      this.inVain = 0;
      return KNOWN.has(reason) ? 'over' : 'ended';
    }
    this.inVain++;
    return 'in-vain';
  }

  /** Whether it is the provider's fault that the session does not go on. */
  get isFruitless(): boolean {
    return this.inVain >= MAX_IN_VAIN;
  }
}
