/**
 * Asks an agent for a document until one is valid: the cached response, else one session after the other, each in its
 * own workspace. Knows no particular document.
 */

import { evidence, withEvidence } from '../../agent/prompts/evidence.js';
import { addUsage } from '../../agent/usage.js';
import { err, ok, type Result } from '../../base/result.js';
import type { ActionKey, Usage } from '../../model/action.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import { guarded, isWorthRetry } from '../attempt-failure.js';
import type { ExecutionContext } from '../executor.js';
import type { Accepted, AgentRequest, AgentResponse, Refusal, RequestParts } from './request.js';
import { ResponseStore } from './response-store.js';

/** The stored response to the same request, else a new one, which is stored. Fails with the last attempt's failure. */
export async function requestDocument<T>(
  parts: RequestParts,
  request: AgentRequest<T>,
  context: ExecutionContext,
): Promise<Result<AgentResponse<T>, Failure>> {
  const found = await new ResponseStore(parts).find(request);
  if (!found.ok) return found;
  return 'text' in found.value ? ok(found.value) : askForDocument(parts, request, found.value.key, context);
}

/** A new response, stored under `key` if there is one. */
export async function askForDocument<T>(
  parts: RequestParts,
  request: AgentRequest<T>,
  key: ActionKey | undefined,
  context: ExecutionContext,
): Promise<Result<AgentResponse<T>, Failure>> {
  return new Asking(parts, request, context).response(key);
}

class Asking<T> {
  private readonly parts: RequestParts;
  private readonly request: AgentRequest<T>;
  private readonly context: ExecutionContext;
  /** The prompt of the next session, and the text that its workspace shows at the document's path. */
  private prompt: string;
  private shown: string | undefined;
  /** The evidence of failed attempts, without answers that were sent back. */
  private readonly tried: string[] = [];
  private refusal: { readonly text: string; readonly reason: Refusal } | undefined;
  private refused = 0;
  private usage: Usage = {};
  /** What earlier sessions have used, and the running one. */
  private before: Usage = {};
  private current: Usage = {};

  constructor(parts: RequestParts, request: AgentRequest<T>, context: ExecutionContext) {
    this.parts = parts;
    this.request = request;
    this.context = context;
    this.prompt = request.prompt;
    this.shown = request.former?.text;
  }

  async response(key: ActionKey | undefined): Promise<Result<AgentResponse<T>, Failure>> {
    const { parts, request, context } = this;
    const startedAt = parts.now();
    const { draft } = request;
    if (draft) {
      this.refusal = { text: draft.text, reason: draft.refusal };
      const sent = await this.sendBack(0, draft.refusal.failure);
      if (!sent.ok) return sent;
    }
    for (let attempt = 1; ; attempt++) {
      this.refusal = undefined;
      const answer = await guarded(() => this.attempt(attempt));
      if (answer.ok) {
        if (key === undefined) return ok({ ...answer.value, key });
        const { text } = answer.value;
        const response = { key, text, attempts: attempt, startedAt, usage: this.usage };
        const kept = await guarded(() => new ResponseStore(parts).keep(request, response));
        return kept.ok ? ok({ ...answer.value, key }) : kept;
      }
      const failure = answer.error;
      if (attempt >= request.attempts || !isWorthRetry(failure)) return err(failure);
      if (!request.beside)
        context.emit({ type: 'task.attempt-failed', task: request.label, attempt, failure });
      const sent = await this.sendBack(attempt, failure);
      if (!sent.ok) return sent;
      this.before = addUsage(this.before, this.current);
      this.current = {};
    }
  }

  /** Runs one session and checks its answer. */
  private async attempt(number: number): Promise<Result<Accepted<T>, Failure>> {
    const { request, parts, context } = this;
    const { label, payer, budget, definition, model, output, former } = request;
    const outcome = await parts.executor.askAgent(
      {
        label,
        work: { phase: request.phase },
        payer,
        budget,
        attempt: number,
        prompt: withEvidence(this.prompt, this.tried),
        agent: parts.agent.name,
        definition,
        ...(model === undefined ? {} : { model }),
        inputTree: await this.inputTree(),
        output,
      },
      { signal: context.signal, emit: (event) => this.tell(event) },
    );
    if (Object.keys(outcome.usage).length > 0) {
      this.usage = outcome.usage;
      context.meter?.used(outcome.usage);
    }
    if (!outcome.ok) return err(outcome.failure);
    const text = ((await parts.objects.read(outcome.document)) ?? Buffer.alloc(0)).toString('utf8');
    if (number === 1 && former?.isOutdated && text === former.text) return err({ kind: 'nothing-done' });
    const checked = await request.check(text);
    if (checked.ok) return checked;
    this.refusal = { text, reason: checked.error };
    return err(checked.error.failure);
  }

  /** Prepares the next session after one that failed. */
  private async sendBack(attempt: number, failure: Failure): Promise<Result<undefined, Failure>> {
    const { refusal, request } = this;
    if (!refusal || !request.correct) {
      this.tried.push(evidence(attempt, failure));
      return ok(undefined);
    }
    this.refused++;
    const prompt = await request.correct(refusal.reason, this.refused);
    if (!prompt.ok) return prompt;
    this.prompt = prompt.value;
    this.shown = refusal.text;
    return ok(undefined);
  }

  private async inputTree(): Promise<ObjectId> {
    const { inputTree, output } = this.request;
    if (this.shown === undefined) return inputTree;
    const { objects } = this.parts;
    const id = await objects.writeBlob(Buffer.from(this.shown));
    return objects.editTree(inputTree, new Map([[output, { mode: '100644' as const, id }]]));
  }

  /** Emits an event. Events of a request beside a task belong to that task, in a phase of their own. */
  private tell(event: BuildEventBody): void {
    const { emit } = this.context;
    const { beside } = this.request;
    if (event.type === 'task.usage') this.current = event.usage;
    if (!beside) {
      emit(event);
      return;
    }
    const { task, attempt, phase } = beside;
    switch (event.type) {
      case 'task.usage':
        emit({ ...event, task, attempt, phase, usage: addUsage(this.before, event.usage) });
        break;
      case 'task.phase':
        if (event.phase === 'session-wait') emit({ ...event, task, attempt });
        if (event.phase === 'agent') emit({ type: 'task.phase', task, attempt, phase });
        break;
      case 'task.output':
      case 'agent.finished':
        emit({ ...event, task, attempt });
        break;
      case 'warning':
        emit({ ...event, task });
        break;
      default:
    }
  }
}
