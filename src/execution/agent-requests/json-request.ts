/** Requests that are answered with a JSON file: the check against a schema, and the key of a cached response. */

import { err, ok, type Result } from '../../base/result.js';
import { validateSchema } from '../../io/document/document.js';
import type { SchemaName } from '../../io/document/schemas.js';
import type { Manifest } from '../../model/action.js';
import type { Budget, Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import type { Accepted, AgentRequest, Refusal, RequestParts } from './request.js';

export interface JsonRequest<T> {
  /** The attempt that a review or rebase is about; its response is stored, so that the same request is paid only once. */
  readonly beside?: { readonly phase: 'rebase' | 'review'; readonly attempt: number };
  /** Its response is stored although no task is built beside it. */
  readonly isStored?: true;
  /** What its answer holds for beside the prompt and the files: the key of a task. A changed one is asked about again. */
  readonly about?: string;
  /** The task that it is about, and whose budget pays. */
  readonly task: Label;
  readonly budget: Budget;
  readonly definition: string;
  /** The part of the agent definition that decides content; absent if there is none, or the answer is not stored. */
  readonly identity?: string | undefined;
  readonly model: string | undefined;
  readonly prompt: string;
  readonly output: string;
  readonly schema: SchemaName;
  readonly inputTree: ObjectId;
  /** Everything that is wrong with an answer that the schema allows. */
  problems?(answer: T): readonly string[];
}

export function jsonRequest<T>(parts: Pick<RequestParts, 'agent' | 'config'>, json: JsonRequest<T>) {
  const { beside, task, budget, definition, model, prompt, output, inputTree } = json;
  return {
    // `@` stands in no id of a task: no task can have this label.
    label: beside ? `${task}@${beside.phase}` : task,
    phase: beside?.phase ?? 'absorb',
    payer: task,
    budget,
    definition,
    model,
    prompt,
    output,
    inputTree,
    attempts: parts.config.attempts,
    manifest: beside || json.isStored ? manifestOf(parts, json) : undefined,
    beside: beside && { ...beside, task },
    check: (text: string) => parseAnswer(json, text),
  } satisfies AgentRequest<T>;
}

function manifestOf<T>(
  { agent, config }: Pick<RequestParts, 'agent' | 'config'>,
  json: JsonRequest<T>,
): Manifest {
  const { identity, model, prompt, output, schema, inputTree, about } = json;
  const driver = identity === undefined ? agent.identity : `${agent.identity}\n${identity}`;
  return [
    ...(config.salt === '' ? [] : [{ name: 'salt', value: config.salt, show: 'word' as const }]),
    { name: 'recipe', value: `question ${schema}`, show: 'word' },
    { name: 'agent', value: driver, show: 'word' },
    ...(model === undefined ? [] : [{ name: 'model', value: model, show: 'word' as const }]),
    { name: 'files', value: inputTree, show: 'id' },
    ...(about === undefined ? [] : [{ name: 'task', value: about, show: 'id' as const }]),
    { name: 'output', value: output, show: 'word' },
    { name: 'prompt', value: prompt, show: 'text' },
  ];
}

async function parseAnswer<T>(
  { output, schema, problems }: JsonRequest<T>,
  text: string,
): Promise<Result<Accepted<T>, Refusal>> {
  const refuse = (detail: string) => {
    const failure = {
      kind: 'agent-error',
      detail: `${output} ${detail}`,
      output: { tail: text.slice(0, 2000) },
    };
    return err({ failure: failure as Refusal['failure'], problems: [detail] });
  };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return refuse(`is no JSON: ${(error as Error).message}`);
  }
  const invalid = await validateSchema(schema, value);
  if (invalid.length > 0) {
    const lines = invalid.map(({ path, message }) => [...path, message].join(' '));
    return refuse(`does not match the schema: ${lines.join('; ')}`);
  }
  const wrong = problems?.(value as T) ?? [];
  return wrong.length === 0 ? ok({ value: value as T, text }) : refuse(`is refused: ${wrong.join('; ')}`);
}
