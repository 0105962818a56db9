/** Features that a template builds on: which task of the project owns their files, or what has to be made. Writes nothing. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { newRecord } from '../../base/records/own-value.js';
import { err, ok, type Result } from '../../base/result.js';
import { parseYaml } from '../../io/document/document.js';
import { readText } from '../../io/files.js';
import { renderTemplate } from '../../io/template/template.js';
import type { Failure } from '../../model/failure.js';
import { numberedName } from '../../specs/spec-files.js';
import { readValues, type TemplateNeed, type Values } from '../../templates/definition.js';
import { readTemplate, type Template } from '../../templates/folder.js';
import { type Instance, instantiate } from '../../templates/instance.js';
import { findTemplate, projectPackages, type TemplateRoots } from '../../templates/places.js';

export interface Needs {
  /** The label of the task that owns each need's files, by its name. */
  readonly labels: Readonly<Record<string, string>>;
  readonly missing: readonly { readonly feature: string; readonly instance: Instance }[];
  /** The names in the folder of specs as they are now. */
  readonly features: readonly string[];
}

interface Place {
  readonly project: string;
  readonly specs: string;
  readonly roots: TemplateRoots;
}

interface WrittenTask {
  readonly id?: unknown;
  readonly outputs?: unknown;
}

/** A feature for all: it stands before those that are numbered. */
const NUMBER = '000';

/** Fails with `unknown-template`, `invalid-template` or `invalid-variables` of the templates that are needed. */
export async function openNeeds(
  template: Template,
  values: Values,
  place: Place,
): Promise<Result<Needs, Failure>> {
  const features = await readdir(join(place.project, place.specs)).catch(() => [] as string[]);
  const labels: Record<string, string> = {};
  const missing: { feature: string; instance: Instance }[] = [];
  const named = Object.entries(template.definition.needs);
  const owners = named.length === 0 ? [] : await tasksOf(place, features);
  for (const [name, need] of named) {
    const taken = new Set([...features, ...missing.map(({ feature }) => feature)]);
    const feature = freeName(need.template, taken);
    const instance = await neededInstance(need, { template, values, place, feature });
    if (!instance.ok) return instance;
    const first = (await writtenTasks(backlogOf(instance.value)))[0];
    const outputs = listOf(first?.outputs);
    const owner = owners.find(
      (one) => outputs.length > 0 && outputs.every((path) => one.outputs.includes(path)),
    );
    labels[name] = owner?.label ?? `${feature}/${first?.id}`;
    if (owner === undefined) missing.push({ feature, instance: instance.value });
  }
  return ok({ labels, missing, features });
}

interface Asking {
  readonly template: Template;
  readonly values: Values;
  readonly place: Place;
  readonly feature: string;
}

async function neededInstance(
  need: TemplateNeed,
  { template, values, place, feature }: Asking,
): Promise<Result<Instance, Failure>> {
  const found = await findTemplate(need.template, place.roots);
  if (!found.ok) return found;
  const needed = await readTemplate(found.value, await projectPackages(place.roots));
  if (!needed.ok) return needed;
  const set = newRecord<string>();
  for (const [variable, text] of Object.entries(need.set ?? {})) {
    const file = `${template.shown}/template.yaml`;
    const rendered = await renderTemplate({ name: file, text, variables: values, partials: {} });
    if (!rendered.ok) {
      const message = `\`needs\`, \`${variable}\`: ${rendered.error.message}`;
      return err({ kind: 'invalid-template', template: template.name, diagnostics: [{ file, message }] });
    }
    set[variable] = rendered.value;
  }
  const own = readValues(needed.value.definition, set);
  if (!own.ok) return err({ kind: 'invalid-variables', template: need.template, problems: own.error });
  return instantiate(needed.value, own.value, { name: need.template, number: NUMBER, feature, needs: {} });
}

/** `feature-000-shared-http`, with a number behind it for the files of another folder or language. */
function freeName(template: string, taken: ReadonlySet<string>): string {
  const name = numberedName(NUMBER, template);
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name}-${count}`;
    if (!taken.has(free)) return free;
  }
}

/** Every task of the project's backlogs with the paths that it owns. What is not of the right form is for others to report. */
async function tasksOf({ project, specs }: Place, features: readonly string[]) {
  const all = await mapBounded(features, async (feature) => {
    const text = await readText(join(project, specs, feature, 'BACKLOG.yaml')).catch(() => undefined);
    const tasks = text === undefined ? [] : await writtenTasks(text);
    return tasks.map(({ id, outputs }) => ({ label: `${feature}/${id}`, outputs: listOf(outputs) }));
  });
  return all.flat();
}

async function writtenTasks(backlog: string): Promise<WrittenTask[]> {
  const parsed = await parseYaml(backlog, 'BACKLOG.yaml');
  const tasks = parsed.ok ? (parsed.value as { tasks?: unknown } | null)?.tasks : undefined;
  return Array.isArray(tasks) ? tasks.filter((task) => task !== null && typeof task === 'object') : [];
}

function backlogOf({ spec }: Instance): string {
  return spec.find(({ path }) => path === 'BACKLOG.yaml')?.content.toString('utf8') ?? '';
}

function listOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
