/** One document as it is asked for: the request to an agent, and why it has to be written. Asks nobody. */

import type { Templates } from '../../agent/prompts/prompt-template.js';
import { ok, type Result } from '../../base/result.js';
import type { AgentRequest } from '../../execution/agent-requests/request.js';
import { compareManifests, type Manifest } from '../../model/action.js';
import type { Config } from '../../model/config.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import type { ObjectId } from '../../model/tree.js';
import type { StaleReason, Verdict } from '../../model/verdict.js';
import { changeSince, correctionPrompt, firstPrompt, type PlanningNode } from './planning-node.js';

export interface DocumentRequest {
  readonly node: PlanningNode;
  /** The tree that the planner sees. */
  readonly inputTree: ObjectId;
  /** The document as it was planned last, and what it was planned from where that is known. */
  readonly former: { readonly text: string; readonly manifest: Manifest | undefined } | undefined;
  /** Where the document would stand in the project, for messages. */
  readonly file: string;
  /** What an earlier plan left of it, which is gone on from. */
  readonly draft?: AgentRequest<string>['draft'];
  /** The document as it is taken, or everything that is wrong with it. */
  check(text: string): Promise<Result<string, readonly Diagnostic[]>>;
}

/** What the planner is asked: the node's prompt with what was planned before; a refused document is sent back. */
export async function agentRequest(
  { templates, config }: { readonly templates: Templates; readonly config: Config },
  { node, inputTree, former, draft }: DocumentRequest,
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
    draft,
    check,
    correct: async ({ failure }, times) => {
      const problems = failure.kind === 'invalid-plan' ? failure.diagnostics : [];
      return correctionPrompt(templates, node, problems, times);
    },
  });
}

/** Why a document has to be written: what differs from what the former one was written from. */
export function staleness({ former, node }: DocumentRequest): Verdict {
  const before = former?.manifest;
  const changes = before ? compareManifests(before, node.manifest) : [];
  const reason: StaleReason =
    changes.length > 0 ? { kind: 'manifest-changed', changes } : { kind: 'never-built' };
  return { kind: 'stale', reasons: [reason] };
}
