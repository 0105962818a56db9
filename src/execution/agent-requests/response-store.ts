/** The store of agents' documents: a response is a result under the key of its request. */

import { ok, type Result } from '../../base/result.js';
import { type ActionKey, type Manifest, manifestKey, nextKey, type Usage } from '../../model/action.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import { GitResults } from '../../store/git-results.js';
import type { AgentRequest, AgentResponse, RequestParts } from './request.js';

/** How many stored responses a later check may refuse, one after the other, before a new one is requested. */
const MAX_REJECTED = 5;

export interface NewResponse {
  readonly key: ActionKey;
  readonly text: string;
  readonly attempts: number;
  /** When the first attempt began. */
  readonly startedAt: number;
  readonly usage: Usage;
}

/** Responses stay in this clone: remotes share only results of tasks. */
export class ResponseStore {
  private readonly parts: Omit<RequestParts, 'executor'>;
  private readonly store: GitResults;

  constructor(parts: Omit<RequestParts, 'executor'>) {
    this.parts = parts;
    this.store = new GitResults(parts.objects);
  }

  /** The stored response to a request if it still passes its check; else the key for a new one, if it is to be stored. */
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
      // The response was valid when it was made, and the project has changed since, as with a result that new gates reject.
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

  async keep(
    request: Pick<AgentRequest<unknown>, 'label' | 'payer' | 'model' | 'output' | 'manifest'>,
    response: NewResponse,
  ): Promise<Result<unknown, Failure>> {
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
        // If another task pays, the cost is in that task's record.
        usage: payer === label ? usage : {},
        gates: [],
        startedAt: new Date(startedAt).toISOString(),
        ms: now() - startedAt,
        conductor: version,
      },
    });
  }

  /** Makes everything kept so far independent of the person's repository. */
  repack(): Promise<void> {
    return this.store.repack();
  }
}
