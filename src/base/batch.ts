/** Collects single requests and sends them as one. Does not know what is requested. */

import { setTimeout as delay } from 'node:timers/promises';

/** What is asked for while an answer is awaited, or within `pauseMs`, goes into the next question together. */
export class Batch<K, V> {
  private readonly run: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>;
  private readonly pauseMs: number;
  private waiting = new Map<K, Promise<V | undefined>>();
  private next: Promise<ReadonlyMap<K, V>> | undefined;
  private current: Promise<unknown> = Promise.resolve();

  constructor(run: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>, pauseMs: number) {
    this.run = run;
    this.pauseMs = pauseMs;
  }

  /** The answer for one key; undefined when the answer for all says nothing of it. */
  ask(key: K): Promise<V | undefined> {
    const known = this.waiting.get(key);
    if (known) return known;
    this.next ??= this.start();
    const answer = this.next.then((answers) => answers.get(key));
    this.waiting.set(key, answer);
    return answer;
  }

  private start(): Promise<ReadonlyMap<K, V>> {
    const turn = Promise.all([this.current, delay(this.pauseMs)]).then(() => {
      const keys = [...this.waiting.keys()];
      this.waiting = new Map();
      this.next = undefined;
      return this.run(keys);
    });
    this.current = turn.catch(() => undefined);
    return turn;
  }
}
