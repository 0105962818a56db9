/**
 * One session with an agent over the Agent Client Protocol: what the agent may do, what it was seen to read, and how its
 * turn ended. Starts no program.
 */

import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { writeAtomic } from '../../io/files.js';
import { unsafePath } from '../../io/unsafe-path.js';
import type { Usage } from '../../model/action.js';
import type { AcpAgentConfig } from '../../model/config.js';
import { patternSet } from '../../model/paths/pattern-set.js';
import type { AgentRequest } from '../agent.js';
import { usageOf } from '../usage.js';
import {
  type AcpAgent,
  type AcpClient,
  type NewSessionResponse,
  PROTOCOL_VERSION,
  type PromptResponse,
  RequestError,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
  type SessionUpdate,
  type ToolCallUpdate,
} from './connection.js';

/** How a turn went wrong: in words, as the agent or its provider has them. */
export interface TurnProblem {
  readonly text: string;
}

/** Kinds of tool calls that change files. */
const WRITES: ReadonlySet<string> = new Set(['edit', 'delete', 'move']);

export class AcpSession implements AcpClient {
  usage: Usage = {};
  private readonly config: AcpAgentConfig;
  private readonly request: AgentRequest;
  private readonly version: string;
  private readonly isSandboxed: boolean;
  private readonly read = new Set<string>();
  /** Kinds of tool calls by their ids: an update may leave them out. */
  private readonly kinds = new Map<string, string>();
  /** Tools of the agent begin or have ended, by their ids. */
  onTools: (tools: { readonly began?: readonly string[]; readonly ended?: readonly string[] }) => void =
    () => {};
  private message = '';
  private shown = 0;
  private id: string | undefined;

  constructor(
    config: AcpAgentConfig,
    request: AgentRequest,
    { version, isSandboxed }: { readonly version: string; readonly isSandboxed: boolean },
  ) {
    this.config = config;
    this.request = request;
    this.version = version;
    this.isSandboxed = isSandboxed;
  }

  /** What the agent said since its last tool call. */
  get lastWords(): string {
    return this.message;
  }

  /** Files of the workspace that it was seen to read, sorted. */
  get observed(): string[] {
    return [...this.read].sort();
  }

  /** The whole turn: rejects only when the connection breaks. */
  async run(agent: AcpAgent): Promise<Result<undefined, TurnProblem>> {
    try {
      const session = await this.open(agent);
      if (!session.ok) return session;
      const { id } = session.value;
      this.id = id;
      const prompt = [{ type: 'text' as const, text: this.request.prompt }];
      const answer = await agent.prompt({ sessionId: id, prompt });
      this.flush();
      this.count(answer);
      return turnEnd(answer);
    } catch (error) {
      return err({ text: errorText(error) });
    }
  }

  /** Asks the agent to end its turn. */
  async cancel(agent: AcpAgent): Promise<void> {
    if (this.id !== undefined) await agent.cancel({ sessionId: this.id }).catch(() => {});
  }

  private async open(agent: AcpAgent): Promise<Result<{ readonly id: string }, TurnProblem>> {
    const { auth, mode } = this.config;
    const begun = await agent.initialize({
      protocolVersion: PROTOCOL_VERSION,
      // The agent reads by itself: one of the tested ones takes every error of a client for a broken disk.
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: true }, terminal: false },
      clientInfo: { name: 'conductor', version: this.version },
    });
    if (begun.protocolVersion !== PROTOCOL_VERSION) {
      return err({
        text: `the agent speaks version ${begun.protocolVersion} of the protocol, not ${PROTOCOL_VERSION}`,
      });
    }
    if (auth !== undefined) await agent.authenticate({ methodId: auth });
    const session = await agent.newSession({ cwd: this.request.cwd, mcpServers: [] });
    const id = session.sessionId;
    if (mode !== undefined) {
      const known = session.modes?.availableModes.map((one) => one.id) ?? [];
      if (!known.includes(mode)) return err({ text: `the agent has no mode \`${mode}\`${listed(known)}` });
      await agent.setSessionMode({ sessionId: id, modeId: mode });
    }
    const model = this.request.model ?? this.config.model;
    if (model === undefined) return ok({ id });
    const chosen = modelOption(session, model);
    if (!chosen.ok) return chosen;
    await agent.setSessionConfigOption({ sessionId: id, ...chosen.value });
    return ok({ id });
  }

  // What the agent asks of conductor.

  requestPermission({ toolCall, options }: RequestPermissionRequest): RequestPermissionResponse {
    const refusal = this.refusalOf(toolCall);
    const wanted = refusal === undefined ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
    const option = wanted.flatMap((kind) => options.filter((one) => one.kind === kind))[0];
    if (refusal !== undefined) this.say(`refused: ${refusal}`);
    if (!option) return { outcome: { outcome: 'cancelled' } };
    return { outcome: { outcome: 'selected', optionId: option.optionId } };
  }

  sessionUpdate({ update }: { readonly update: SessionUpdate }): void {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        if (update.content.type === 'text') this.message += update.content.text;
        break;
      case 'tool_call':
        this.flush();
        this.message = '';
        this.shown = 0;
        this.say(update.title);
        this.observe(update);
        // Some agents tell a call when it is over.
        if (!isOver(update)) this.onTools({ began: [update.toolCallId] });
        break;
      case 'tool_call_update':
        this.observe(update);
        if (isOver(update)) this.onTools({ ended: [update.toolCallId] });
        break;
      default:
    }
  }

  async writeTextFile({
    path,
    content,
  }: {
    readonly path: string;
    readonly content: string;
  }): Promise<object> {
    const own = this.inside(path);
    const refusal = own === undefined ? `${path} is not in the workspace` : this.refusalOfWrite(own);
    if (own === undefined || refusal !== undefined) throw RequestError.invalidParams(undefined, refusal);
    const unsafe = await unsafePath(this.request.cwd, own);
    if (unsafe !== undefined) throw RequestError.invalidParams(undefined, `${path}: ${unsafe}`);
    await writeAtomic(join(this.request.cwd, own), content);
    return {};
  }

  /** Why a tool call may not run; undefined when it may. The sandbox holds what cannot be seen here. */
  private refusalOf(call: ToolCallUpdate): string | undefined {
    const kind = call.kind ?? this.kinds.get(call.toolCallId) ?? 'other';
    if (kind === 'switch_mode') return 'the mode stays as it is';
    if (kind === 'fetch' && !this.request.network) return 'the task does not ask for the network';
    const isWrite = WRITES.has(kind);
    for (const { path } of call.locations ?? []) {
      const own = this.inside(path);
      if (isWrite && own === undefined) return `${path} is not in the workspace`;
      const refusal = isWrite && own !== undefined ? this.refusalOfWrite(own) : undefined;
      if (refusal !== undefined) return refusal;
      if (kind === 'read' && own === undefined && !this.isSandboxed) return `${path} is not in the workspace`;
    }
    return undefined;
  }

  private refusalOfWrite(path: string): string | undefined {
    const { expected } = this.request;
    if (!expected) return undefined;
    const may = expected.kind === 'document' ? [expected.path] : [...expected.outputs, ...expected.edits];
    return patternSet(may).matches(path) ? undefined : `${path} may not be written, only ${may.join(', ')}`;
  }

  private observe({ toolCallId, kind, locations }: ToolCallUpdate): void {
    if (kind) this.kinds.set(toolCallId, kind);
    if (this.kinds.get(toolCallId) !== 'read') return;
    for (const { path } of locations ?? []) {
      const own = this.inside(path);
      if (own !== undefined) this.read.add(own);
    }
  }

  /** A path relative to the workspace; undefined for one outside of it, and for git's own files. */
  private inside(path: string): string | undefined {
    const { cwd } = this.request;
    const own = relative(cwd, isAbsolute(path) ? path : resolve(cwd, path));
    const isOutside = own === '' || own === '..' || own.startsWith(`..${sep}`) || isAbsolute(own);
    return isOutside || own.split(sep)[0] === '.git' ? undefined : own;
  }

  private count({ usage, _meta }: PromptResponse): void {
    const cached = usage?.cachedReadTokens ?? undefined;
    const own = usage
      ? { tokensIn: usage.inputTokens, tokensOut: usage.outputTokens }
      : quotaUsage(_meta?.quota);
    if (!own) return;
    this.usage = { ...own, ...(cached === undefined ? {} : { tokensCached: cached }) };
    this.request.onEvent({ kind: 'usage', usage: this.usage });
  }

  /** Shows the lines of the message that were not shown yet. */
  private flush(): void {
    for (const line of this.message.slice(this.shown).split('\n')) if (line.trim() !== '') this.say(line);
    this.shown = this.message.length;
  }

  private say(line: string): void {
    this.request.onEvent({ kind: 'output', line });
  }
}

function isOver({ status }: Pick<ToolCallUpdate, 'status'>): boolean {
  return status === 'completed' || status === 'failed';
}

/** Gemini CLI tells its usage in a place of its own. */
function quotaUsage(quota: unknown): Usage | undefined {
  const { token_count } = (quota ?? {}) as { readonly token_count?: Record<string, unknown> };
  return usageOf({ tokensIn: token_count?.input_tokens, tokensOut: token_count?.output_tokens });
}

function turnEnd({ stopReason }: PromptResponse): Result<undefined, TurnProblem> {
  switch (stopReason) {
    case 'end_turn':
      return ok(undefined);
    case 'max_tokens':
      return err({ text: 'the model stopped at its longest answer' });
    case 'max_turn_requests':
      return err({ text: 'the agent stopped at its own limit of model calls' });
    case 'refusal':
      return err({ text: 'the model declined to do the task' });
    default:
      return err({ text: `the turn ended with \`${stopReason}\`` });
  }
}

/** The session's choice of models, where it has one: another model than the one that is recorded would be a lie. */
function modelOption(
  { configOptions }: NewSessionResponse,
  model: string,
): Result<{ readonly configId: string; readonly value: string }, TurnProblem> {
  const option = configOptions?.find(({ category, id }) => category === 'model' || id === 'model');
  if (option?.type !== 'select') {
    return err({ text: `the agent offers no choice of models: configure \`${model}\` in the agent itself` });
  }
  const values = option.options
    .flatMap((one) => ('options' in one ? one.options : [one]))
    .map(({ value }) => value);
  if (!values.includes(model)) return err({ text: `the agent has no model \`${model}\`${listed(values)}` });
  return ok({ configId: option.id, value: model });
}

function listed(values: readonly string[]): string {
  return values.length === 0 ? '' : `; it has ${values.slice(0, 20).join(', ')}`;
}

/** The details of a protocol error, where it has some: its message is then often `Internal error`, whatever happened. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'object' ? JSON.stringify(error) : String(error);
  const { data } = error as Error & { readonly data?: unknown };
  if (data === undefined || data === null) return error.message;
  if (typeof data === 'string') return data;
  const { details, message } = data as { readonly details?: unknown; readonly message?: unknown };
  const text = [details, message].find((one) => typeof one === 'string');
  return text === undefined ? `${error.message}: ${JSON.stringify(data)}` : String(text);
}
