/**
 * A model that says what a script says: an OpenAI-compatible server on loopback for tests, self-tests and a first
 * try without a key. Knows requests and scripts; knows nothing of tasks, workspaces or OpenCode's own server.
 *
 *     const model = await createScriptedModel();
 *     model.script('greet', [{ call: 'write', args: { filePath: 'hi.txt', content: 'hi' } }, { say: 'done' }]);
 *     // ... a prompt with [script:greet] in it, to provider scriptedProviderConfig(model.url), model scripted/model-1
 *     await model.close();
 *
 * docs/scripted-model.md has the steps and the rules of choice.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isObject } from '../../io/document/json-object.js';
import { type Choose, createPlaybook, type ScriptStep } from './playbook.js';
import type { Protocol } from './protocols/protocol.js';
import { PROTOCOLS, protocolAt } from './protocols/routes.js';
import type { ModelRequest } from './request.js';
import { createGates } from './script-gates.js';
import { sendError, sendStep } from './sending.js';
import type { Step } from './step.js';

export interface ScriptedModelOptions {
  /** The scripts to begin with. */
  readonly scripts?: Readonly<Record<string, readonly ScriptStep[]>>;
  /** Chooses before the marker in the prompt does. */
  readonly choose?: Choose;
  /** The key that requests must carry as bearer; without it none is asked for. */
  readonly key?: string;
  /** 0 (the default): a free one. */
  readonly port?: number;
  /** How many of the last requests are kept (1000). */
  readonly keep?: number;
}

export interface RecordedRequest extends ModelRequest {
  /** The script and the place in it (from 0) that answered; absent for titles, summaries and failures. */
  readonly script?: string;
  readonly place?: number;
  readonly step?: Step;
  /** Why no script answered: the request got a 500 that says so. */
  readonly problem?: string;
}

export interface ScriptedModel {
  /** `http://127.0.0.1:<port>`; the API is below `/v1`. */
  readonly url: string;
  readonly port: number;
  /** The last ones, in their order. */
  readonly requests: readonly RecordedRequest[];
  /** Turns asked for so far, refused ones too; without titles and summaries. */
  readonly calls: number;
  /** Requests with a wrong key or a wrong form, by reason. */
  readonly refused: readonly string[];
  /**
   * Sets a script. With several lists, the second session that plays it gets the second one and so on (attempts of
   * a task); sessions after that get the last one.
   */
  script(name: string, ...attempts: readonly (readonly ScriptStep[])[]): void;
  /** Resolves when `count` (1) answers wait at `{ hold: name }` at the same time. */
  held(name: string, count?: number): Promise<void>;
  /** How many answers wait there now. */
  waiting(name: string): number;
  /** Lets go what waits there and leaves the gate open for good; the answer is how many waited. */
  release(name: string): number;
  /** Resolves with the first request, past or to come, that `test` accepts. */
  seen(test: (request: RecordedRequest) => boolean): Promise<RecordedRequest>;
  /** Drops every connection and stops. */
  close(): Promise<void>;
}

/** Bytes of a request's body; more is refused. */
const MAX_BODY = 64_000_000;

/** Starts a scripted model on 127.0.0.1; rejects when the port is taken. */
export async function createScriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const gates = createGates();
  const playbook = createPlaybook(options.choose);
  for (const [name, steps] of Object.entries(options.scripts ?? {})) playbook.script(name, [steps]);
  const requests: RecordedRequest[] = [];
  const refused: string[] = [];
  const watchers = new Set<(request: RecordedRequest) => void>();
  const closing = new AbortController();
  let index = 0;
  let calls = 0;

  function record(request: RecordedRequest): void {
    requests.push(request);
    if (requests.length > (options.keep ?? 1000)) requests.shift();
    for (const watcher of [...watchers]) watcher(request);
  }

  function refuse(
    response: ServerResponse,
    status: number,
    reason: string,
    protocol: Protocol = PROTOCOLS.chat,
  ): void {
    refused.push(reason);
    sendError(response, protocol.error(status === 401 ? { status } : { status, say: reason }));
  }

  async function complete(
    protocol: Protocol,
    path: string,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const body = await readBody(incoming);
    if (body === undefined) return refuse(response, 413, `the body is over ${MAX_BODY} bytes`, protocol);
    const fields = parseObject(body);
    const { headers } = incoming;
    const request = fields && protocol.read({ index, path, body: fields, headers, bytes: body.length });
    if (request === undefined) return refuse(response, 400, `${path}: the body is no such request`, protocol);
    index += 1;
    const signal = AbortSignal.any([gone.signal, closing.signal]);
    if (request.kind !== 'turn') {
      record(request);
      const say =
        request.kind === 'title' ? 'Scripted session' : 'Summary: the work goes on as it was asked.';
      return sendStep(response, request, { say }, signal);
    }
    calls += 1;
    const play = playbook.next(request);
    if (!play.ok) {
      record({ ...request, problem: play.error });
      const say = `scripted model: ${play.error} (session ${request.session || 'without id'})`;
      return sendError(response, protocol.error({ status: 500, say }));
    }
    const { script, place, pauses, step } = play.value;
    record({ ...request, script, place, step });
    for (const pause of [...pauses, step]) {
      if (pause.delayMs !== undefined) await delay(pause.delayMs, signal);
      if (pause.hold !== undefined) await gates.wait(pause.hold, signal);
    }
    await sendStep(response, request, step, signal);
  }

  const server = createServer((incoming, response) => {
    const path = (incoming.url ?? '').split('?', 1)[0] as string;
    const protocol = protocolAt(path);
    if (options.key !== undefined && keyOf(incoming) !== options.key) {
      return refuse(response, 401, `${incoming.method} ${path}: wrong key`, protocol);
    }
    if (incoming.method === 'GET' && path === '/v1/models') {
      const model = { id: 'model-1', object: 'model', created: 0, owned_by: 'scripted' };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ object: 'list', data: [model] }));
      return;
    }
    if (incoming.method !== 'POST' || protocol === undefined) {
      return refuse(response, 404, `${incoming.method} ${path}: there is no such thing`);
    }
    complete(protocol, path, incoming, response).catch((error: unknown) => {
      // A step from a test's own function may throw: the test gets the error, and the server continues.
      refuse(
        response,
        500,
        `scripted model: ${error instanceof Error ? error.message : String(error)}`,
        protocol,
      );
    });
  });
  server.requestTimeout = 0;
  const port = await listen(server, options.port ?? 0);

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    requests,
    refused,
    get calls() {
      return calls;
    },
    script: (name, ...attempts) => playbook.script(name, attempts),
    held: gates.held,
    waiting: gates.waiting,
    release: gates.release,
    seen(test) {
      const known = requests.find(test);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve) => {
        const watcher = (request: RecordedRequest): void => {
          if (!test(request)) return;
          watchers.delete(watcher);
          resolve(request);
        };
        watchers.add(watcher);
      });
    },
    close() {
      closing.abort();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** The key as OpenAI, Anthropic or Gemini clients send it. */
function keyOf({ headers }: IncomingMessage): string | undefined {
  const named = headers['x-api-key'] ?? headers['x-goog-api-key'];
  return headers.authorization?.replace(/^Bearer /, '') ?? (Array.isArray(named) ? named[0] : named);
}

function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > MAX_BODY) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
