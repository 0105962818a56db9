/** Adds up what a session and its sub-agents used, from their messages. Pure; knows no budget. */

import type { Usage } from '../../../model/action.js';
import { addUsage, largerUsage } from '../../usage.js';
import type { AssistantMessage, StepFinishPart } from '../client.js';

type Spent = Pick<AssistantMessage, 'cost' | 'tokens'>;

/**
 * The running total of one attempt. Each assistant message is one model call, told of both by its own totals and by
 * its step's: the larger one counts, and events that come twice count once. Compaction and sub-agents are messages
 * like any other.
 */
export class SessionUsage {
  private readonly messages = new Map<string, Usage>();
  private readonly steps = new Set<string>();
  private readonly priced: boolean;

  /** Without a price the cost stays unknown instead of zero, so that a budget in money is not held by nothing. */
  constructor(priced: boolean) {
    this.priced = priced;
  }

  message(info: AssistantMessage): void {
    this.put(info.id, info);
  }

  step(part: StepFinishPart): void {
    this.steps.add(part.id);
    this.put(part.messageID, part);
  }

  /** Model calls that came to their end. */
  get stepCount(): number {
    return this.steps.size;
  }

  get total(): Usage {
    let sum: Usage = {};
    for (const one of this.messages.values()) sum = addUsage(sum, one);
    return sum;
  }

  private put(message: string, spent: Spent): void {
    const usage = usageOfMessage(spent, this.priced);
    // A message is announced with zeros before its model has answered: that says nothing yet.
    if (usage.tokensIn === 0 && usage.tokensOut === 0 && usage.tokensCached === 0 && !usage.costUsd) return;
    this.messages.set(message, largerUsage(this.messages.get(message) ?? {}, usage));
  }
}

function usageOfMessage({ cost, tokens }: Spent, priced: boolean): Usage {
  return {
    ...(priced || cost > 0 ? { costUsd: cost } : {}),
    // What is written to the provider's cache was sent as well; only what came out of it is cheaper.
    tokensIn: tokens.input + tokens.cache.write,
    tokensOut: tokens.output + tokens.reasoning,
    tokensCached: tokens.cache.read,
  };
}
