/** The one stream of a server's events: keeps it open, and passes each event to its session. Interprets no event. */

import { setTimeout as delay } from 'node:timers/promises';
import type { GlobalEvent, OpencodeClient } from '../client.js';

type Payload = GlobalEvent['payload'];
/** Those that tell of sessions; copies for synchronising servers are left out. */
export type ServerEvent = Extract<Payload, { properties: unknown }>;

export interface SessionListener {
  /** An event of the session or of one of its sub-agents; `session` is the one that it is of. */
  onEvent(event: ServerEvent, session: string): void;
  /** Events may have been missed: the server has to be asked how things stand. */
  onGap(): void;
}

/** The server beats every ten seconds; three missed beats are a dead connection. */
const SILENCE_MS = 30_000;
const RECONNECT_MS = 100;

/** Listens from `open` to `close`, through lost connections. Sub-agents' sessions are followed by their parents. */
export class EventStream {
  private readonly client: OpencodeClient;
  private readonly silenceMs: number;
  private readonly closing = new AbortController();
  private readonly roots = new Map<string, SessionListener>();
  /** Session of a sub-agent to the one that conductor started. */
  private readonly parents = new Map<string, string>();
  private running: Promise<void> | undefined;

  constructor(client: OpencodeClient, silenceMs: number = SILENCE_MS) {
    this.client = client;
    this.silenceMs = silenceMs;
  }

  /** Resolves when the server has confirmed the connection; what happens from then on is heard. */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.running = this.listen(resolve).then(() => reject(new Error('the stream was closed')));
    });
  }

  /** Until the returned function is called. */
  follow(session: string, listener: SessionListener): () => void {
    this.roots.set(session, listener);
    return () => {
      this.roots.delete(session);
      for (const [child, root] of this.parents) if (root === session) this.parents.delete(child);
    };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.running?.catch(() => {});
  }

  private async listen(onFirst: () => void): Promise<void> {
    const { signal } = this.closing;
    let connected = false;
    while (!signal.aborted) {
      let first = true;
      await this.connection(signal, (event) => {
        if (first) {
          if (connected) for (const listener of [...this.roots.values()]) listener.onGap();
          connected = true;
          first = false;
          onFirst();
        }
        this.hand(event);
      });
      await delay(RECONNECT_MS, undefined, { signal }).catch(() => {});
    }
  }

  /** One connection until it ends, breaks or falls silent. */
  private async connection(closing: AbortSignal, onEvent: (event: ServerEvent) => void): Promise<void> {
    const silent = new AbortController();
    const signal = AbortSignal.any([closing, silent.signal]);
    const timer = setTimeout(() => silent.abort(), this.silenceMs);
    try {
      const { stream } = await this.client.global.event({ signal, sseMaxRetryAttempts: 1 });
      for await (const event of stream) {
        timer.refresh();
        if (signal.aborted) return;
        const payload = (event as GlobalEvent | undefined)?.payload;
        if (payload && isServerEvent(payload)) onEvent(payload);
      }
    } catch {
      // A broken connection is opened again.
    } finally {
      clearTimeout(timer);
    }
  }

  private hand(event: ServerEvent): void {
    const session = sessionOf(event);
    if (session === undefined) return;
    if (event.type === 'session.created' || event.type === 'session.updated') {
      const parent = event.properties.info.parentID;
      const root = parent === undefined ? undefined : (this.parents.get(parent) ?? parent);
      if (root !== undefined && this.roots.has(root)) this.parents.set(session, root);
    }
    this.roots.get(this.parents.get(session) ?? session)?.onEvent(event, session);
  }
}

function isServerEvent(payload: Payload): payload is ServerEvent {
  return (
    typeof payload.type === 'string' && typeof (payload as { properties?: unknown }).properties === 'object'
  );
}

function sessionOf(event: ServerEvent): string | undefined {
  const { sessionID } = event.properties as { sessionID?: unknown };
  return typeof sessionID === 'string' ? sessionID : undefined;
}
