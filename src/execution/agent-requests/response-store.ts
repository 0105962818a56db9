/** The store of agents' documents: a response is a result under the key of its request. */

import { ok, type Result } from '../../base/result.js';
import { type ActionKey, type Manifest, manifestKey, nextKey, type Usage } from '../../model/action.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { GitResults } from '../../store/git-results.js';
import type { AgentRequest, AgentResponse, RequestParts } from './request.js';

/** Responses that a later rule may refuse, one after the other, before a new one is asked for. */
const MAX_REJECTED = 5;

export interface NewResponse {
  readonly key: ActionKey;
  readonly text: string;
  readonly attempts: number;
  /** When the first attempt began. */
  readonly startedAt: number;
  readonly usage: Usage;
}

/** Kept in this clone alone: what a remote shares are results of tasks. */
export class ResponseStore {
  private readonly parts: Omit<RequestParts, 'executor'>;
  private readonly store: GitResults;

  constructor(parts: Omit<RequestParts, 'executor'>) {
    this.parts = parts;
    this.store = new GitResults(parts.objects);
  }

  /** What is kept for a request and still holds; else the key under which to keep it, if it is to be kept. */
  async find<T>({
    manifest,
    output,
    check,
  }: Pick<AgentRequest<T>, 'manifest' | 'output' | 'check'>): Promise<
    Result<AgentResponse<T> | { readonly key: ActionKey | undefined }, Failure>
  > {
    if (manifest === undefined) return ok({ key: undefined });
    let key = manifestKey(manifest);
    for (let tries = 0; tries < MAX_REJECTED; tries++) {
      const found = await this.store.find(key);
      if (!found.ok) {
        if (found.error.kind !== 'result-damaged') return found;
        await this.store.forget(key);
        return ok({ key });
      }
      const entry = found.value?.outputs.get(output);
      const text = entry && (await this.parts.objects.read(entry.id))?.toString('utf8');
      if (text === undefined) return ok({ key });
      const checked = await check(text);
      if (checked.ok) return ok({ ...checked.value, key, cost: found.value?.provenance.usage ?? {} });
      // It held when it was made, and the project has changed since: as a task's result that today's gates refuse.
      key = nextKey(key, 'rejected', canonicalJson(checked.error.problems));
    }
    return ok({ key });
  }

  /** The document under a key and what it was made from; undefined when the store has none. */
  async document(
    key: ActionKey,
    output: string,
  ): Promise<{ readonly text: string; readonly manifest: Manifest } | undefined> {
    const found = await this.store.find(key);
    const result = found.ok ? found.value : undefined;
    const entry = result?.outputs.get(output);
    const text = entry && (await this.parts.objects.read(entry.id))?.toString('utf8');
    return result && text !== undefined ? { text, manifest: result.provenance.manifest } : undefined;
  }

  async keep<T>(request: AgentRequest<T>, response: NewResponse): Promise<Result<unknown, Failure>> {
    const { agent, objects, version, now } = this.parts;
    const { label, payer, model, output, manifest = [] } = request;
    const { key, text, attempts, startedAt, usage } = response;
    const id = await objects.writeBlob(Buffer.from(text));
    return this.store.keep({
      key,
      outputs: new Map([[output, { mode: '100644', id }]]),
      edits: [],
      provenance: {
        schema: 1,
        label: payer,
        key,
        manifest,
        recipe: 'agent',
        agent: agent.name,
        ...(model === undefined ? {} : { model }),
        attempts,
        // What another task pays for stands in that task's own record.
        usage: payer === label ? usage : {},
        gates: [],
        startedAt: new Date(startedAt).toISOString(),
        ms: now() - startedAt,
        conductor: version,
      },
    });
  }

  /** Makes everything kept so far independent of the person's repository. */
  settle(): Promise<void> {
    return this.store.settle();
  }
}
