/** The driver `inbox`: each prompt becomes a folder with files, which a person or any program answers. */

import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { append } from '../../io/files.js';
import { type Environment, expandHome } from '../../io/process/environment.js';
import { cleanReport } from '../../model/agents/agent-report.js';
import type { InboxAgentConfig } from '../../model/config.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure, KeptOutput } from '../../model/failure.js';
import { type Agent, type AgentExit, type AgentRequest, lastWordsOf } from '../agent.js';
import { DefinitionTexts } from '../prompts/definition-texts.js';
import { usageOf } from '../usage.js';
import { ANSWER, type Answer, type AnswerTexts, answerTexts, applyAnswer, readAnswer } from './answer.js';
import { type InboxRequest, RequestFolder, removeStale, SESSION } from './request-folder.js';

/** Below the project's own folder, which git does not see. */
export const DEFAULT_INBOX = '.conductor/inbox';
/** How often conductor looks for an answer. */
const POLL_MS = 200;
const LEASE_MINUTES = 30;
/** For somebody to begin; a day, since people sleep. */
const WAIT_MINUTES = 24 * 60;

/** The folder of a config's inbox, absolute. */
export function inboxFolder(
  { folder = DEFAULT_INBOX }: InboxAgentConfig,
  project: string,
  env: Environment,
): string {
  return resolve(project, expandHome(folder, env));
}

export interface InboxHost {
  /** Absolute. */
  readonly folder: string;
  readonly project: string;
  /** The agent that is configured, if the inbox stands in for it: keys of tasks are those of that agent. */
  readonly as?: { readonly agent: Agent | undefined };
  /** Milliseconds since 1970, UTC. */
  now(): number;
}

let requests = 0;

export class InboxAgent implements Agent {
  readonly name = 'inbox';
  /** Who answers is no part of a task, as little as what a model knows. */
  readonly identity: string;
  readonly reportsBy = 'answer';
  readonly reportsCost: boolean;
  readonly secrets: readonly string[];
  readonly useDefinitions?: DefinitionTexts['use'];
  readonly definitionsAreText: boolean;
  private readonly config: InboxAgentConfig;
  private readonly host: InboxHost;
  private readonly definitions = new DefinitionTexts();
  private swept: Promise<void> | undefined;

  constructor(config: InboxAgentConfig, host: InboxHost) {
    this.config = config;
    this.host = host;
    this.reportsCost = config.reportsCost ?? false;
    const { as } = host;
    // `none` is what stands in keys where no agent is configured.
    this.identity = as ? (as.agent?.identity ?? 'none') : canonicalJson({ driver: 'inbox' });
    this.secrets = as?.agent?.secrets ?? [];
    this.definitionsAreText = as?.agent?.definitionsAreText ?? false;
    if (!as || as.agent?.useDefinitions) {
      this.useDefinitions = (definitions) => this.definitions.use(definitions);
    }
  }

  withDefinition(name: string | undefined, prompt: string): string {
    return this.definitions.above(name, prompt);
  }

  async close(): Promise<void> {
    await this.host.as?.agent?.close?.();
  }

  async run(request: AgentRequest): Promise<AgentExit> {
    const { folder, project, now } = this.host;
    this.swept ??= removeStale(folder, project);
    await this.swept;
    if (request.signal.aborted) return failed({ kind: 'cancelled' });
    const made = await RequestFolder.create(folder, this.describe(request), request.prompt, now);
    request.onEvent({ kind: 'output', line: `waits for an answer in ${made.path}` });
    const open = new OpenTime(request, now);
    const problem = await this.answered(request, made, open).finally(() => open.ends());
    if (problem) {
      await made.cancel(WHY[problem.kind] ?? 'conductor does not need it any more');
      return failed(problem);
    }
    return this.take(request, made);
  }

  private describe(request: AgentRequest): InboxRequest {
    const { label, attempt, cwd, agentName, model, variant, network, expected, phase } = request;
    const leaseMinutes = this.config.limits?.leaseMinutes ?? LEASE_MINUTES;
    return {
      schema: 1,
      id: this.nameOf(request),
      session: SESSION,
      pid: process.pid,
      project: this.host.project,
      task: label,
      role: phase ?? 'implementation',
      ...(agentName === undefined ? {} : { agent: agentName }),
      ...(model === undefined ? {} : { model }),
      ...(variant === undefined ? {} : { variant }),
      attempt,
      workspace: cwd,
      expected: expected ?? { kind: 'files', outputs: [], edits: [] },
      network,
      log: request.logFile,
      limits: { minutes: request.timeoutMs / 60_000, leaseMinutes },
      promptBytes: Buffer.byteLength(request.prompt),
    };
  }

  /** Sorts by the time of the request, and says which task it is: `20300101T000000-1-f~T1-1`. */
  private nameOf({ label, attempt }: AgentRequest): string {
    const at = new Date(this.host.now()).toISOString().replace(/[-:]|\.\d+Z$/g, '');
    const task = label.replaceAll('/', '~').replace(/[^\w.~-]/g, '-');
    return `${at}-${++requests}-${task}-${attempt}`;
  }

  /** Waits for the answer. Returns why there is none. */
  private async answered(
    request: AgentRequest,
    made: RequestFolder,
    open: OpenTime,
  ): Promise<Failure | undefined> {
    const { now } = this.host;
    const leaseMs = (this.config.limits?.leaseMinutes ?? LEASE_MINUTES) * 60_000;
    const waitMinutes = this.config.limits?.waitMinutes ?? WAIT_MINUTES;
    const output: KeptOutput = { log: request.logFile, tail: '' };
    let holder: { readonly by: string; readonly since: number } | undefined;
    for (;;) {
      if (request.signal.aborted) return { kind: 'cancelled' };
      const found = await made.look();
      switch (found.kind) {
        case 'answered':
          return undefined;
        case 'removed': {
          const detail = 'the folder of the request was removed';
          return { kind: 'agent-error', detail, output };
        }
        case 'released':
          request.onEvent({ kind: 'output', line: `given back by ${holder?.by || 'its holder'}` });
          holder = undefined;
          open.begins();
          // What the holder left would be taken for the work of the next one.
          await request.reset();
          await made.free();
          break;
        case 'unseen':
          break;
        case 'open':
          holder = undefined;
          open.begins();
          if (open.ms > waitMinutes * 60_000) {
            const detail = `nobody took the request within ${waitMinutes} minutes`;
            return { kind: 'provider-unavailable', provider: 'inbox', detail, output };
          }
          break;
        case 'claimed':
          if (holder?.by !== found.by) {
            open.ends();
            holder = { by: found.by, since: now() };
            request.onEvent({ kind: 'output', line: `taken by ${found.by || 'somebody'}` });
          }
          if (now() - holder.since > request.timeoutMs) {
            return { kind: 'timed-out', what: 'the agent', minutes: request.timeoutMs / 60_000, output };
          }
          if (now() - found.renewedAt > leaseMs) {
            request.onEvent({
              kind: 'output',
              line: `freed: ${found.by || 'its holder'} gave no sign of life`,
            });
            holder = undefined;
            open.begins();
            await request.reset();
            await made.free();
          }
          break;
      }
      await wait(POLL_MS, undefined, { signal: request.signal }).catch(() => {});
    }
  }

  private async take(request: AgentRequest, made: RequestFolder): Promise<AgentExit> {
    const { logFile, cwd, expected = { kind: 'files', outputs: [], edits: [] } } = request;
    const texts = answerTexts(made.path);
    if (texts.ok) {
      for (const [part, text] of Object.entries(texts.value)) {
        await append(logFile, `${ANSWER[part as keyof AnswerTexts]}\n${text}\n`);
      }
    }
    await made.remove();
    const read = texts.ok ? await readAnswer(texts.value, expected) : texts;
    if (!read.ok) {
      return failed({ kind: 'agent-error', detail: read.error, output: { log: logFile, tail: '' } });
    }
    const answer = read.value;
    const usage = usageOf(answer.usage) ?? {};
    const report = cleanReport(answer.report ?? {});
    const words = {
      ...lastWordsOf(answer.message),
      ...this.modelOf(answer),
      ...(report === undefined ? {} : { report }),
    };
    const failure = failureOf(answer, request);
    if (failure) return { kind: 'failed', failure, usage, ...words };
    const applied = await applyAnswer(cwd, answer, expected);
    if (!applied.ok) return { kind: 'failed', failure: applied.error, usage, ...words };
    const observed = answer.observed === undefined ? {} : { observed: [...new Set(answer.observed)].sort() };
    return { kind: 'finished', usage, ...observed, ...words };
  }

  /** The configured model did not do what is answered in its place. */
  private modelOf({ model }: Answer): { model?: string } {
    if (model !== undefined) return { model };
    return this.host.as ? { model: 'inbox' } : {};
  }
}

/** The time while nobody has taken a request: no limit of time holds it. */
class OpenTime {
  private readonly onEvent: AgentRequest['onEvent'];
  private readonly now: () => number;
  private since: number | undefined;

  constructor({ onEvent }: AgentRequest, now: () => number) {
    this.onEvent = onEvent;
    this.now = now;
    this.begins();
  }

  get ms(): number {
    return this.since === undefined ? 0 : this.now() - this.since;
  }

  /** Nobody holds it (any more). */
  begins(): void {
    this.since ??= this.now();
  }

  /** Somebody has taken it, or it is over. */
  ends(): void {
    if (this.since !== undefined) this.onEvent({ kind: 'waited', ms: this.ms });
    this.since = undefined;
  }
}

/** What stands in the file `cancelled`. */
const WHY: Partial<Record<Failure['kind'], string>> = {
  cancelled: 'the build was stopped, or the task has changed',
  'timed-out': 'the time limit has passed',
  'provider-unavailable': 'nobody took the request',
};

function failed(failure: Failure): AgentExit {
  return { kind: 'failed', failure, usage: {} };
}

function failureOf(answer: Answer, { logFile, model }: AgentRequest): Failure | undefined {
  const { status = 'done', message = '', needs = 'decision' } = answer;
  const output: KeptOutput = { log: logFile, tail: message };
  const detail = message.trim() || 'the answer says so, and gives no reason';
  if (status === 'failed') return { kind: 'agent-error', detail, output };
  if (status === 'blocked') return { kind: 'agent-blocked', because: detail, needs, output };
  if (status !== 'unavailable') return undefined;
  const provider = model?.includes('/') ? (model.split('/', 1)[0] as string) : 'inbox';
  return { kind: 'provider-unavailable', provider, detail, output };
}
