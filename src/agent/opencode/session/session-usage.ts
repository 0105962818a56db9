/** Adds up what a session and its sub-agents used, from their messages. Pure; knows no budget. */

import type { Usage } from '../../../model/action.js';
import { addUsage, largerUsage } from '../../usage.js';
import type { AssistantMessage, StepFinishPart } from '../client.js';
import type { ModelPrice } from './model-prices.js';
import { UsageEstimate } from './usage-estimate.js';

type Spent = Pick<AssistantMessage, 'cost' | 'tokens'>;

/**
 * The running total of one attempt. Each assistant message is one model call, told of both by its own totals and by
 * its step's: the larger one counts, and events that come twice count once. Compaction and sub-agents are messages
 * like any other.
 */
export class SessionUsage {
  private readonly messages = new Map<string, Usage>();
  private readonly steps = new Set<string>();
  readonly estimate: UsageEstimate;
  private readonly priced: boolean;

  /** Without a price the cost stays unknown instead of zero, so that a budget in money is not held by nothing. */
  constructor(priced: boolean, price?: ModelPrice) {
    this.priced = priced;
    this.estimate = new UsageEstimate(price);
  }

  message(info: AssistantMessage): void {
    this.estimate.message(info);
    this.put(info.id, info.sessionID, info);
  }

  /** A provider that sends no usage with an answer has done the work all the same: it is estimated. */
  step(part: StepFinishPart): void {
    this.steps.add(part.id);
    const { messageID, sessionID } = part;
    if (this.put(messageID, sessionID, part) || !this.estimate.wrote(messageID)) return;
    this.messages.set(messageID, this.estimate.usage(sessionID, messageID));
  }

  /** The session is cut off: calls that are under way are paid for, although nobody will tell what they used. */
  cutOff(): void {
    for (const { message, session } of this.estimate.calls) {
      if (!this.messages.has(message)) this.messages.set(message, this.estimate.usage(session, message));
    }
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

  /** False: it says nothing. A message is announced with zeros before its model has answered. */
  private put(message: string, session: string, spent: Spent): boolean {
    const usage = usageOfMessage(spent, this.priced);
    if (usage.tokensIn === 0 && usage.tokensOut === 0 && usage.tokensCached === 0 && !usage.costUsd)
      return false;
    this.messages.set(message, largerUsage(this.messages.get(message) ?? {}, usage));
    this.estimate.known(session, usage);
    return true;
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
