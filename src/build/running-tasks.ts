/**
 * Recipes and gates that run, by the key of what they produce. When a build is superseded they continue, and the next
 * build joins those that it still needs.
 */

import { err, type Result } from '../base/result.js';
import type { ExecutionContext } from '../execution/executor.js';
import type { BuildEventBody } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import type { Label } from '../model/task.js';
import type { Emit } from '../project/host.js';

/** The reason of an abort that ends a build and not what runs: another build of the same project follows at once. */
export const SUPERSEDED = 'superseded';

export function isSuperseded(signal: AbortSignal): boolean {
  return signal.aborted && signal.reason === SUPERSEDED;
}

/** A build, as far as what it runs is concerned. */
export interface Caller {
  readonly signal: AbortSignal;
  readonly emit: Emit;
}

/** What runs: the key of what it makes, and its task. */
export interface RunName {
  readonly key: string;
  readonly label: Label;
}

interface Run extends RunName {
  /** Who started it, and so owns what it works with. */
  readonly owner: Caller;
  readonly controller: AbortController;
  readonly ended: Promise<Result<unknown, Failure>>;
  /** The callers that wait for it; none after its build was superseded. */
  caller: Caller | undefined;
  /** What a build that joins late must be given. */
  readonly announced: Map<BuildEventBody['type'], BuildEventBody>;
}

export class Runs {
  /** What can be joined. */
  private readonly open = new Map<string, Run>();
  /** What has not ended, also after an abort. */
  private readonly running = new Set<Run>();

  /**
   * What runs under this key, started where nothing does. When the caller is superseded, what has begun goes on without
   * it; any other abort ends the work. Either way the answer is then `cancelled`.
   */
  join<T>(
    named: RunName,
    caller: Caller,
    work: (context: ExecutionContext) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    if (caller.signal.aborted) return Promise.resolve(err({ kind: 'cancelled' }));
    let run = this.open.get(named.key);
    if (run) {
      run.caller = caller;
      for (const event of run.announced.values()) caller.emit(event);
    } else {
      run = this.start(named, caller, work);
    }
    return this.wait(run, caller) as Promise<Result<T, Failure>>;
  }

  /** Of this task only what runs under one of the keys is wanted any more. */
  keepOnly(label: Label, ...keys: readonly string[]): void {
    for (const run of this.open.values()) {
      if (run.label === label && !keys.includes(run.key)) this.end(run);
    }
  }

  /** Of these tasks nothing is wanted any more. */
  keepNone(labels: Iterable<Label>): void {
    if (this.open.size === 0) return;
    const all = new Set(labels);
    for (const run of this.open.values()) if (all.has(run.label)) this.end(run);
  }

  /** Ends runs for which no caller waits. */
  endUnclaimed(): void {
    for (const run of this.open.values()) if (!run.caller) this.end(run);
  }

  /** Whether anything runs. */
  get busy(): boolean {
    return this.running.size > 0;
  }

  /** Resolves when everything that the caller started has ended. */
  async untilEnded(owner: Caller): Promise<void> {
    const own = [...this.running].filter((run) => run.owner === owner);
    await Promise.allSettled(own.map((run) => run.ended));
  }

  private start<T>(
    named: RunName,
    owner: Caller,
    work: (context: ExecutionContext) => Promise<Result<T, Failure>>,
  ): Run {
    const controller = new AbortController();
    const announced: Run['announced'] = new Map();
    const emit = (event: BuildEventBody) => {
      if (event.type === 'task.started' || event.type === 'task.phase') announced.set(event.type, event);
      run.caller?.emit(event);
    };
    const ended = work({ signal: controller.signal, emit });
    const run: Run = { ...named, owner, controller, ended, caller: owner, announced };
    this.open.set(run.key, run);
    this.running.add(run);
    // The outcome of a run without a waiting caller is kept for the next build.
    const close = () => {
      this.running.delete(run);
      if (run.caller || controller.signal.aborted) this.forget(run);
    };
    ended.then(close, close);
    return run;
  }

  private wait(run: Run, { signal }: Caller): Promise<Result<unknown, Failure>> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (!isSuperseded(signal) || run.announced.size === 0) return this.end(run);
        run.caller = undefined;
        resolve(err({ kind: 'cancelled' }));
      };
      signal.addEventListener('abort', onAbort, { once: true });
      const leave = () => {
        signal.removeEventListener('abort', onAbort);
        if (run.caller) this.forget(run);
      };
      run.ended.finally(leave).then(resolve, reject);
    });
  }

  /** A later request for its key starts it again. */
  private end(run: Run): void {
    this.forget(run);
    run.controller.abort();
  }

  private forget(run: Run): void {
    if (this.open.get(run.key) === run) this.open.delete(run.key);
  }
}
