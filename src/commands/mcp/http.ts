/** `conductor mcp --http`: the MCP server on a loopback address, for clients that have its token. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { err, ok, type Result } from '../../base/result.js';
import { type McpService, McpSessions } from '../../io/network/mcp.js';
import type { Failure } from '../../model/failure.js';
import { Access } from '../ui/access.js';
import { bodyOf } from '../ui/answers.js';
import { listen } from '../ui/server.js';

export interface McpHttp {
  /** Without the token. */
  readonly address: string;
  readonly token: string;
  close(): Promise<void>;
}

export interface McpHttpOptions {
  /** 0: a free one. */
  readonly port: number;
  /** Absent: a new one. */
  readonly token?: string;
  onError(error: unknown): void;
}

/** Short enough to guess is no secret. */
const MIN_TOKEN = 16;

export async function openMcpHttp(
  service: McpService,
  { port, token, onError }: McpHttpOptions,
): Promise<Result<McpHttp, Failure>> {
  if (token !== undefined && token.length < MIN_TOKEN) {
    const message = `CONDUCTOR_MCP_TOKEN has fewer than ${MIN_TOKEN} characters`;
    return err({ kind: 'usage', message, hint: 'set a longer one, or none: conductor then makes one' });
  }
  const server = createServer();
  const listening = await listen(server, port);
  if (!listening.ok) return listening;
  const access = new Access(listening.value, token);
  const sessions = new McpSessions(service);
  server.on('request', (request, response) => {
    void answer({ access, sessions }, request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end();
    });
  });
  return ok({
    address: `http://127.0.0.1:${listening.value}/mcp`,
    token: access.token,
    async close() {
      await sessions.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  });
}

async function answer(
  { access, sessions }: { readonly access: Access; readonly sessions: McpSessions },
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refuse = (status: number, reason: string) =>
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`);
  const { method = '', url = '/', headers } = request;
  const refused = access.bearerRefusal(headers);
  if (refused) refuse(refused.status, refused.reason);
  else if (url !== '/mcp') refuse(404, 'there is no such page');
  else if (method !== 'POST') await sessions.handle(request, response, undefined);
  else {
    const body = await bodyOf(request, 4_000_000);
    let message: unknown;
    try {
      message = JSON.parse(body ?? '');
    } catch {
      refuse(body === undefined ? 413 : 400, 'this is not a message');
      return;
    }
    await sessions.handle(request, response, message);
  }
}
