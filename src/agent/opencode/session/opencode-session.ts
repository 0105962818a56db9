/** One session of one attempt, from its creation to its removal. Knows no budget and no task. */

import { ownValue } from '../../../base/records/own-value.js';
import type { Failure, KeptOutput } from '../../../model/failure.js';
import type { ToolPart } from '../client.js';
import { AnswerWatch } from './answers.js';
import { type Blocked, blockedIn } from './blocked.js';
import type { ServerEvent, SessionListener } from './events.js';
import { LimitWatch } from './limits.js';
import { failureOfMessage, fruitless } from './opencode-failure.js';
import {
  ANSWER_MS,
  abortSession,
  inTime,
  messageName,
  noAnswer,
  postPrompt,
  refuse,
  said,
} from './session-calls.js';
import { SessionLifecycle } from './session-lifecycle.js';
import type { SessionEnd, SessionPlan, SessionTools } from './session-plan.js';

/** `over`: the session came to its end. `ended`: the agent did, which OpenCode does not know. */
type Why = 'over' | 'ended' | { readonly failure: Failure } | { readonly lost: string };

/**
 * Prompts a new session and waits until it is over, a limit is reached, `signal` aborts or the server dies. However
 * it ends it is aborted, awaited and deleted when this returns.
 */
export async function runSession(
  plan: SessionPlan,
  tools: SessionTools,
  signal: AbortSignal,
): Promise<SessionEnd> {
  const { client } = tools;
  const { directory, title } = plan;
  const create = () => inTime(client.session.create({ directory, title }), 6 * ANSWER_MS);
  // A session whose confirmation came too late does nothing without a prompt.
  const created = (await create()) ?? (await create());
  if (!created?.data) {
    const output = { log: plan.logFile, tail: tools.transcript.tail };
    return noAnswer(tools.lost, `the server could not create a session: ${said(created?.error)}`, output);
  }
  const session = new RunningSession(plan, tools, created.data.id);
  return session.run(signal);
}

class RunningSession implements SessionListener {
  private readonly plan: SessionPlan;
  private readonly tools: SessionTools;
  private readonly id: string;
  private readonly messageID: string;
  private readonly lifecycle = new SessionLifecycle();
  private readonly watch: LimitWatch;
  private readonly answers = new AnswerWatch();
  private blocked: Blocked | undefined;
  private timer: NodeJS.Timeout | undefined;
  private gone = false;
  private end: (why: Why) => void = () => {};
  private readonly ended: Promise<Why>;
  private onIdle: () => void = () => {};
  private readonly idle = new Promise<void>((resolve) => {
    this.onIdle = resolve;
  });

  constructor(plan: SessionPlan, tools: SessionTools, id: string) {
    this.plan = plan;
    this.tools = tools;
    this.id = id;
    this.messageID = messageName(id);
    this.watch = new LimitWatch(plan.limits, plan.model.providerID, tools.now());
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  async run(signal: AbortSignal): Promise<SessionEnd> {
    const { tools, plan } = this;
    const unfollow = tools.events.follow(this.id, this);
    const onAbort = () => this.end({ failure: { kind: 'cancelled' } });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    void tools.lost.then((lost) => this.end({ lost }));
    this.arm();
    try {
      tools.transcript.prompt(this.id, plan.prompt);
      tools.usage.estimate.prompt(this.id, plan.prompt);
      const refused = signal.aborted
        ? undefined
        : await postPrompt(tools.client, this.id, this.messageID, plan);
      if (refused !== undefined) this.end({ failure: this.agentError(refused) });
      const why = await this.ended;
      if (typeof why === 'object') this.cutOff(why);
      if (typeof why === 'object' && 'lost' in why) return { kind: 'lost', detail: why.lost };
      const over = why === 'over' ? await this.read() : undefined;
      if (why !== 'over') await abortSession(tools.client, this.id, plan.directory, this.idle);
      const failure = typeof why === 'object' ? why.failure : (over ?? this.blockedFailure());
      return failure ? { kind: 'failed', failure } : { kind: 'finished' };
    } finally {
      this.gone = true;
      clearTimeout(this.timer);
      signal.removeEventListener('abort', onAbort);
      await this.remove();
      unfollow();
      tools.transcript.finish();
    }
  }

  onEvent(event: ServerEvent, session: string): void {
    const { tools, watch, lifecycle } = this;
    const own = session === this.id;
    const now = tools.now();
    watch.heard(now);
    switch (event.type) {
      case 'message.updated':
      case 'message.part.updated':
      case 'message.part.delta':
        this.message(event, own);
        break;
      case 'session.status':
        watch.status(event.properties.status, now);
        if (event.properties.status.type === 'retry') tools.usage.estimate.retries(session);
        if (own) lifecycle.status(event.properties.status);
        break;
      case 'session.idle':
        if (!own) break;
        lifecycle.idle();
        this.onIdle();
        break;
      case 'session.error':
        if (own) lifecycle.error(event.properties.error);
        break;
      case 'permission.asked':
      case 'question.asked':
        refuse(tools.client, tools.transcript, this.plan.directory, event);
        break;
    }
    this.judge();
  }

  onGap(): void {
    this.lifecycle.missed();
    void this.ask();
  }

  private message(
    event: Extract<ServerEvent, { type: 'message.updated' | 'message.part.updated' | 'message.part.delta' }>,
    own: boolean,
  ): void {
    const { tools, lifecycle } = this;
    if (event.type === 'message.part.delta') {
      if (own) lifecycle.atWork();
      tools.usage.estimate.delta(event.properties);
      return;
    }
    if (event.type === 'message.updated') {
      const { info } = event.properties;
      if (info.role !== 'assistant') return;
      if (own) lifecycle.message(info);
      tools.usage.message(info);
      tools.transcript.message(info);
      tools.onUsage();
      return;
    }
    const { part } = event.properties;
    if (part.messageID === this.messageID) return;
    tools.transcript.part(part);
    this.answers.part(part);
    tools.usage.estimate.part(part);
    if (part.type === 'tool') this.tool(part);
    if (part.type === 'step-finish') {
      tools.usage.step(part);
      if (own) lifecycle.step(part.messageID);
      const meaning = this.answers.step(part);
      this.watch.stepped(tools.usage.stepCount, meaning === 'goes-on');
      tools.onUsage();
      if (own && meaning === 'ended') this.end('ended');
      if (this.answers.isFruitless) this.end({ failure: fruitless(this.asked, this.output()) });
    }
  }

  private tool(part: ToolPart): void {
    this.tools.observed.tool(part);
    this.tools.stated.tool(part);
    if (part.tool !== 'task') this.watch.tool(part.id, part.state.status === 'running');
    this.blocked ??= blockedIn(part);
  }

  /** A call beyond the limit of steps is refused before it is made. */
  private cutOff(why: Exclude<Why, string>): void {
    if ('failure' in why && why.failure.kind === 'step-limit') return;
    this.tools.usage.cutOff();
    this.tools.onUsage();
  }

  /** Ends the wait when the session is over or beyond a limit. */
  private judge(): void {
    if (this.lifecycle.over) this.end('over');
    if (this.lifecycle.overflowing) {
      const detail = 'it was compacted twice with no work in between';
      this.end({ failure: { kind: 'context-overflow', detail, output: this.output() } });
    }
    const failure = this.watch.exceeded(this.tools.now(), this.output());
    if (failure && failure.kind !== 'stalled') this.end({ failure });
  }

  /** Wakes at the next limit in time. Before a session counts as stalled the server is asked: an event may be lost. */
  private arm(): void {
    const ms = Math.max(1, this.watch.deadline - this.tools.now());
    this.timer = setTimeout(
      async () => {
        if (this.watch.exceeded(this.tools.now(), this.output())?.kind === 'stalled') await this.ask();
        this.judge();
        const failure = this.watch.exceeded(this.tools.now(), this.output());
        if (failure) this.end({ failure });
        // It may have ended while the server was asked: a timer would keep conductor from ending.
        else if (!this.gone) this.arm();
      },
      Math.min(ms, 2 ** 31 - 1),
    );
  }

  /** How things stand, from the server instead of its events. */
  private async ask(): Promise<void> {
    const { client } = this.tools;
    const { directory } = this.plan;
    const status = await inTime(client.session.status({ directory }));
    const found = await this.messages();
    if (!status?.data || !found) return;
    if (found.some(({ info }) => info.role === 'assistant')) this.lifecycle.atWork();
    const own = ownValue(status.data, this.id);
    if (own === undefined) this.lifecycle.idle();
    else this.lifecycle.status(own);
    this.judge();
  }

  private async messages() {
    const { client, usage, transcript } = this.tools;
    const answer = await inTime(
      client.session.messages({ sessionID: this.id, directory: this.plan.directory }),
    );
    for (const { info, parts } of answer?.data ?? []) {
      if (info.role !== 'assistant') continue;
      usage.message(info);
      for (const part of parts) {
        transcript.part(part);
        if (part.type === 'tool') this.tool(part);
        if (part.type === 'step-finish') usage.step(part);
      }
      transcript.message(info);
    }
    this.tools.onUsage();
    return answer?.data;
  }

  /** Whether a session that is over ended well. */
  private async read(): Promise<Failure | undefined> {
    // Most do, and then the server would only repeat what its events have said.
    if (this.lifecycle.endedWell) return undefined;
    const found = await this.messages();
    const last = (found ?? []).flatMap(({ info }) => (info.role === 'assistant' ? [info] : [])).at(-1);
    const { lifecycle } = this;
    if (!found && !lifecycle.errorSeen) return this.agentError('the session could not be read');
    if (last?.summary) return this.agentError('the session ended right after its compaction');
    return failureOfMessage(last, lifecycle.errorSeen, this.asked, this.output());
  }

  private blockedFailure(): Failure | undefined {
    return this.blocked && { kind: 'agent-blocked', ...this.blocked, output: this.output() };
  }

  private get asked() {
    return { provider: this.plan.model.providerID, steps: this.plan.limits.steps };
  }

  private async remove(): Promise<void> {
    const gone = this.tools.lost.then(() => undefined);
    const { directory } = this.plan;
    await Promise.race([gone, inTime(this.tools.client.session.delete({ sessionID: this.id, directory }))]);
  }

  private output(): KeptOutput {
    return { log: this.plan.logFile, tail: this.tools.transcript.tail };
  }

  private agentError(detail: string): Failure {
    return { kind: 'agent-error', detail, output: this.output() };
  }
}
