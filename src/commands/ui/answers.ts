/** How a server of conductor reads a request and answers it. Knows no document. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { ownValue } from '../../base/records/own-value.js';
import { readBytes } from '../../io/files.js';

const ASSETS: Readonly<Record<string, string>> = {
  'index.html': 'text/html; charset=utf-8',
  'app.js': 'text/javascript; charset=utf-8',
  'app.css': 'text/css; charset=utf-8',
};
const MAX_BODY = 100_000;

/** A file of the bundled page in the folder `assets`. */
export async function answerAsset(assets: string, path: string, response: ServerResponse): Promise<void> {
  const name = path === '/' ? 'index.html' : path.slice(1);
  const type = ownValue(ASSETS, name);
  const content = type === undefined ? undefined : await readBytes(`${assets}/${name}`);
  if (type === undefined || content === undefined) plain(response, 404, 'there is no such page');
  else response.writeHead(200, { 'content-type': type }).end(content);
}

/** Undefined when it is too long. */
export async function bodyOf(request: IncomingMessage, maxBytes = MAX_BODY): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

export function json(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8' })
    .end(JSON.stringify(value));
}

export function plain(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
