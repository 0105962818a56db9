/**
 * Makes one document of a plan, or takes it from the store: attempts, each in a workspace and a session of its own, and
 * nothing of it is taken but the document. Knows no other document.
 */

import type { Agent } from '../../agent/agent.js';
import { evidence } from '../../agent/prompts/evidence.js';
import type { Templates } from '../../agent/prompts/prompt-template.js';
import { err, ok, type Result } from '../../base/result.js';
import { runAgent } from '../../execution/agent-attempt.js';
import { guarded, isWorthRetry } from '../../execution/attempt-failure.js';
import type { BuildContext } from '../../execution/build-context.js';
import type { GitObjects } from '../../io/git/objects.js';
import { type ActionKey, nextKey, type Usage } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import { canonicalJson } from '../../model/digest.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { TaskRun } from '../../model/run.js';
import type { Entry, ObjectId } from '../../model/tree.js';
import type { Emit } from '../../project/host.js';
import type { ResultStore } from '../../store/result-store.js';
import { captureResult } from '../../workspace/capture.js';
import { changeSince, type PlanningNode, type Steering, steered } from './planning-node.js';

export interface StepParts extends BuildContext {
  readonly objects: GitObjects;
  readonly store: ResultStore;
  readonly agent: Agent;
  readonly config: Config;
  readonly templates: Templates;
  readonly version: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  now(): number;
  /** Counts sessions, so that the end of all of them can be told. */
  onSession(): void;
  /** Keeps a document for a person to look at, under the name of its file; gives its place, relative to the project. */
  keepProposal(file: string, text: string): Promise<string>;
}

export interface DocumentRequest {
  readonly node: PlanningNode;
  /** The tree that the planner sees. */
  readonly inputTree: ObjectId;
  /** The document as it was planned last, and what it was planned from. */
  readonly former: { readonly text: string; readonly manifest: Steering['former'] } | undefined;
  /** Where the document would stand in the project, for messages. */
  readonly file: string;
  /** The document as it is taken, or everything that is wrong with it. */
  check(text: string): Promise<Result<string, readonly Diagnostic[]>>;
}

export interface Document {
  readonly text: string;
  /** Under which the store has it. */
  readonly key: ActionKey;
  /** What it cost when it was made; absent for one that was made just now. */
  readonly cost?: Usage;
}

/** Results that a later rule may refuse, one after the other, before a new one is made. */
const MAX_REJECTED = 5;

/** What the store has for a node and still holds; else the key under which to make it. */
export async function findDocument(
  { store, objects }: Pick<StepParts, 'store' | 'objects'>,
  { node, check }: Pick<DocumentRequest, 'node' | 'check'>,
): Promise<Result<Document | { readonly key: ActionKey }, Failure>> {
  let { key } = node;
  for (let tries = 0; tries < MAX_REJECTED; tries++) {
    const found = await store.find(key);
    if (!found.ok) {
      if (found.error.kind !== 'result-damaged') return found;
      await store.forget(key);
      return ok({ key });
    }
    const entry = found.value?.outputs.get(node.output);
    const text = entry && (await objects.read(entry.id))?.toString('utf8');
    if (text === undefined) return ok({ key });
    const checked = await check(text);
    if (checked.ok) return ok({ text: checked.value, key, cost: found.value?.provenance.usage ?? {} });
    // It held when it was made, and the project has changed since: as a task's result that today's gates refuse.
    const problems = checked.error.map(({ message }) => message);
    key = nextKey(key, 'rejected', canonicalJson(problems));
  }
  return ok({ key });
}

/**
 * Asks the agent until the document holds. A document that is refused is sent back with all that is wrong with it; other
 * failures are told as evidence. One that is left as it was for another request is asked for once more, and then
 * believed. Each attempt is a session of its own. Fails with the last failure.
 */
export async function makeDocument(
  parts: StepParts,
  request: DocumentRequest,
  key: ActionKey,
  onUsage: (sum: Usage) => void,
): Promise<Result<Document, Failure>> {
  const { node } = request;
  const startedAt = parts.now();
  const tried: string[] = [];
  let usage: Usage = {};
  let shown = request.former?.text;
  let problems: readonly Diagnostic[] = [];
  let refused = 0;
  const attempts = parts.config.attempts + 1;
  parts.emit({ type: 'task.started', task: node.label, attempt: 1, recipe: 'agent' });
  for (let attempt = 1; ; attempt++) {
    const made = await guarded(async () => {
      const prompt = await steered(parts.templates, node, {
        former: request.former?.manifest,
        hasFormer: request.former !== undefined,
        problems,
        refused,
      });
      if (!prompt.ok) return prompt;
      return writeDocument(
        parts,
        request,
        { prompt: prompt.value, attempt, tried, startedAt, shown },
        (sum) => {
          usage = sum;
          onUsage(sum);
        },
      );
    });
    let failure: Failure;
    if (made.ok && attempt === 1 && isUntouched(request, made.value)) {
      failure = { kind: 'nothing-done' };
    } else if (made.ok) {
      const checked = await request.check(made.value);
      if (checked.ok) {
        const kept = await keepDocument(parts, request, {
          key,
          text: checked.value,
          attempt,
          usage,
          startedAt,
        });
        return kept.ok ? ok({ text: checked.value, key }) : kept;
      }
      shown = made.value;
      problems = checked.error;
      refused++;
      failure = { kind: 'invalid-plan', file: request.file, diagnostics: problems };
    } else {
      failure = made.error;
    }
    if (attempt >= attempts || !isWorthRetry(failure)) {
      if (failure.kind !== 'invalid-plan' || shown === undefined) return err(failure);
      return err({ ...failure, kept: await parts.keepProposal(request.file, shown) });
    }
    parts.emit({ type: 'task.attempt-failed', task: node.label, attempt, failure });
    if (failure.kind !== 'invalid-plan') tried.push(evidence(attempt, failure));
  }
}

/** Whether a planner has left its former document as it was although the request (or the plan) is another. */
function isUntouched({ former, node }: DocumentRequest, text: string): boolean {
  return text === former?.text && changeSince(former.manifest, node.manifest) !== '';
}

interface Attempt {
  readonly prompt: string;
  readonly attempt: number;
  readonly tried: readonly string[];
  readonly startedAt: number;
  /** The document that the workspace shows at its place. */
  readonly shown: string | undefined;
}

async function writeDocument(
  parts: StepParts,
  { node, inputTree }: DocumentRequest,
  { prompt, attempt, tried, startedAt, shown }: Attempt,
  onUsage: (usage: Usage) => void,
): Promise<Result<string, Failure>> {
  const { objects, pool, emit, config, signal } = parts;
  const before = new Map<string, Entry | undefined>();
  if (shown !== undefined) {
    before.set(node.output, { mode: '100644', id: await objects.writeBlob(Buffer.from(shown)) });
  }
  const tree = await objects.editTree(inputTree, before);
  emit({ type: 'task.phase', task: node.label, attempt, phase: 'workspace' });
  const opened = await pool.acquire(tree, signal);
  if (!opened.ok) return opened;
  const workspace = opened.value;
  try {
    parts.onSession();
    const run = taskRun(node, parts, prompt, tree);
    const context = { emit, signal };
    const asked = await runAgent(
      parts,
      run,
      run.recipe,
      { number: attempt, tried, startedAt },
      workspace,
      context,
      onUsage,
    );
    if (!asked.ok) return asked;
    emit({ type: 'task.phase', task: node.label, attempt, phase: 'capture' });
    const captured = await captureResult(workspace, objects, {
      inputTree: tree,
      outputs: [node.output],
      edits: [],
      ignoreRoots: [...config.workspace.link, ...config.workspace.keep],
      maxBytes: config.maxOutputBytes,
      secrets: parts.agent.secrets ?? [],
      ignoreOthers: true,
    });
    if (!captured.ok) return captured;
    const entry = captured.value.outputs.get(node.output);
    if (!entry) return err({ kind: 'missing-outputs', paths: [node.output] });
    if (!entry.mode.startsWith('100')) {
      return err({ kind: 'unsafe-path', path: node.output, reason: 'it is a link' });
    }
    return ok(((await objects.read(entry.id)) ?? Buffer.alloc(0)).toString('utf8'));
  } finally {
    await pool.release(workspace);
  }
}

function taskRun(node: PlanningNode, { agent, config }: StepParts, prompt: string, inputTree: ObjectId) {
  return {
    label: node.label,
    work: { phase: 'planning' },
    key: node.key,
    manifest: node.manifest,
    recipe: {
      kind: 'agent',
      prompt,
      agent: agent.name,
      definition: node.definition,
      choices: node.model === undefined ? [] : [{ model: node.model, fallbacks: [] }],
      attempts: config.attempts,
    },
    inputTree,
    keyed: [],
    outputs: [node.output],
    edits: [],
    editBases: {},
    gates: [],
    budget: {},
    network: false,
    evolves: false,
  } as const satisfies TaskRun;
}

async function keepDocument(
  { objects, store, agent, version, now }: StepParts,
  { node }: DocumentRequest,
  made: {
    readonly key: ActionKey;
    readonly text: string;
    readonly attempt: number;
    readonly usage: Usage;
    readonly startedAt: number;
  },
): Promise<Result<unknown, Failure>> {
  const id = await objects.writeBlob(Buffer.from(made.text));
  return store.keep({
    key: made.key,
    outputs: new Map([[node.output, { mode: '100644', id }]]),
    edits: [],
    provenance: {
      schema: 1,
      label: node.label,
      key: made.key,
      manifest: node.manifest,
      recipe: 'agent',
      agent: agent.name,
      ...(node.model === undefined ? {} : { model: node.model }),
      attempts: made.attempt,
      usage: made.usage,
      gates: [],
      startedAt: new Date(made.startedAt).toISOString(),
      ms: now() - made.startedAt,
      conductor: version,
    },
  });
}
