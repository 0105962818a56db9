/** One turn of one thread of `codex app-server`, over the program's input and output. Starts no program. */

import { ownValue } from '../../base/records/own-value.js';
import type { Usage } from '../../model/action.js';
import type { ProviderProblem } from '../provider-problem.js';
import { addUsage, isCount } from '../usage.js';
import { count, type Json, jsonLines, record, said, spoken, text } from './json-lines.js';
import type { OutputReader, Reading } from './reading.js';

export interface CodexTurn {
  readonly cwd: string;
  readonly prompt: string;
  readonly model: string | undefined;
  /** Of reasoning. */
  readonly effort: string | undefined;
  readonly version: string;
  /** Its own sandbox: `danger-full-access` where conductor's is around it, since the two cannot be nested. */
  readonly sandbox: 'danger-full-access' | 'workspace-write';
  /** Sends one message. */
  send(message: Json): void;
  /** Closes the program's input, on which it ends. */
  end(): void;
}

/** Why a conversation is over: nothing, or what the program refused. */
export interface CodexThread {
  readonly read: OutputReader;
  begin(): void;
  /** Asks the turn to stop: the program then ends the commands that it runs, and itself. */
  interrupt(): void;
  /** Whether the turn came to its end, well or not. */
  readonly isOver: boolean;
}

const INITIALIZE = 1;
const THREAD = 2;
const TURN = 3;

export function codexThread(turn: CodexTurn): CodexThread {
  let thread: string | undefined;
  let turnId: string | undefined;
  let isOver = false;
  /** Sub-agents have threads of their own; each tells its own total. */
  const perThread = new Map<string, Usage>();

  const finish = (): void => {
    isOver = true;
    turn.end();
  };

  function answered(id: unknown, message: Json): Reading {
    if (message.error !== undefined) {
      finish();
      return { error: { text: text(record(message.error).message) ?? 'the app server refused a request' } };
    }
    const result = record(message.result);
    if (id === INITIALIZE) {
      turn.send({ method: 'initialized' });
      turn.send({ id: THREAD, method: 'thread/start', params: threadParams(turn) });
    } else if (id === THREAD) {
      thread = text(record(result.thread).id);
      const input = [{ type: 'text', text: turn.prompt, text_elements: [] }];
      const effort = turn.effort === undefined ? {} : { effort: turn.effort };
      turn.send({ id: TURN, method: 'turn/start', params: { threadId: thread, input, ...effort } });
    } else if (id === TURN) {
      turnId = text(record(result.turn).id);
    }
    return {};
  }

  function notified(method: unknown, params: Json): Reading {
    const isOwn = params.threadId === thread;
    switch (method) {
      case 'thread/tokenUsage/updated':
        perThread.set(String(params.threadId), tokensOf(record(record(params.tokenUsage).total)));
        return { usage: [...perThread.values()].reduce(addUsage, {}) };
      case 'item/started': {
        const item = record(params.item);
        const id = text(item.id);
        return item.type === 'commandExecution'
          ? { ...said(text(item.command)), ...(id === undefined ? {} : { began: [id] }) }
          : {};
      }
      case 'item/completed':
        return {
          ...itemReading(record(params.item), isOwn),
          ended: [text(record(params.item).id) ?? ''],
        };
      case 'error': {
        if (!isOwn) return {};
        const problem = problemOf(record(params.error));
        return params.willRetry === true ? { ...said(problem.text), retry: problem } : { error: problem };
      }
      case 'turn/completed': {
        if (!isOwn) return {};
        finish();
        const ended = record(params.turn);
        if (ended.status === 'completed') return { error: 'none' };
        if (ended.status === 'interrupted') return { error: { text: 'the turn was interrupted' } };
        return { error: problemOf(record(ended.error)) };
      }
      case 'warning':
      case 'configWarning':
        return said(text(params.message) ?? text(params.summary));
      default:
        return {};
    }
  }

  return {
    read: jsonLines((message) => {
      const { id, method } = message;
      if (method === undefined) return answered(id, message);
      if (id === undefined) return notified(method, record(message.params));
      // A question: no person can answer it.
      turn.send({ id, error: { code: -32_601, message: 'nobody can be asked' } });
      return said(`refused: ${String(method)}`);
    }),
    begin() {
      const clientInfo = { name: 'conductor', title: 'conductor', version: turn.version };
      const capabilities = {
        experimentalApi: false,
        requestAttestation: false,
        optOutNotificationMethods: QUIET,
      };
      turn.send({ id: INITIALIZE, method: 'initialize', params: { clientInfo, capabilities } });
    },
    interrupt() {
      if (thread !== undefined && turnId !== undefined && !isOver) {
        turn.send({ id: 9, method: 'turn/interrupt', params: { threadId: thread, turnId } });
      } else {
        turn.end();
      }
    },
    get isOver() {
      return isOver;
    },
  };
}

/** Pieces of what comes whole later. */
const QUIET = [
  'item/reasoning/summaryTextDelta',
  'item/reasoning/textDelta',
  'item/reasoning/summaryPartAdded',
];

function threadParams(turn: CodexTurn): Json {
  return {
    cwd: turn.cwd,
    ...(turn.model === undefined ? {} : { model: turn.model }),
    approvalPolicy: 'never',
    sandbox: turn.sandbox,
    ephemeral: true,
    // Its own sandbox without a network forbids even to listen on loopback, which tests do.
    config: { 'sandbox_workspace_write.network_access': true, web_search: 'disabled' },
  };
}

function itemReading(item: Json, isOwn: boolean): Reading {
  if (item.type === 'agentMessage') return isOwn ? spoken(text(item.text)) : said(text(item.text));
  if (item.type !== 'fileChange') return {};
  const changes = Array.isArray(item.changes) ? item.changes.map((one) => text(record(one).path)) : [];
  return said(`${String(item.status)} ${changes.filter(Boolean).join(' ')}`);
}

function tokensOf(total: Json): Usage {
  const cached = count(total.cachedInputTokens);
  return {
    tokensIn: Math.max(0, count(total.inputTokens) - cached),
    tokensOut: count(total.outputTokens),
    tokensCached: cached,
  };
}

const KINDS: Readonly<Record<string, ProviderProblem['kind']>> = {
  contextWindowExceeded: 'overflow',
  unauthorized: 'refused',
  rateLimitExceeded: 'unavailable',
  flexUnavailable: 'unavailable',
  serverOverloaded: 'unavailable',
  policyCapacityUnavailable: 'unavailable',
  internalServerError: 'unavailable',
};

function problemOf(error: Json): ProviderProblem {
  const message = text(error.message) ?? 'the turn failed';
  const details = text(error.additionalDetails);
  const info = error.codexErrorInfo;
  const inner = Object.values(record(info)).map(record)[0];
  const status = isCount(inner?.httpStatusCode) ? { status: inner.httpStatusCode } : {};
  // Of a subscription it comes back by itself; of an account with nothing left it does not: the text tells.
  const kind = typeof info === 'string' ? ownValue(KINDS, info) : undefined;
  const isStream = typeof info === 'object' && info !== null && !('status' in status);
  return {
    text: details === undefined ? message : `${message} (${details})`,
    ...status,
    ...(kind !== undefined ? { kind } : isStream ? { kind: 'unavailable' as const } : {}),
  };
}
