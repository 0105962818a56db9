/**
 * Keeps one OpenCode server for all runs: starts it with the first one, and replaces it when it ends or grows. Knows
 * no session.
 */

import { err, ok, type Result } from '../../base/result.js';
import type { Failure } from '../../model/failure.js';
import type { OpencodeServer } from './server/opencode-server.js';
import { EventStream } from './session/events.js';

export interface HostOptions {
  /** `patience`: from 1, how many times the usual time to give the start. */
  start(signal: AbortSignal, patience: number): Promise<Result<OpencodeServer, Failure>>;
  /** Bytes of memory from which unused folders are closed on the server. Default 1.7 GB: eight folders with their plugins take 1.2. */
  readonly trimBytes?: number;
  /** Bytes of memory from which the server is replaced when no run uses it; until then no new run joins it. Default 2 GB. */
  readonly maxBytes?: number;
  /** Servers that may die in one build before it is given up. Default 5. */
  readonly maxDeaths?: number;
}

/** The use of the server by one run. */
export interface Lease {
  readonly server: OpencodeServer;
  readonly events: EventStream;
  /** Resolves with a sentence when the server is gone. */
  readonly lost: Promise<string>;
  /** Opens the folder on the server, as `guarded` of the server does, which is asked only for a folder that is not open. */
  open(): Promise<boolean | undefined>;
  release(): Promise<void>;
}

interface Running {
  readonly server: OpencodeServer;
  readonly events: EventStream;
  readonly lost: Promise<string>;
  dead: boolean;
  /** Runs by folder; folders without one are open but idle. */
  readonly folders: Map<string, number>;
  /** Folders that are known to be open, with conductor's plugins. */
  readonly open: Set<string>;
  /** Set when the server has grown too large: resolves when it has ended. */
  retired: { readonly ended: Promise<void>; end(): void } | undefined;
}

/** Three starts, with one, two and four times the usual time. */
const MOST_PATIENCE = 4;

export class ServerHost {
  private readonly options: HostOptions;
  private readonly closing = new AbortController();
  private current: Promise<Result<Running, Failure>> | undefined;
  private deaths = 0;

  constructor(options: HostOptions) {
    this.options = options;
  }

  /** The server, started when there is none; waits while one that has grown too large is replaced. */
  async lease(folder: string, signal: AbortSignal): Promise<Result<Lease, Failure>> {
    for (;;) {
      if (signal.aborted || this.closing.signal.aborted) return err({ kind: 'cancelled' });
      this.current ??= this.start();
      const { current } = this;
      const started = await unlessAborted(current, signal);
      if (started === undefined) return err({ kind: 'cancelled' });
      // A start that failed to the last fails again: it stays, and no other task waits for it.
      if (!started.ok) return started;
      const running = started.value;
      if (running.dead) {
        if (this.current === current) this.current = undefined;
        continue;
      }
      if (!running.retired && (await running.server.memory()) > (this.options.maxBytes ?? 2e9))
        retire(running);
      if (running.retired) {
        await unlessAborted(running.retired.ended, signal);
        continue;
      }
      if (running.dead) continue;
      running.folders.set(folder, (running.folders.get(folder) ?? 0) + 1);
      const { server, events, lost } = running;
      const open = () => opened(running, folder);
      return ok({ server, events, lost, open, release: () => this.release(running, folder) });
    }
  }

  /** Ends the server. Leases that are open are lost. */
  async close(): Promise<void> {
    this.closing.abort();
    const started = await this.current;
    if (!started?.ok) return;
    await started.value.events.close();
    await started.value.server.stop();
  }

  private async start(): Promise<Result<Running, Failure>> {
    const started = await this.started();
    if (!started.ok) return started;
    const server = started.value;
    const events = new EventStream(server.client);
    // What it left could perhaps not be removed: gone it is all the same.
    const exited = server.exited.catch(() => ({ asked: false, detail: 'the OpenCode server has ended' }));
    const lost = exited.then((exit) => exit.detail);
    const none = { dead: false, folders: new Map(), open: new Set<string>(), retired: undefined };
    const running: Running = { server, events, lost, ...none };
    const tooMany = this.deaths >= (this.options.maxDeaths ?? 5);
    void exited.then(({ asked }) => {
      running.dead = true;
      if (!asked) this.deaths++;
      running.retired?.end();
      void events.close();
    });
    if (tooMany) {
      await server.stop();
      const detail = 'the OpenCode server ended repeatedly';
      return err({ kind: 'agent-start-failed', detail, output: { tail: '' } });
    }
    // A server that dies before its stream is open is noticed by the next run that uses it.
    await Promise.race([events.open().catch(() => {}), lost]);
    return ok(running);
  }

  /**
   * A start that is killed or hangs is made again, and a machine under load gets more time: one bad moment does not fail
   * every task of a build.
   */
  private async started(): Promise<Result<OpencodeServer, Failure>> {
    for (let patience = 1; ; patience *= 2) {
      const started = await this.options.start(this.closing.signal, patience);
      const isFinal = started.ok || started.error.kind !== 'agent-start-failed' || patience >= MOST_PATIENCE;
      if (isFinal || this.closing.signal.aborted) return started;
    }
  }

  private async release(running: Running, folder: string): Promise<void> {
    running.folders.set(folder, (running.folders.get(folder) ?? 1) - 1);
    if (running.dead) return;
    const idle = [...running.folders].filter(([, runs]) => runs === 0).map(([path]) => path);
    if (running.retired) {
      if (idle.length === running.folders.size) await running.server.stop();
      return;
    }
    if ((await running.server.memory()) <= (this.options.trimBytes ?? 1.7e9)) return;
    for (const directory of idle) {
      // Somebody may have come while the server was asked.
      if (running.folders.get(directory) !== 0) continue;
      running.folders.delete(directory);
      running.open.delete(directory);
      await running.server.client.instance.dispose({ directory }).catch(() => {});
    }
  }
}

async function opened({ server, open }: Running, folder: string): Promise<boolean | undefined> {
  if (open.has(folder)) return true;
  const answer = await server.guarded(folder);
  // The run that asks has the folder, so that nobody closes it meanwhile.
  if (answer === true) open.add(folder);
  return answer;
}

/** From now on no run joins; the last run to leave ends it. */
function retire(running: Running): void {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  running.retired = { ended, end };
  if ([...running.folders.values()].every((runs) => runs === 0)) void running.server.stop();
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let onAbort = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
