/** A request to the scripted model as it is recorded. Knows the OpenAI chat format, no script and no socket. */

import type { IncomingHttpHeaders } from 'node:http';

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

/** What a request is for: a turn of the work, the title of a session, or the summary of a compaction. */
export type RequestKind = 'turn' | 'title' | 'summary';

export interface ModelRequest {
  /** From 0, over all sessions. */
  readonly index: number;
  /** OpenCode's `x-session-id`; `""` when the caller names none. */
  readonly session: string;
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

const SECRET_HEADERS = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-api-key']);

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

/** The request of a body, or nothing when the body is no chat request. */
export function readRequest(
  index: number,
  body: Buffer,
  incoming: IncomingHttpHeaders,
): ModelRequest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
  const fields = (value ?? {}) as Record<string, unknown>;
  if (!Array.isArray(fields.messages)) return undefined;
  const messages = fields.messages.filter((one) => typeof one === 'object' && one !== null) as ChatMessage[];
  const tools = (Array.isArray(fields.tools) ? fields.tools : []) as ChatTool[];
  const headers = Object.fromEntries(
    Object.entries(incoming)
      .filter(([name]) => !SECRET_HEADERS.has(name))
      .map(([name, one]) => [name, String(one)]),
  );
  const maxTokens = fields.max_tokens ?? fields.max_completion_tokens;
  return {
    index,
    session: headers['x-session-id'] ?? headers['x-session-affinity'] ?? '',
    kind: kindOf(messages, tools),
    model: String(fields.model ?? ''),
    messages,
    tools,
    stream: fields.stream === true,
    ...(typeof fields.temperature === 'number' ? { temperature: fields.temperature } : {}),
    ...(typeof maxTokens === 'number' ? { maxTokens } : {}),
    headers,
    bytes: body.length,
  };
}

// OpenCode asks for titles and summaries by hidden agents of its own: no tools and these opening words.
function kindOf(messages: readonly ChatMessage[], tools: readonly ChatTool[]): RequestKind {
  if (tools.length > 0) return 'turn';
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
    const found = [...textOf(message).matchAll(MARKER)].at(-1)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}
