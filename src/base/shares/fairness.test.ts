/** No sharer starves: random weights, limits, arrivals and lengths of jobs, on a clock of the test's own. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ShareLimiter } from './share-limiter.js';

const MAX_MS = 100;

interface Plan {
  readonly weight: number;
  readonly least: number;
  /** In addition to `least`; 0: no limit. */
  readonly most: number;
  /** Batches of jobs: when they come, and how long each job takes. */
  readonly batches: readonly { readonly at: number; readonly jobs: readonly number[] }[];
}

const plan: fc.Arbitrary<Plan> = fc.record({
  weight: fc.constantFrom(0.8, 1, 2, 4.8, 8, 38.4),
  least: fc.constantFrom(0, 0, 0, 1, 2),
  most: fc.constantFrom(0, 0, 1, 3),
  batches: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: 3000 }),
      jobs: fc.array(fc.integer({ min: 1, max: MAX_MS }), { minLength: 1, maxLength: 30 }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

/** Runs jobs on a clock that jumps from one end or arrival to the next. */
class Simulation {
  now = 0;
  readonly limiter: ShareLimiter;
  /** Longest time that a sharer had jobs waiting, room below its most, and started none. */
  readonly longestGap: number[];
  readonly worked: number[];
  running = 0;
  mostRunning = 0;
  private readonly agenda: { at: number; call(): void }[] = [];
  private readonly since: number[];
  private readonly waiting: number[];

  constructor(limit: number, plans: readonly Plan[]) {
    this.limiter = new ShareLimiter(limit, () => this.now);
    this.longestGap = plans.map(() => 0);
    this.worked = plans.map(() => 0);
    this.since = plans.map(() => 0);
    this.waiting = plans.map(() => 0);
    for (const [at, { weight, least, most, batches }] of plans.entries()) {
      const share = this.limiter.add({
        least,
        most: most === 0 ? limit : least + most,
        weight: () => weight,
      });
      for (const batch of batches)
        this.agenda.push({
          at: batch.at,
          call: () => {
            if (this.waiting[at] === 0) this.since[at] = this.now;
            this.waiting[at] = (this.waiting[at] ?? 0) + batch.jobs.length;
            for (const ms of batch.jobs) void share.run(() => this.job(at, ms));
          },
        });
    }
  }

  async run(until = Number.POSITIVE_INFINITY): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      this.agenda.sort((a, b) => a.at - b.at);
      const next = this.agenda.shift();
      if (next === undefined || next.at > until) return;
      this.now = next.at;
      next.call();
    }
  }

  private job(sharer: number, ms: number): Promise<void> {
    const gap = this.now - (this.since[sharer] as number);
    this.longestGap[sharer] = Math.max(this.longestGap[sharer] as number, gap);
    this.since[sharer] = this.now;
    this.waiting[sharer] = (this.waiting[sharer] as number) - 1;
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    return new Promise((resolve) =>
      this.agenda.push({
        at: this.now + ms,
        call: () => {
          this.running--;
          this.worked[sharer] = (this.worked[sharer] as number) + ms;
          resolve();
        },
      }),
    );
  }
}

test('whatever the others do, a sharer that waits starts a job within a time that its weight decides', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plan, { minLength: 2, maxLength: 6 }),
      fc.integer({ min: 1, max: 4 }),
      async (plans, room) => {
        const kept = plans.reduce((sum, { least }) => sum + least, 0);
        const limit = kept + room;
        const simulation = new Simulation(limit, plans);
        await simulation.run();
        const jobs = plans.flatMap(({ batches }) => batches.flatMap((batch) => batch.jobs));
        expect(simulation.worked.reduce((sum, ms) => sum + ms, 0)).toBe(
          jobs.reduce((sum, ms) => sum + ms, 0),
        );
        expect(simulation.mostRunning).toBeLessThanOrEqual(limit);
        const sum = plans.reduce((all, { weight }) => all + weight, 0);
        for (const [at, { weight }] of plans.entries()) {
          // Until all others have had as much for their weights, and the jobs that run have ended.
          const longest = MAX_MS * (limit + 1) * (sum / weight / room + plans.length + 1);
          expect(simulation.longestGap[at], `sharer ${at}`).toBeLessThanOrEqual(longest);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('sharers that always wait get time in proportion to their weights, whatever their jobs take', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(0.8, 1, 2, 4, 8, 38.4), { minLength: 2, maxLength: 5 }),
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.integer({ min: 1, max: MAX_MS }), { minLength: 7, maxLength: 60 }),
      async (weights, limit, lengths) => {
        const plans = weights.map((weight, sharer) => ({
          ...{ weight, least: 0, most: 0 },
          batches: [
            {
              at: 0,
              jobs: Array.from(
                { length: 3000 * limit },
                (_, n) => lengths[(n * (sharer + 1)) % lengths.length] as number,
              ),
            },
          ],
        }));
        const simulation = new Simulation(limit, plans);
        // While none of them runs out of jobs.
        await simulation.run(2900);
        const used = simulation.worked.map((ms, at) => ms / (weights[at] as number));
        for (const [a, weightA] of weights.entries())
          for (const [b, weightB] of weights.entries()) {
            const slack = MAX_MS * (limit + 1) * (1 / weightA + 1 / weightB);
            expect((used[a] as number) - (used[b] as number)).toBeLessThanOrEqual(slack);
          }
      },
    ),
    { numRuns: 40 },
  );
});
