/**
 * The store of a build with remotes: conductor's own repository first, then the remotes. Results that are found on a
 * remote are stored here, new ones are sent, and the one that the first remote already has wins.
 */

import { Batch } from '../base/batch.js';
import { mapBounded } from '../base/bounded.js';
import { err, ok, type Result } from '../base/result.js';
import { within } from '../base/within.js';
import type { GitObjects } from '../io/git/objects.js';
import { type ActionKey, nextKey, type StoredResult } from '../model/action.js';
import type { Digest } from '../model/digest.js';
import type { Failure } from '../model/failure.js';
import { digestFiles, type ObjectId } from '../model/tree.js';
import { type ArrivalRules, arrivedProblem, arrivedResult, contentDigest, originOf } from './arrival.js';
import type { Claims } from './claims/claims.js';
import { type EntryName, gatesName, resultName } from './encoded-entry.js';
import type { GitResults } from './git-results.js';
import type { RemoteTiers } from './remotes/tiers.js';
import type { KeptResult, NewResult, ResultStore, UnsentReport } from './result-store.js';
import { Outbox, type UnsentEntries } from './unsent.js';

export interface Sharing extends ArrivalRules {
  readonly chain: RemoteTiers;
  /** Held by this build until what it claims is sent; absent: it claims nothing. */
  readonly claims?: Claims;
  /** Keys that will probably be asked for: they go with the first question. */
  readonly likely: readonly ActionKey[];
  /** Whether a pass of gates elsewhere counts here. */
  readonly believesGates: boolean;
  /** Milliseconds that a new result waits to hear whether another was first, and that the end waits for the rest. */
  readonly claimMs: number;
  readonly waitMs: number;
  /** Milliseconds in which questions are gathered into one. */
  readonly gatherMs: number;
  /** What is not on the remotes yet, over builds; absent: no remote is written to. */
  readonly unsent?: UnsentEntries;
  /** Until when a mark rests that cannot be sent (milliseconds since 1970, UTC); absent: none rests. */
  readonly restUntil?: () => number;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

export class TieredResults implements ResultStore {
  private readonly local: GitResults;
  private readonly objects: GitObjects;
  private readonly sharing: Sharing;
  private readonly questions: Batch<EntryName, true>;
  private readonly offers: Batch<EntryName, 'stored' | 'taken'>;
  /** Asked for in this build: whether it is there, once that is known. */
  private readonly asked = new Map<EntryName, Promise<boolean>>();
  private isFirst = true;
  private readonly outbox: Outbox;
  private readonly offered = new Set<EntryName>();
  private readonly late = new Set<Promise<unknown>>();
  /** Keys whose result gave way to another's: not a second time, should that one turn out to be of no use. */
  private readonly gaveWay = new Set<ActionKey>();
  /** Nobody waits to hear of them: they go with the next result, or at the end. Each push has its price. */
  private readonly passedGates = new Set<EntryName>();
  /** An accepted result may still be withdrawn, so it is sent only after a successful build. */
  private readonly provisional = new Set<EntryName>();
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;

  constructor(local: GitResults, objects: GitObjects, sharing: Sharing) {
    this.local = local;
    this.objects = objects;
    this.sharing = sharing;
    this.outbox = new Outbox(sharing.unsent, sharing.restUntil);
    this.signal = AbortSignal.any([sharing.signal, this.stop.signal]);
    this.questions = new Batch((names) => this.bring(names), sharing.gatherMs);
    this.offers = new Batch((names) => this.send(names), sharing.gatherMs);
  }

  async find(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>> {
    const here = await this.local.find(key);
    if (here.ok && here.value) return here;
    return (await this.ask(resultName(key))) ? this.local.find(key) : here;
  }

  async findNow(key: ActionKey): Promise<Result<StoredResult | undefined, Failure>> {
    this.asked.delete(resultName(key));
    return this.find(key);
  }

  async sent(): Promise<void> {
    await Promise.all(this.late);
  }

  unreached(key: ActionKey): readonly string[] {
    return this.sharing.chain.unreached(resultName(key));
  }

  async keep(result: NewResult): Promise<Result<KeptResult, Failure>> {
    await this.outbox.add(resultName(result.key));
    const kept = await this.local.keep(result);
    return kept.ok && !kept.value.adopted ? this.share(kept.value) : kept;
  }

  /** A result that a worker has made and whose commit is here, if the trust rules let it in. */
  async admit(key: ActionKey, commit: ObjectId): Promise<Result<KeptResult, Failure>> {
    await this.outbox.add(resultName(key));
    const problem = await this.accept(resultName(key), commit);
    if (problem !== undefined) return err({ kind: 'result-damaged', key, detail: problem });
    const found = await this.local.find(key);
    if (!found.ok) return found;
    if (found.value) return this.share(found.value);
    return err({ kind: 'result-damaged', key, detail: 'its origin is not trusted' });
  }

  private async share(result: KeptResult): Promise<Result<KeptResult, Failure>> {
    const kept = ok(result);
    if (!this.sharing.chain.writes) return kept;
    const name = resultName(result.key);
    if (result.provenance.recipe === 'accepted') {
      this.provisional.add(name);
      return kept;
    }
    const offered = this.offers.ask(name);
    // A rendered result is always the same, so there is no need to ask which build was first.
    if (result.provenance.recipe !== 'render') {
      const heard = await within(offered, this.sharing.claimMs, this.signal);
      if (heard !== 'late') return ok(heard === 'taken' ? await this.adopt(kept.value) : kept.value);
    }
    this.later(
      offered.then(async (outcome) => {
        if (outcome !== 'taken') return;
        const standing = await this.elsewhere(kept.value.key);
        if (!standing || contentDigest(standing) === contentDigest(kept.value)) return;
        this.sharing.warn(
          `${result.provenance.label}: the first remote already had a different result, which conductor learned too late; this build continues with its own`,
        );
      }),
    );
    return kept;
  }

  async standing(key: ActionKey): Promise<ObjectId | undefined> {
    return this.sharing.chain.reads ? (await this.elsewhere(key))?.commit : undefined;
  }

  async forget(key: ActionKey): Promise<void> {
    this.provisional.delete(resultName(key));
    await this.outbox.forget(resultName(key));
    await this.local.forget(key);
  }

  async gatesPassed(key: Digest): Promise<boolean> {
    if (await this.local.gatesPassed(key)) return true;
    return this.sharing.believesGates && (await this.ask(gatesName(key)));
  }

  async recordGates(key: Digest): Promise<void> {
    await this.outbox.add(gatesName(key));
    await this.local.recordGates(key);
    if (this.sharing.chain.writes) this.passedGates.add(gatesName(key));
  }

  repack(): Promise<void> {
    return this.local.repack();
  }

  async close(): Promise<void> {
    await this.sendLeft();
    const sent = this.allSent().then(() => 'sent' as const);
    if ((await within(sent, this.sharing.waitMs, this.signal)) === 'late') this.stop.abort();
    await this.allSent();
    await this.outbox.rest((name) => this.sharing.chain.isDenied(name));
    await this.sharing.claims?.close();
    await Promise.all([this.sharing.chain.close(), this.local.close()]);
  }

  unsent(): UnsentReport {
    return this.outbox.report(this.sharing.chain.withoutAll);
  }

  /** What earlier builds could not send, and what this one keeps back until its end. */
  private async sendLeft(): Promise<void> {
    const { chain, policy } = this.sharing;
    for (const name of new Set([...this.provisional, ...this.passedGates, ...this.outbox.left()])) {
      if (this.offered.has(name)) continue;
      const commit = await this.local.commitOf(name);
      const origin = commit === undefined ? undefined : await originOf(this.objects, name, commit);
      if (commit === undefined) await this.outbox.remove([name]);
      // Each goes where its like is shared.
      const isOthers = (origin?.pullRequest === true) !== policy.here.pullRequest;
      if (isOthers) this.outbox.leave(name);
      if (commit === undefined || isOthers) continue;
      this.outbox.take(name);
      if (chain.writes) this.later(this.offers.ask(name));
    }
  }

  /** What is sent may give rise to more. */
  private async allSent(): Promise<void> {
    for (let [next] = this.late; next; [next] = this.late) await next;
  }

  private ask(name: EntryName): Promise<boolean> {
    const known = this.asked.get(name);
    if (known) return known;
    if (!this.sharing.chain.reads || this.signal.aborted) {
      // Remotes that are not asked any more may have it all the same.
      this.sharing.chain.passOver([name]);
      return Promise.resolve(false);
    }
    const answer = this.questions.ask(name).then((found) => found === true);
    this.asked.set(name, answer);
    return answer;
  }

  private async bring(names: readonly EntryName[]): Promise<Map<EntryName, true>> {
    const wanted = new Set(names);
    const likely = this.isFirst ? this.sharing.likely.map(resultName) : [];
    this.isFirst = false;
    const here = await mapBounded(likely, (name) => this.local.commitOf(name));
    for (const [at, name] of likely.entries()) if (here[at] === undefined) wanted.add(name);
    const found = this.sharing.chain.fetch([...wanted], this.accept, this.signal);
    for (const name of wanted) {
      // Who asks for it while it is on its way waits for it.
      if (!this.asked.has(name))
        this.asked.set(
          name,
          found.then((all) => all.has(name)),
        );
    }
    return new Map([...(await found)].map((name) => [name, true]));
  }

  private readonly accept = async (name: EntryName, commit: ObjectId): Promise<string | undefined> => {
    const problem = await this.problem(name, commit);
    if (problem === undefined) await this.local.point(name, commit);
    return problem;
  };

  /** Why an entry may not be used here. */
  private readonly problem = (name: EntryName, commit: ObjectId): Promise<string | undefined> =>
    arrivedProblem(this.local, this.objects, this.sharing, { name, commit });

  private async send(asked: readonly EntryName[]): Promise<Map<EntryName, 'stored' | 'taken'>> {
    const names = new Set([...asked, ...this.passedGates]);
    this.passedGates.clear();
    const entries = new Map<EntryName, ObjectId>();
    for (const name of names) {
      const commit = await this.local.commitToSend(name);
      if (commit !== undefined) entries.set(name, commit);
      else this.outbox.leave(name);
      this.offered.add(name);
    }
    const { chain, policy } = this.sharing;
    const { first, all } = chain.offer(entries, this.signal);
    const replace = (outcomes: Map<EntryName, 'stored' | 'taken'>) =>
      chain.replaceUnusable({ entries, outcomes, problem: this.problem }, this.signal);
    // Where only signed results may be used, one that may not stands in nobody's way.
    const told = policy.trust === 'signed' ? first.then((outcomes) => replace(new Map(outcomes))) : first;
    // The first remote says which result was first: the others need not be waited for.
    const answered = Promise.all([all, first, told]).then(async ([outcomes, early]) => {
      for (const [name, said] of early) if (said === 'taken') outcomes.delete(name);
      if (policy.trust === 'signed') await replace(outcomes);
    });
    this.later(answered.then(() => this.outbox.removeSent(entries.keys(), (name) => !chain.isUnsent(name))));
    return told;
  }

  /**
   * The result that was first stands, here too, before any dependent has seen ours. Ours was paid for and stays, under
   * the key that is looked for next if the other one turns out to be of no use.
   */
  private async adopt(ours: StoredResult): Promise<KeptResult> {
    if (this.gaveWay.has(ours.key)) return ours;
    const first = await this.elsewhere(ours.key);
    if (!first || contentDigest(first) === contentDigest(ours)) return ours;
    this.gaveWay.add(ours.key);
    await this.local.point(resultName(ours.key), first.commit);
    const key = nextKey(ours.key, 'rejected', digestFiles(first.outputs));
    const { outputs, edits, provenance } = ours;
    await this.local.keep({ key, outputs, edits, provenance: { ...provenance, key } });
    this.sharing.warn(
      `${provenance.label}: the first remote already has another result for this key; conductor uses that one`,
    );
    return { ...first, adopted: true, stood: true };
  }

  /** What remotes have under a key, if it may be used here. */
  private async elsewhere(key: ActionKey): Promise<StoredResult | undefined> {
    let first: StoredResult | undefined;
    const look = async (_: EntryName, commit: ObjectId) => {
      const arrived = await arrivedResult(this.local, this.objects, this.sharing, { key, commit });
      if (arrived.ok) first = arrived.result;
      return arrived.ok ? undefined : arrived.problem;
    };
    await this.sharing.chain.fetch([resultName(key)], look, this.signal);
    return first;
  }

  private later(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.finally(() => this.late.delete(done));
    this.late.add(done);
  }
}
