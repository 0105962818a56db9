/** Gets the documents of one plan from the store or from planners, and adds up the cost. Knows no files. */

import type { Agent } from '../../agent/agent.js';
import type { Templates } from '../../agent/prompts/prompt-template.js';
import { addUsage } from '../../agent/usage.js';
import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import { askForDocument } from '../../execution/agent-requests/ask.js';
import type {
  Accepted,
  AgentRequest,
  AgentResponse,
  Refusal,
} from '../../execution/agent-requests/request.js';
import { ResponseStore } from '../../execution/agent-requests/response-store.js';
import { guarded } from '../../execution/attempt-failure.js';
import { type Executor, WorkMeter } from '../../execution/executor.js';
import type { GitObjects } from '../../io/git/objects.js';
import type { ActionKey, Usage } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import type { Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { Verdict } from '../../model/verdict.js';
import type { Emit } from '../../project/host.js';
import { agentRequest, type DocumentRequest, staleness } from './document-request.js';
import { BestDraft, type KeptDrafts } from './kept-draft.js';
import type { PlanLock } from './plan-files.js';
import { isWrittenFrom, type PlanningNode } from './planning-node.js';

export interface PlanDocumentsParts {
  readonly objects: GitObjects;
  readonly agent: Agent;
  readonly config: Config;
  readonly templates: Templates;
  /** Of conductor. */
  readonly version: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  /** The content of the project's files. */
  readonly lock: PlanLock | undefined;
  readonly dryRun: boolean;
  /** Milliseconds since 1970, UTC. */
  now(): number;
  /** Called when the first agent is asked. */
  openExecutor(): Promise<Result<Executor, Failure>>;
  readonly kept: KeptDrafts;
  /** Kept drafts are not gone on from. */
  readonly fresh: boolean;
}

export interface Document {
  readonly text: string;
  /** Under which the store has it. */
  readonly key: ActionKey;
}

export class PlanDocuments {
  /** Sessions that agents were given. */
  sessions = 0;
  usage: Usage = {};
  /** Failures that an event has told. */
  readonly failed = new Set<Failure>();
  private readonly spent = new Map<Label, Usage>();
  private readonly parts: PlanDocumentsParts;
  private readonly responses: ResponseStore;
  private readonly workers: Limiter;
  private executor: Promise<Result<Executor, Failure>> | undefined;

  constructor(parts: PlanDocumentsParts) {
    this.parts = parts;
    this.responses = new ResponseStore(parts);
    this.workers = new Limiter(parts.config.workers);
  }

  /** The document as it was planned last, as far as the store still has it. */
  async former({ name, output }: PlanningNode): Promise<DocumentRequest['former']> {
    const { lock } = this.parts;
    const key = lock?.documents[name];
    return key === undefined ? undefined : this.responses.document(key, output);
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
    const { response, outcome } = done.value;
    if (!response?.key) return ok(undefined);
    const saved = outcome === 'cached' && response.cost ? { saved: response.cost } : {};
    emit({ ...finished, outcome, ...saved });
    return ok({ text: response.text, key: response.key });
  }

  /** Makes everything kept so far independent of the person's repository. */
  repack(): Promise<void> {
    return this.responses.repack();
  }

  async close(): Promise<void> {
    const opened = await this.executor;
    if (opened?.ok) await opened.value.close();
  }

  private async findOrWrite(request: DocumentRequest): Promise<Result<Found, Failure>> {
    const { emit, lock, dryRun, kept } = this.parts;
    const { node } = request;
    const { name, label, manifest, output } = node;
    const best = new BestDraft();
    const check: AgentRequest<string>['check'] = async (text) => {
      const checked = await request.check(text);
      if (checked.ok) return ok({ value: checked.value, text: checked.value });
      best.refused(text, checked.error);
      const failure = { kind: 'invalid-plan', file: request.file, diagnostics: checked.error } as const;
      return err({ failure, problems: checked.error.map(({ message }) => message) });
    };
    const found = await this.responses.find({ manifest, output, check });
    if (!found.ok) return found;
    const stored: AgentResponse<string> | NotFound = found.value;
    const value = stored.text === undefined ? await this.recorded(request, check, stored) : stored;
    const isFresh = lock?.documents[name] === value.key;
    const outcome = isFresh ? 'fresh' : 'cached';
    if (value.text !== undefined) {
      emit({ type: 'task.checked', task: label, verdict: isFresh ? FRESH : CACHED });
      return ok({ response: value, outcome });
    }
    emit({ type: 'task.checked', task: label, verdict: staleness(request) });
    if (dryRun) return ok({ response: undefined, outcome });
    best.forget();
    const text = this.parts.fresh ? undefined : await kept.find(node);
    const draft = text === undefined ? undefined : { text, checked: await check(text) };
    const written = draft?.checked.ok
      ? await this.takeDraft(request, draft.checked.value, value.key)
      : await this.write({ ...request, ...this.goingOnFrom(request, draft) }, check, value.key);
    if (written.ok) await kept.drop(node);
    else if (best.text !== undefined) {
      const path = await kept.keep(node, best.text);
      const { error } = written;
      return err(
        error.kind === 'invalid-plan' ? { ...error, diagnostics: best.problems, kept: path } : error,
      );
    }
    return written;
  }

  /** What an earlier plan of the same sources left, to be sent back with what is wrong with it today. */
  private goingOnFrom(
    { node }: DocumentRequest,
    draft: { readonly text: string; readonly checked: Result<unknown, Refusal> } | undefined,
  ): Pick<DocumentRequest, 'draft'> {
    if (!draft || draft.checked.ok) return {};
    const { length } = draft.checked.error.problems;
    const what = length === 1 ? 'one problem' : `${length} problems`;
    const message = `the draft of an earlier plan is corrected (${what}); \`--fresh\` writes it again from the start`;
    this.parts.emit({ type: 'warning', task: node.label, message });
    return { draft: { text: draft.text, refusal: draft.checked.error } };
  }

  /** A draft that holds by now: a person has corrected it, or the project has changed. */
  private async takeDraft(
    request: DocumentRequest,
    accepted: Accepted<string>,
    key: ActionKey | undefined,
  ): Promise<Result<Found, Failure>> {
    const { label, model, output, manifest } = request.node;
    const startedAt = this.parts.now();
    if (key !== undefined) {
      const asked = { label, payer: label, model, output, manifest };
      const made = { key, text: accepted.text, attempts: 0, startedAt, usage: {} };
      const stored = await this.responses.keep(asked, made);
      if (!stored.ok) return stored;
    }
    const message = 'the draft of an earlier plan has no problems any more, and is taken as it is';
    this.parts.emit({ type: 'warning', task: label, message });
    return ok({ response: { ...accepted, key }, outcome: 'cached' });
  }

  /** The document of the lock, if it is of the same sources under a key of a former form; else what was found. */
  private async recorded(
    { node }: DocumentRequest,
    check: AgentRequest<string>['check'],
    found: NotFound,
  ): Promise<AgentResponse<string> | NotFound> {
    const key = this.parts.lock?.documents[node.name];
    const former = key === undefined ? undefined : await this.responses.document(key, node.output);
    if (!former || !isWrittenFrom(former.manifest, node)) return found;
    const checked = await check(former.text);
    return checked.ok ? { ...checked.value, key } : found;
  }

  private async write(
    request: DocumentRequest,
    check: AgentRequest<string>['check'],
    key: ActionKey | undefined,
  ): Promise<Result<Found, Failure>> {
    const { parts } = this;
    const { signal } = parts;
    const { label } = request.node;
    this.executor ??= parts.openExecutor();
    const executor = await this.executor;
    if (!executor.ok) return executor;
    const meter = new WorkMeter();
    const emit: Emit = (event) => {
      if (event.type === 'task.phase' && event.phase === 'agent') this.sessions++;
      parts.emit(event);
    };
    try {
      const made = await this.workers.run(
        async () => {
          const asked = await agentRequest(parts, request, check);
          if (!asked.ok) return asked;
          emit({ type: 'task.started', task: label, attempt: 1, recipe: 'agent' });
          const requesting = { ...parts, executor: executor.value };
          return askForDocument(requesting, asked.value, key, { signal, emit, meter });
        },
        0,
        signal,
      );
      return made.ok ? ok({ response: made.value, outcome: 'built' }) : made;
    } catch (error) {
      if (signal.aborted) return err({ kind: 'cancelled' });
      throw error;
    } finally {
      this.usage = addUsage(this.usage, meter.usage);
      this.spent.set(label, meter.usage);
    }
  }
}

interface NotFound {
  readonly text?: undefined;
  /** Under which a new one is to be stored. */
  readonly key: ActionKey | undefined;
}

interface Found {
  readonly response: AgentResponse<string> | undefined;
  readonly outcome: 'fresh' | 'cached' | 'built';
}

const FRESH: Verdict = { kind: 'fresh' };
const CACHED: Verdict = { kind: 'cached', reasons: [] };
