/** Reads a scripted model from a JSON file: `{ "scripts": { "name": [steps] } }`. */

import { err, ok, type Result } from '../../base/result.js';
import { isObject } from '../../io/document/json-object.js';
import { readText } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import { createScriptedModel, type ScriptedModel, type ScriptedModelOptions } from './model-server.js';
import { parseSteps, type Step } from './step.js';

/** Scripts by name; each has a list of steps for every attempt. */
export type Scripts = Readonly<Record<string, readonly (readonly Step[])[]>>;

/** Reads scripts; the error is one sentence that names the place. */
export function parseScripts(text: string): Result<Scripts, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return err(`is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const scripts = (value as { scripts?: unknown } | null)?.scripts;
  if (!isObject(scripts)) {
    return err('needs "scripts": an object of names and lists of steps');
  }
  const found: [string, (readonly Step[])[]][] = [];
  for (const [name, one] of Object.entries(scripts)) {
    const attempts = (one as { attempts?: unknown } | null)?.attempts;
    const lists: unknown[] = Array.isArray(attempts) ? attempts : [one];
    const parsed: (readonly Step[])[] = [];
    for (const list of lists) {
      const steps = parseSteps(list);
      if (!steps.ok) return err(`script "${name}": ${steps.error}`);
      parsed.push(steps.value);
    }
    found.push([name, parsed]);
  }
  return ok(Object.fromEntries(found));
}

/** Starts a scripted model with the scripts of a file; it runs until `close()`. Fails with `usage`. */
export async function serveScript(
  file: string,
  options: Omit<ScriptedModelOptions, 'scripts'> = {},
): Promise<Result<ScriptedModel, Failure>> {
  const text = await readText(file);
  if (text === undefined) return err({ kind: 'usage', message: `there is no file ${file}` });
  const scripts = parseScripts(text);
  if (!scripts.ok) {
    return err({ kind: 'usage', message: `${file} ${scripts.error}`, hint: 'see docs/scripted-model.md' });
  }
  return ok(await serveScripts(scripts.value, options));
}

/** The same, with given scripts. */
export async function serveScripts(
  scripts: Scripts,
  options: Omit<ScriptedModelOptions, 'scripts'> = {},
): Promise<ScriptedModel> {
  const model = await createScriptedModel(options);
  for (const [name, attempts] of Object.entries(scripts)) model.script(name, ...attempts);
  return model;
}
