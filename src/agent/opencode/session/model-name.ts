/** The name of a model, `provider/model`, its two parts, and what the config says of it. Knows no provider. */

import { ownValue } from '../../../base/records/own-value.js';
import type { OpencodeAgentConfig, OpencodeModelConfig } from '../../../model/config.js';

export interface ModelName {
  readonly providerID: string;
  readonly modelID: string;
}

/** Undefined when the name has no provider or no model; a model's own name may have slashes. */
export function parseModel(name: string): ModelName | undefined {
  const at = name.indexOf('/');
  return at > 0 && at < name.length - 1
    ? { providerID: name.slice(0, at), modelID: name.slice(at + 1) }
    : undefined;
}

export function configuredModel(
  { providers }: Pick<OpencodeAgentConfig, 'providers'>,
  { providerID, modelID }: ModelName,
): OpencodeModelConfig | undefined {
  return ownValue(ownValue(providers, providerID)?.models, modelID);
}
