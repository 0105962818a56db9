/** The questions of `conductor new` on a terminal: the template, the name, and every missing variable. */

import { mapBounded } from '../../../base/bounded.js';
import { byLanguage, projectLanguages } from '../../../commands/init/project-languages.js';
import { type FeatureRequest, nameProblems } from '../../../commands/new/new-feature.js';
import type { Failure } from '../../../model/failure.js';
import type { Json } from '../../../model/task.js';
import { readValues, type TemplateDefinition, type Values } from '../../../templates/definition.js';
import { readDefinition } from '../../../templates/folder.js';
import {
  findTemplate,
  listTemplates,
  projectPackages,
  type TemplateRoots,
} from '../../../templates/places.js';
import { textOfValue } from '../../../templates/value-text.js';
import type { TemplateVariable } from '../../../templates/variable.js';
import { ask, askChoice, askText, askYes } from '../../questions.js';

/** What was typed of a request. */
export type GivenRequest = Pick<FeatureRequest, 'set'> & {
  readonly [Key in keyof FeatureRequest]: FeatureRequest[Key] | undefined;
};

/** Asks only when something is missing; undefined when the user cancelled. */
export async function askForFeature(
  given: GivenRequest,
  roots: TemplateRoots,
): Promise<FeatureRequest | Failure | undefined> {
  if (given.template !== undefined && given.name !== undefined) {
    const definition = await definitionOf(given.template, roots);
    if ('kind' in definition) return definition;
    if (isComplete(definition, given.set))
      return { template: given.template, name: given.name, set: given.set };
  }
  return ask('conductor new', async () => {
    const template = given.template ?? (await chooseTemplate(roots));
    const definition = await definitionOf(template, roots);
    if ('kind' in definition) return definition;
    const name = given.name ?? (await askName());
    const set: Record<string, Json> = { ...given.set };
    for (const variable of definition.variables) {
      if (variable.ask && !Object.hasOwn(set, variable.name)) set[variable.name] = await askValue(variable);
    }
    return { template, name, set };
  });
}

/** Whether nothing has to be asked: what is wrong is for the refusal to say. */
function isComplete({ variables }: TemplateDefinition, set: Values): boolean {
  return variables.every(({ name, default: fallback }) => fallback !== undefined || Object.hasOwn(set, name));
}

async function definitionOf(template: string, roots: TemplateRoots): Promise<TemplateDefinition | Failure> {
  const found = await findTemplate(template, roots);
  if (!found.ok) return found.error;
  const definition = await readDefinition(found.value, await projectPackages(roots));
  return definition.ok ? definition.value : definition.error;
}

async function chooseTemplate(roots: TemplateRoots): Promise<string> {
  const places = await listTemplates(roots);
  const packages = await projectPackages(roots);
  const choices = await mapBounded(places, async ({ name, ...place }) => {
    const definition = await readDefinition({ name, ...place }, packages);
    if (!definition.ok) return [];
    const { description, language } = definition.value;
    const label = language === undefined ? name : `${name} (${language})`;
    return [{ value: name, label, hint: description, language }];
  });
  const languages = await projectLanguages(roots.project);
  return askChoice(
    'Which template?',
    byLanguage(choices.flat(), languages, ({ language }) => language),
  );
}

function askName(): Promise<string> {
  return askText({
    message: 'What is the name of the feature?',
    example: 'invoices',
    check: (name) => (name === '' ? 'a name is needed' : sentence(nameProblems(name))),
  });
}

async function askValue(variable: TemplateVariable): Promise<Json> {
  const { name, description, schema, default: fallback, example } = variable;
  const message = `${name}: ${description}`;
  if (schema.type === 'boolean') return askYes(message, fallback === true);
  if (Array.isArray(schema.enum) && schema.enum.every((one) => typeof one === 'string')) {
    const choices = schema.enum.map((value: string) => ({ value, label: value }));
    return askChoice(message, choices, typeof fallback === 'string' ? fallback : undefined);
  }
  return askText({
    message,
    ...(example === undefined ? {} : { example: textOfValue(example) }),
    ...(fallback === undefined ? {} : { fallback: textOfValue(fallback) }),
    check: (typed) => {
      if (typed === '' && fallback === undefined) return 'a value is needed';
      const read = readValues({ variables: [variable] }, { [name]: typed });
      return read.ok ? undefined : sentence(read.error);
    },
  });
}

function sentence(
  problems: readonly { readonly message: string; readonly hint?: string }[],
): string | undefined {
  if (problems.length === 0) return undefined;
  return problems
    .map(({ message, hint }) => (hint === undefined ? message : `${message}; ${hint}`))
    .join('\n');
}
