/** Gets the documents of one plan from the store or from planners, and adds up the cost. Knows no files. */

import type { Agent } from '../../agent/agent.js';
import type { Templates } from '../../agent/prompts/prompt-template.js';
import { addUsage } from '../../agent/usage.js';
import { Limiter } from '../../base/limiter.js';
import { err, ok, type Result } from '../../base/result.js';
import { askForDocument } from '../../execution/agent-requests/ask.js';
import type { AgentRequest, AgentResponse } from '../../execution/agent-requests/request.js';
import { ResponseStore } from '../../execution/agent-requests/response-store.js';
import { guarded } from '../../execution/attempt-failure.js';
import { type Executor, WorkMeter } from '../../execution/executor.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type ActionKey, compareManifests, type Manifest, type Usage } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { StaleReason, Verdict } from '../../model/verdict.js';
import type { Emit } from '../../project/host.js';
import type { PlanLock } from './plan-files.js';
import { changeSince, correctionPrompt, firstPrompt, type PlanningNode } from './planning-node.js';

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
  /** Writes a document for a person to read, under the name of its file; returns its path, relative to the project. */
  keepProposal(file: string, text: string): Promise<string>;
}

export interface DocumentRequest {
  readonly node: PlanningNode;
  /** The tree that the planner sees. */
  readonly inputTree: ObjectId;
  /** The document as it was planned last, and what it was planned from where that is known. */
  readonly former: { readonly text: string; readonly manifest: Manifest | undefined } | undefined;
  /** Where the document would stand in the project, for messages. */
  readonly file: string;
  /** The document as it is taken, or everything that is wrong with it. */
  check(text: string): Promise<Result<string, readonly Diagnostic[]>>;
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
    const { emit, lock, dryRun } = this.parts;
    const { name, label, manifest, output } = request.node;
    let refused: string | undefined;
    const check: AgentRequest<string>['check'] = async (text) => {
      const checked = await request.check(text);
      if (checked.ok) return ok({ value: checked.value, text: checked.value });
      refused = text;
      const failure = { kind: 'invalid-plan', file: request.file, diagnostics: checked.error } as const;
      return err({ failure, problems: checked.error.map(({ message }) => message) });
    };
    const found = await this.responses.find({ manifest, output, check });
    if (!found.ok) return found;
    const { value } = found;
    const isFresh = lock?.documents[name] === value.key;
    const outcome = isFresh ? 'fresh' : 'cached';
    if ('text' in value) {
      emit({ type: 'task.checked', task: label, verdict: isFresh ? FRESH : CACHED });
      return ok({ response: value, outcome });
    }
    emit({ type: 'task.checked', task: label, verdict: staleness(request) });
    if (dryRun) return ok({ response: undefined, outcome });
    const written = await this.write(request, check, value.key);
    if (written.ok || written.error.kind !== 'invalid-plan' || refused === undefined) return written;
    return err({ ...written.error, kept: await this.parts.keepProposal(request.file, refused) });
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

interface Found {
  readonly response: AgentResponse<string> | undefined;
  readonly outcome: 'fresh' | 'cached' | 'built';
}

const FRESH: Verdict = { kind: 'fresh' };
const CACHED: Verdict = { kind: 'cached', reasons: [] };

/** What the planner is asked: the node's prompt with what was planned before; a refused document is sent back. */
async function agentRequest(
  { templates, config }: PlanDocumentsParts,
  { node, inputTree, former }: DocumentRequest,
  check: AgentRequest<string>['check'],
): Promise<Result<AgentRequest<string>, Failure>> {
  const { label, definition, model, output, manifest } = node;
  const prompt = await firstPrompt(templates, node, former);
  if (!prompt.ok) return prompt;
  const isOutdated = former !== undefined && changeSince(former.manifest, manifest) !== '';
  return ok({
    label,
    phase: 'planning',
    payer: label,
    budget: {},
    definition,
    model,
    prompt: prompt.value,
    output,
    inputTree,
    attempts: config.attempts + 1,
    manifest,
    former: former && { text: former.text, isOutdated },
    check,
    correct: async ({ failure }, times) => {
      const problems = failure.kind === 'invalid-plan' ? failure.diagnostics : [];
      return correctionPrompt(templates, node, problems, times);
    },
  });
}

/** Why a document has to be written: what differs from what the former one was written from. */
function staleness({ former, node }: DocumentRequest): Verdict {
  const before = former?.manifest;
  const changes = before ? compareManifests(before, node.manifest) : [];
  const reason: StaleReason =
    changes.length > 0 ? { kind: 'manifest-changed', changes } : { kind: 'never-built' };
  return { kind: 'stale', reasons: [reason] };
}
