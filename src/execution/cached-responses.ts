/** Answers to questions as nodes of the store: what decides one, its key, and the text under it. Asks nobody. */

import type { Agent } from '../agent/agent.js';
import type { GitObjects } from '../io/git/objects.js';
import { type ActionKey, type Manifest, manifestKey } from '../model/action.js';
import type { Config } from '../model/config.js';
import type { Label } from '../model/task.js';
import type { ObjectId } from '../model/tree.js';
import { GitResults } from '../store/git-results.js';

export interface CachedResponseParts {
  readonly agent: Agent;
  readonly objects: GitObjects;
  readonly config: Config;
  readonly version: string;
  now(): number;
}

export interface CachedRequest {
  readonly label: Label;
  readonly identity?: string | undefined;
  readonly model: string | undefined;
  readonly prompt: string;
  readonly output: string;
  readonly schema: string;
  readonly inputTree: ObjectId;
}

/** The answer to one question. Kept in this clone alone: what a remote shares are results of tasks. */
export class CachedResponses {
  private readonly parts: CachedResponseParts;
  private readonly question: CachedRequest;
  private readonly manifest: Manifest;
  private readonly key: ActionKey;
  private readonly store: GitResults;

  constructor(parts: CachedResponseParts, question: CachedRequest) {
    this.parts = parts;
    this.question = question;
    this.manifest = manifestOf(parts, question);
    this.key = manifestKey(this.manifest);
    this.store = new GitResults(parts.objects);
  }

  /** Undefined when there is none, or it is damaged: then it is asked for again. */
  async find(): Promise<string | undefined> {
    const found = await this.store.find(this.key);
    if (!found.ok) {
      await this.store.forget(this.key);
      return undefined;
    }
    const entry = found.value?.outputs.get(this.question.output);
    return entry && (await this.parts.objects.read(entry.id))?.toString('utf8');
  }

  async keep(text: string, attempts: number, startedAt: number): Promise<void> {
    const { agent, objects, version, now } = this.parts;
    const { label, model, output } = this.question;
    const id = await objects.writeBlob(Buffer.from(text));
    await this.store.keep({
      key: this.key,
      outputs: new Map([[output, { mode: '100644', id }]]),
      edits: [],
      provenance: {
        schema: 1,
        label,
        key: this.key,
        manifest: this.manifest,
        recipe: 'agent',
        agent: agent.name,
        ...(model === undefined ? {} : { model }),
        attempts,
        usage: {},
        gates: [],
        startedAt: new Date(startedAt).toISOString(),
        ms: now() - startedAt,
        conductor: version,
      },
    });
  }
}

function manifestOf({ agent, config }: CachedResponseParts, question: CachedRequest): Manifest {
  const { identity, model, prompt, output, schema, inputTree } = question;
  const driver = identity === undefined ? agent.identity : `${agent.identity}\n${identity}`;
  return [
    ...(config.salt === '' ? [] : [{ name: 'salt', value: config.salt, show: 'word' as const }]),
    { name: 'recipe', value: `question ${schema}`, show: 'word' },
    { name: 'agent', value: driver, show: 'word' },
    ...(model === undefined ? [] : [{ name: 'model', value: model, show: 'word' as const }]),
    { name: 'files', value: inputTree, show: 'id' },
    { name: 'output', value: output, show: 'word' },
    { name: 'prompt', value: prompt, show: 'text' },
  ];
}
