/**
 * Reckons what a call of a model used where nobody tells: a step that is cut off, or a provider that sends no usage.
 * Pure.
 */

import type { Usage } from '../../../model/action.js';
import type { AssistantMessage, Part } from '../client.js';
import type { ModelPrice } from './model-prices.js';

const CHARACTERS_PER_TOKEN = 4;

interface Piece {
  readonly session: string;
  readonly message: string;
  /** Characters that the model wrote. */
  readonly written: number;
  /** Characters that came of it for the calls after it: the output of a tool. */
  readonly added: number;
}

export class UsageEstimate {
  private readonly price: ModelPrice | undefined;
  private readonly prompts = new Map<string, number>();
  private readonly pieces = new Map<string, Piece>();
  /** Messages whose call has been made, with their session. */
  private readonly open = new Map<string, string>();
  /** The last call of each session whose usage is known. */
  private readonly last = new Map<string, Usage>();

  constructor(price: ModelPrice | undefined) {
    this.price = price;
  }

  prompt(session: string, text: string): void {
    this.prompts.set(session, text.length);
  }

  part(part: Part): void {
    const { sessionID: session, messageID: message } = part;
    if (part.type === 'text' || part.type === 'reasoning') {
      this.put(part.id, { session, message, written: part.text.length, added: 0 });
    } else if (part.type === 'tool') {
      const { state } = part;
      const added = state.status === 'completed' ? state.output.length : 0;
      this.put(part.id, { session, message, written: JSON.stringify(state.input).length, added });
    }
  }

  delta(part: { sessionID: string; messageID: string; partID: string; delta: string }): void {
    const written = (this.pieces.get(part.partID)?.written ?? 0) + part.delta.length;
    this.pieces.set(part.partID, { session: part.sessionID, message: part.messageID, written, added: 0 });
    this.open.set(part.messageID, part.sessionID);
  }

  /** A message is announced when its model is called, and told of again when it ends. */
  message({ id, sessionID, time, error }: AssistantMessage): void {
    if (error || time?.completed !== undefined) this.open.delete(id);
    else this.open.set(id, sessionID);
  }

  /** The provider failed the call of a session, which is not paid for, and is to be asked again. */
  retries(session: string): void {
    for (const [message, of] of this.open) if (of === session) this.open.delete(message);
  }

  known(session: string, usage: Usage): void {
    this.last.set(session, usage);
  }

  wrote(message: string): boolean {
    return [...this.pieces.values()].some((piece) => piece.message === message && piece.written > 0);
  }

  /** Calls that have no end yet. */
  get calls(): { readonly message: string; readonly session: string }[] {
    return [...this.open].map(([message, session]) => ({ message, session }));
  }

  /** A call sends what the one before sent and got, or else all that is known of its session. */
  usage(session: string, message: string): Usage {
    const before = this.last.get(session);
    const own = [...this.pieces.values()].filter((piece) => piece.session === session);
    const sum = (pieces: readonly Piece[]) =>
      pieces.reduce((all, { written, added }) => all + written + added, 0);
    const sent = tokens(
      (this.prompts.get(session) ?? 0) + sum(own.filter((piece) => piece.message !== message)),
    );
    const tokensIn = before
      ? (before.tokensIn ?? 0) + (before.tokensCached ?? 0) + (before.tokensOut ?? 0)
      : sent;
    const written = own.filter((piece) => piece.message === message);
    const tokensOut = tokens(written.reduce((all, piece) => all + piece.written, 0));
    const { price } = this;
    const costUsd = price && (tokensIn * price.input + tokensOut * price.output) / 1e6;
    return { tokensIn, tokensOut, tokensCached: 0, ...(costUsd === undefined ? {} : { costUsd }) };
  }

  private put(id: string, piece: Piece): void {
    const before = this.pieces.get(id);
    this.pieces.set(id, { ...piece, written: Math.max(piece.written, before?.written ?? 0) });
  }
}

function tokens(characters: number): number {
  return Math.ceil(characters / CHARACTERS_PER_TOKEN);
}
