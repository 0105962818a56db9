/**
 * What a worker needs for the jobs of one build base: agent, workspaces and rules. Kept while jobs of the base come, the
 * one that was used least recently gives way. Takes no jobs.
 */

import { join } from 'node:path';
import type { Agent } from '../../agent/agent.js';
import { type AgentDefinition, loadDefinitions } from '../../agent/prompts/definitions.js';
import { commandSettings, PACKAGES } from '../../analysis/command-settings.js';
import { ok, type Result } from '../../base/result.js';
import { makeDir, readBytes } from '../../io/files.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { Repository } from '../../io/git/repository.js';
import { hashObject } from '../../io/git/writing/object-bytes.js';
import type { ManifestItem } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import { canonicalJson, digestFields } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { NO_RULES } from '../../model/git-rules/git-rules.js';
import { Listing, type ObjectId } from '../../model/tree.js';
import type { Host } from '../../project/host.js';
import type { ResultStore } from '../../store/result-store.js';
import type { ExecutorParts } from '../executor.js';
import { LocalExecutor } from '../local-executor.js';
import { openLocalParts } from '../open-local-executor.js';
import { SharedResources } from '../shared-resources.js';
import { type BudgetRecord, Spending } from '../spending.js';
import { type BuildBase, readBase } from './parcel.js';

export interface BenchParts {
  readonly host: Host;
  readonly repository: Repository;
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly config: Config;
  /** In milliseconds since 1970, UTC: logs are named by it. */
  readonly startedAt: number;
}

export interface Bench {
  readonly base: BuildBase;
  readonly agent: Agent | undefined;
  readonly definitions: ReadonlyMap<string, AgentDefinition>;
  /** Of this machine. */
  readonly settings: readonly ManifestItem[];
  /** One for each job: what a job spends is counted by the build that asked for it. */
  executor(): LocalExecutor;
}

interface Place {
  readonly number: number;
  readonly key: string;
  readonly opened: Promise<Result<{ bench: Bench; close(): Promise<void> }, Failure>>;
  users: number;
  usedAt: number;
}

/** What differs between benches. */
type OwnPart = Pick<ExecutorParts, 'agent' | 'rules' | 'handWritten' | 'shared' | 'isFollowing'>;

/** Bases whose jobs a worker runs at the same time without opening anything again. */
const PLACES = 3;
const NO_RECORD: BudgetRecord = {
  before: { usd: 0, tokens: 0, minutes: 0 },
  unfinished: new Map(),
  add: () => {},
  close: () => {},
};

export class Benches {
  private readonly parts: BenchParts;
  private readonly places: Place[] = [];
  private uses = 0;
  /** The workspaces that were made before the first job, for the first bench. */
  private warmed: Promise<SharedResources | undefined> = Promise.resolve(undefined);

  constructor(parts: BenchParts) {
    this.parts = parts;
  }

  /**
   * Makes what the jobs of every base need before there is a job: the workspaces, and what is read and tried once. A job that
   * comes meanwhile waits for it. What fails here is told by the first job that needs it, which fails in the same way.
   */
  warm(count: number): Promise<unknown> {
    const shared = new SharedResources();
    this.warmed = this.openWorkspaces(shared, count).then(
      (isOpen) => (isOpen ? shared : undefined),
      () => undefined,
    );
    return this.warmed;
  }

  /** Uses the bench of a base commit that is here. */
  async use<T>(
    commit: ObjectId,
    work: (bench: Bench) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    await this.warmed;
    const read = await readBase(this.parts.objects, commit);
    if (!read.ok) return read;
    const { base, handWritten } = read.value;
    const { config } = this.parts;
    // The files that people wrote are seen by set-up alone.
    const isSeen = config.workspace.setup.length > 0;
    const key = digestFields('conductor.bench.1', [canonicalJson(base), isSeen ? handWritten : '']);
    const place = this.places.find((one) => one.key === key) ?? (await this.open(key, base, handWritten));
    place.users++;
    place.usedAt = ++this.uses;
    try {
      const opened = await place.opened;
      return opened.ok ? await work(opened.value.bench) : opened;
    } finally {
      place.users--;
    }
  }

  async close(): Promise<void> {
    for (const place of this.places.splice(0)) await this.empty(place);
  }

  private async openWorkspaces(shared: SharedResources, count: number): Promise<boolean> {
    const { host, objects, config } = this.parts;
    await loadDefinitions((await host.shippedAgents?.()) ?? new Map(), new Map());
    // Set-up sees files that people wrote, which come with the first base.
    if (config.workspace.setup.length > 0) return false;
    const empty = await objects.empty();
    const own = { agent: undefined, rules: NO_RULES, handWritten: empty };
    const local = await this.openLocal({ ...own, number: 0, shared, isFollowing: false });
    if (!local.ok) return false;
    await local.value.pool.makeMissing(count);
    await local.value.pool.close();
    return true;
  }

  private async open(key: string, base: BuildBase, handWritten: ObjectId): Promise<Place> {
    const idle = this.places.filter(({ users }) => users === 0).sort((a, b) => a.usedAt - b.usedAt);
    const [old] = this.places.length >= PLACES ? idle : [];
    if (old) {
      this.places.splice(this.places.indexOf(old), 1);
      await this.empty(old);
    }
    const taken = new Set(this.places.map((one) => one.number));
    let number = 0;
    while (taken.has(number)) number++;
    const opened = this.openBench(number, base, handWritten);
    const place: Place = { number, key, opened, users: 0, usedAt: 0 };
    this.places.push(place);
    // The next job opens what could not be opened.
    const drop = () => {
      const at = this.places.indexOf(place);
      if (at >= 0) this.places.splice(at, 1);
    };
    opened.then(({ ok }) => ok || drop(), drop);
    return place;
  }

  private async empty({ opened }: Place): Promise<void> {
    const bench = await opened;
    if (bench.ok) await bench.value.close();
  }

  private async openBench(number: number, base: BuildBase, handWritten: ObjectId) {
    const { host, config } = this.parts;
    const shipped = new Map(Object.entries(base.shippedAgents));
    const definitions = await loadDefinitions(shipped, new Map(Object.entries(base.ownAgents)));
    if (!definitions.ok) return definitions;
    const made = await host.createAgent(config);
    if (!made.ok) return made;
    const agent = made.value;
    try {
      const opened = await this.openWith(agent, definitions.value, { number, base, handWritten });
      if (!opened.ok) await agent?.close?.();
      return opened;
    } catch (error) {
      await agent?.close?.();
      throw error;
    }
  }

  private async openWith(
    agent: Agent | undefined,
    definitions: ReadonlyMap<string, AgentDefinition>,
    { number, base, handWritten }: { number: number; base: BuildBase; handWritten: ObjectId },
  ) {
    if (definitions.size > 0) agent?.useDefinitions?.(definitions);
    const settings = await ownSettings(this.parts, base);
    if (!settings.ok) return settings;
    const warm = number === 0 ? await this.warmed : undefined;
    // Only the first bench takes them.
    this.warmed = Promise.resolve(undefined);
    const resources = { shared: warm ?? new SharedResources(), isFollowing: warm !== undefined };
    const local = await this.openLocal({ ...resources, number, agent, rules: base.rules, handWritten });
    if (!local.ok) return local;
    const bench: Bench = {
      base,
      agent,
      definitions,
      settings: settings.value,
      executor: () =>
        new LocalExecutor({ ...local.value, spending: new Spending({ build: {}, day: {} }, NO_RECORD) }),
    };
    const close = async () => {
      await local.value.pool.close();
      await agent?.close?.();
    };
    return ok({ bench, close });
  }

  private async openLocal({ number, ...own }: OwnPart & { readonly number: number }) {
    const { host, repository, objects, store, config, startedAt } = this.parts;
    const state = join(repository.state, `bench-${number}`);
    await makeDir(state);
    return openLocalParts(host, {
      repository: { ...repository, state },
      ...{ objects, store, config, startedAt, ...own },
    });
  }
}

/** Variables and tools as this machine has them, and the lock files of packages in its own clone. */
async function ownSettings(
  { host, repository, objects, config }: BenchParts,
  base: BuildBase,
): Promise<Result<ManifestItem[], Failure>> {
  const found = await commandSettings(host, { config, handWritten: new Listing(new Map()) });
  if (!found.ok) return found;
  const items = [...found.value.items];
  for (const item of base.settings) {
    const path = item.name.startsWith(PACKAGES) ? item.name.slice(PACKAGES.length) : undefined;
    if (path === undefined) continue;
    // Set-up installs what the build's own files name; links show what is installed here.
    const isLinked = config.workspace.link.length > 0;
    const content = isLinked ? await readBytes(join(repository.project, path)) : undefined;
    const own = content === undefined ? undefined : hashObject('blob', content, objects.hash);
    items.push(isLinked ? { ...item, value: own ?? 'missing' } : item);
  }
  return ok(items);
}
