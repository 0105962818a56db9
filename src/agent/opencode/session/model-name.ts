/** The name of a model, `provider/model`, and its two parts. Knows no provider. */

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
