/** Values of OTLP in JSON, and what spans and metrics alike say of a session of an agent. */

import { ownValue } from '../../base/records/own-value.js';
import type { Usage } from '../../model/action.js';
import type { CallPhase } from '../../model/event.js';

/** What is undefined is not sent. */
export type OtlpAttributes = Readonly<Record<string, string | number | undefined>>;

/** Providers that the conventions name otherwise than agents do. */
const PROVIDERS: Readonly<Record<string, string>> = {
  'amazon-bedrock': 'aws.bedrock',
  azure: 'azure.ai.openai',
  google: 'gcp.gemini',
  'google-vertex': 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  moonshotai: 'moonshot_ai',
  xai: 'x_ai',
};

/** Milliseconds since 1970 as nanoseconds; 64-bit whole numbers are text in the JSON of protocol buffers. */
export function nanos(ms: number): string {
  return `${BigInt(Math.round(ms)) * 1_000_000n}`;
}

export function listed(attributes: OtlpAttributes) {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: typedValue(value) }],
  );
}

function typedValue(value: string | number) {
  if (typeof value === 'string') return { stringValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** What did it, by the conventions for generative AI: an agent names a model `provider/model`. */
export function modelAttributes({ model, agent, phase }: AgentSession) {
  const slash = model?.indexOf('/') ?? -1;
  const provider = slash < 0 ? undefined : model?.slice(0, slash);
  return {
    'gen_ai.operation.name': phase === 'planning' ? 'plan' : 'invoke_agent',
    'gen_ai.provider.name': provider === undefined ? agent : (ownValue(PROVIDERS, provider) ?? provider),
    'gen_ai.request.model': model?.slice(slash + 1),
    'gen_ai.agent.name': agent,
  };
}

export interface AgentSession {
  readonly model?: string;
  readonly agent: string;
  readonly phase: CallPhase;
}

/** The conventions count cached tokens among those sent. */
export function inputTokens({ tokensIn, tokensCached = 0 }: Usage): number | undefined {
  return tokensIn === undefined ? undefined : tokensIn + tokensCached;
}
