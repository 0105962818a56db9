/**
 * The adapter of the MCP SDK: a server with tools, over standard input and output or over HTTP. Its code is loaded by
 * `conductor mcp` alone. Knows no tool.
 */

import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  isInitializeRequest,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

/** Who calls a tool. */
export interface McpCaller {
  /** One connection of a client. */
  readonly session: string;
  /** For people: `claude-code 2.1.0`. */
  readonly client: string;
  /** Aborts when the client cancels the call or leaves. */
  readonly signal: AbortSignal;
}

export interface McpAnswer {
  readonly text: string;
  /** The call failed: the text says why. */
  readonly isError?: boolean;
}

export interface McpTool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments: an object. */
  readonly inputSchema: { readonly type: 'object'; readonly [key: string]: unknown };
  readonly isReadOnly: boolean;
  call(args: Readonly<Record<string, unknown>>, caller: McpCaller): Promise<McpAnswer>;
}

export interface McpService {
  readonly name: string;
  readonly version: string;
  /** What a client tells its model about the server. */
  readonly instructions: string;
  readonly tools: readonly McpTool[];
  /** A client has left. */
  left(session: string): Promise<void>;
}

/** Serves one client until its input ends or `signal` aborts. */
export async function serveStdio(
  service: McpService,
  {
    input,
    output,
    signal,
  }: { readonly input: Readable; readonly output: Writable; readonly signal: AbortSignal },
): Promise<void> {
  const session = randomUUID();
  const server = serverFor(service, session);
  await server.connect(new StdioServerTransport(input, output));
  await new Promise<void>((resolve) => {
    for (const event of ['end', 'close', 'error']) input.once(event, () => resolve());
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
  await service.left(session);
}

/** Clients that are connected at the same time; beyond them the one that was silent for longest is closed. */
const MAX_SESSIONS = 50;

/** Sessions over HTTP; the caller has checked who asks and has read the body. */
export class McpSessions {
  private readonly service: McpService;
  private readonly sessions = new Map<string, { transport: StreamableHTTPServerTransport; server: Server }>();

  constructor(service: McpService) {
    this.service = service;
  }

  async handle(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<void> {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? this.sessions.get(id) : undefined;
    if (typeof id === 'string' && known) {
      // The last one is the one that was heard of last.
      this.sessions.delete(id);
      this.sessions.set(id, known);
      await known.transport.handleRequest(request, response, body);
      return;
    }
    if (id !== undefined || request.method !== 'POST' || !isInitializeRequest(body)) {
      const [status, message] = id === undefined ? [400, 'no session'] : [404, 'there is no such session'];
      const error = { jsonrpc: '2.0', id: null, error: { code: -32000, message } };
      response.writeHead(status as number, { 'content-type': 'application/json' }).end(JSON.stringify(error));
      return;
    }
    const session = randomUUID();
    const server = serverFor(this.service, session);
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => session });
    transport.onclose = () => {
      if (this.sessions.delete(session)) void this.service.left(session);
    };
    this.sessions.set(session, { transport, server });
    // The optional members of the transport's type and of the interface differ in `undefined`.
    await server.connect(transport as Transport);
    await transport.handleRequest(request, response, body);
    const [oldest] = this.sessions.values();
    if (this.sessions.size > MAX_SESSIONS) await oldest?.transport.close();
  }

  async close(): Promise<void> {
    for (const { transport } of [...this.sessions.values()]) await transport.close();
  }
}

function serverFor(service: McpService, session: string): Server {
  const { name, version, instructions, tools } = service;
  const server = new Server({ name, version }, { capabilities: { tools: {} }, instructions });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(
      ({ name, description, inputSchema, isReadOnly }): Tool => ({
        name,
        description,
        inputSchema: inputSchema as Tool['inputSchema'],
        annotations: { readOnlyHint: isReadOnly },
      }),
    ),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }): Promise<CallToolResult> => {
    const tool = tools.find((one) => one.name === params.name);
    if (!tool) throw new McpError(ErrorCode.InvalidParams, `there is no tool ${params.name}`);
    const info = server.getClientVersion();
    const client = info === undefined ? 'a client' : `${info.name} ${info.version}`;
    const answer = await tool.call(params.arguments ?? {}, { session, client, signal });
    return {
      content: [{ type: 'text', text: answer.text }],
      ...(answer.isError ? { isError: true } : {}),
    };
  });
  return server;
}
