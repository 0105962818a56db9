/** Takes the documents of one plan from the store or has them made, counts what that costs, and says so. Knows no files. */

import { addUsage } from '../../agent/usage.js';
import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import { guarded } from '../../execution/attempt-failure.js';
import { type BuildContext, unsandboxedWarning } from '../../execution/build-context.js';
import { compareManifests, type Usage } from '../../model/action.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { StaleReason, Verdict } from '../../model/verdict.js';
import {
  type Document,
  type DocumentRequest,
  findDocument,
  makeDocument,
  type StepParts,
} from './document-step.js';
import type { PlanLock } from './plan-lock.js';
import type { PlanningNode } from './planning-node.js';

export interface DeskParts extends Omit<StepParts, keyof BuildContext | 'onSession'> {
  /** What stands in the project's files. */
  readonly lock: PlanLock | undefined;
  readonly dryRun: boolean;
  /** Opened when the first agent is asked. */
  openBuildContext(): Promise<Result<BuildContext, Failure>>;
}

export class PlanningDesk {
  /** Sessions that agents were given. */
  sessions = 0;
  usage: Usage = {};
  /** Failures that an event has told. */
  readonly failed = new Set<Failure>();
  private readonly spent = new Map<Label, Usage>();
  private readonly parts: DeskParts;
  private readonly workers: Limiter;
  private bench: Promise<Result<BuildContext, Failure>> | undefined;

  constructor(parts: DeskParts) {
    this.parts = parts;
    this.workers = new Limiter(parts.config.workers);
  }

  /** The document as it was planned last, as far as the store still has it. */
  async former({ name, output }: PlanningNode): Promise<DocumentRequest['former']> {
    const { lock, store, objects } = this.parts;
    const found = lock && (await store.find(lock.documents[name]));
    const result = found?.ok ? found.value : undefined;
    const entry = result?.outputs.get(output);
    const text = entry && (await objects.read(entry.id))?.toString('utf8');
    return result && text !== undefined ? { text, manifest: result.provenance.manifest } : undefined;
  }

  /** The document; undefined in a dry run when it would have to be written. */
  async document(request: DocumentRequest): Promise<Result<Document | undefined, Failure>> {
    const { emit, now } = this.parts;
    const startedAt = now();
    const { label } = request.node;
    const done = await guarded(() => this.findOrWrite(request));
    const ms = now() - startedAt;
    const usage = this.spent.get(label);
    const finished = { type: 'task.finished', task: label, ms, ...(usage ? { usage } : {}) } as const;
    if (!done.ok) {
      this.failed.add(done.error);
      emit({ ...finished, outcome: 'failed', failure: done.error });
      return done;
    }
    const { document, outcome } = done.value;
    const saved = outcome === 'cached' && document?.cost ? { saved: document.cost } : {};
    if (document) emit({ ...finished, outcome, ...saved });
    return ok(document);
  }

  private async findOrWrite(request: DocumentRequest): Promise<Result<Found, Failure>> {
    const { emit, lock, dryRun } = this.parts;
    const { node } = request;
    const found = await findDocument(this.parts, request);
    if (!found.ok) return found;
    const { value } = found;
    const isFresh = lock?.documents[node.name] === value.key;
    const outcome = isFresh ? 'fresh' : 'cached';
    if ('text' in value) {
      emit({ type: 'task.checked', task: node.label, verdict: isFresh ? FRESH : CACHED });
      return ok({ document: value, outcome });
    }
    emit({ type: 'task.checked', task: node.label, verdict: staleness(request) });
    if (dryRun) return ok({ document: undefined, outcome });
    return this.write(request, value.key);
  }

  private async open(): Promise<Result<BuildContext, Failure>> {
    const bench = await this.parts.openBuildContext();
    const unsandboxed = bench.ok ? bench.value.unsandboxed : undefined;
    if (unsandboxed !== undefined) this.parts.emit(unsandboxedWarning(unsandboxed));
    return bench;
  }

  private async write(request: DocumentRequest, key: string): Promise<Result<Found, Failure>> {
    const { signal } = this.parts;
    this.bench ??= this.open();
    const bench = await this.bench;
    if (!bench.ok) return bench;
    let used: Usage = {};
    const step: StepParts = {
      ...this.parts,
      ...bench.value,
      onSession: () => {
        this.sessions++;
      },
    };
    try {
      const make = () => makeDocument(step, request, key, (sum) => (used = sum));
      const made = await this.workers.run(make, 0, signal);
      return made.ok ? ok({ document: made.value, outcome: 'built' }) : made;
    } catch (error) {
      if (signal.aborted) return err({ kind: 'cancelled' });
      throw error;
    } finally {
      this.usage = addUsage(this.usage, used);
      this.spent.set(request.node.label, used);
    }
  }
}

interface Found {
  readonly document: Document | undefined;
  readonly outcome: 'fresh' | 'cached' | 'built';
}

const FRESH: Verdict = { kind: 'fresh' };
const CACHED: Verdict = { kind: 'cached', reasons: [] };

/** Why a document has to be written: what differs from what the former one was written from. */
function staleness({ former, node }: DocumentRequest): Verdict {
  const before = former?.manifest;
  const changes = before ? compareManifests(before, node.manifest) : [];
  const reason: StaleReason =
    changes.length > 0 ? { kind: 'manifest-changed', changes } : { kind: 'never-built' };
  return { kind: 'stale', reasons: [reason] };
}
