/** A request to the scripted model as it is recorded, in the same form for every protocol. Knows no script and no socket. */

import type { IncomingHttpHeaders } from 'node:http';
import { digestFields } from '../../model/digest.js';

export interface ChatMessage {
  readonly role: string;
  /** Text, a list of parts, or null beside tool calls. */
  readonly content?: unknown;
  readonly tool_calls?: unknown;
  readonly tool_call_id?: string;
}

export interface ChatTool {
  readonly type: string;
  readonly function: { readonly name: string; readonly description?: string; readonly parameters?: unknown };
}

/** OpenAI chat, Anthropic Messages, OpenAI Responses, Gemini. */
export type ProtocolName = 'chat' | 'messages' | 'responses' | 'gemini';

/** What a request is for: a turn of the work, the title of a session, or the summary of a compaction. */
export type RequestKind = 'turn' | 'title' | 'summary';

export interface ModelRequest {
  /** From 0, over all sessions. */
  readonly index: number;
  readonly protocol: ProtocolName;
  /** OpenCode's `x-session-id`, else made from the model and the prompt; `""` when that names no script either. */
  readonly session: string;
  /** Whether a session that no header names begins with this request: it holds no answer of the model yet. */
  readonly isFirst?: boolean;
  readonly kind: RequestKind;
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ChatTool[];
  readonly stream: boolean;
  readonly temperature?: number;
  readonly maxTokens?: number;
  /** Lower case, without `authorization` and `cookie`. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body. */
  readonly bytes: number;
}

const SECRET_HEADERS = new Set([
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-api-key',
  'x-goog-api-key',
]);

/** The text of a message, whatever its form. */
export function textOf(message: ChatMessage): string {
  if (typeof message.content === 'string') return message.content;
  if (!Array.isArray(message.content)) return '';
  return message.content
    .map((part: unknown) => {
      const text = (part as { text?: unknown } | null)?.text;
      return typeof text === 'string' ? text : '';
    })
    .join('\n');
}

/** What a protocol finds in a body; `requestOf` adds what all of them have. */
export interface RequestContent {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools: readonly ChatTool[];
  readonly stream: boolean;
  readonly maxTokens: unknown;
}

/** A request from what its protocol found, its headers and its place in the order. */
export function requestOf(
  parts: {
    readonly index: number;
    readonly body: Readonly<Record<string, unknown>>;
    readonly headers: IncomingHttpHeaders;
    readonly bytes: number;
  },
  protocol: ProtocolName,
  content: RequestContent,
): ModelRequest {
  const { model, messages, tools, stream, maxTokens } = content;
  const headers = Object.fromEntries(
    Object.entries(parts.headers)
      .filter(([name]) => !SECRET_HEADERS.has(name))
      .map(([name, one]) => [name, String(one)]),
  );
  const { temperature } = parts.body;
  const named = headers['x-session-id'] ?? headers['x-session-affinity'];
  return {
    index: parts.index,
    protocol,
    ...(named === undefined ? unnamedSession(model, messages) : { session: named }),
    kind: kindOf(protocol, messages, tools),
    model,
    messages,
    tools,
    stream,
    ...(typeof temperature === 'number' ? { temperature } : {}),
    ...(typeof maxTokens === 'number' ? { maxTokens } : {}),
    headers,
    bytes: parts.bytes,
  };
}

/**
 * The session of a caller that names none: its model and the message with its script's name, which stand in every
 * request of a conversation.
 */
function unnamedSession(
  model: string,
  messages: readonly ChatMessage[],
): Pick<ModelRequest, 'session' | 'isFirst'> {
  const at = messages.findLastIndex((one) => one.role === 'user' && scriptIn(one) !== undefined);
  const marked = messages[at];
  if (marked === undefined) return { session: '' };
  return {
    session: digestFields('scripted session', [model, textOf(marked)]),
    isFirst: !messages.slice(at).some((one) => one.role === 'assistant'),
  };
}

// OpenCode asks for titles and summaries by hidden agents of its own: no tools and these opening words.
function kindOf(
  protocol: ProtocolName,
  messages: readonly ChatMessage[],
  tools: readonly ChatTool[],
): RequestKind {
  if (tools.length > 0) return 'turn';
  // Other agents name their sessions with requests that offer no tools and carry no script of their own.
  if (protocol !== 'chat' && markedScript(messages) === undefined) return 'title';
  const system = messages
    .filter((one) => one.role === 'system')
    .map(textOf)
    .join('\n');
  if (/title generator|thread title/i.test(system)) return 'title';
  return /summarization (agent|assistant)/i.test(system) ? 'summary' : 'turn';
}

const MARKER = /\[script:([^\]\s]{1,200})\]/g;

/** The name in the last `[script:name]` of what the user said. */
export function markedScript(messages: readonly ChatMessage[]): string | undefined {
  for (const message of [...messages].reverse()) {
    if (message.role !== 'user') continue;
    const found = scriptIn(message);
    if (found !== undefined) return found;
  }
  return undefined;
}

function scriptIn(message: ChatMessage): string | undefined {
  return [...textOf(message).matchAll(MARKER)].at(-1)?.[1];
}
