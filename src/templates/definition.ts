/** Reads a `template.yaml`: its description, variables and examples, or all problems. */

import { nearest } from '../base/nearest.js';
import { ownValue } from '../base/records/own-value.js';
import { err, ok, type Result } from '../base/result.js';
import { type KeyPath, locator, parseYaml, validateSchema } from '../io/document/document.js';
import type { Diagnostic, VariableProblem } from '../model/failure.js';
import type { Json } from '../model/task.js';
import { textOfValue } from './value-text.js';
import { compileVariable, type TemplateVariable, type WrittenVariable } from './variable.js';

export interface TemplateDefinition {
  /** One line. */
  readonly description: string;
  /** Of what it makes; undefined where that fits every project. */
  readonly language: string | undefined;
  /** Features that it builds on, by the name that `spec/` has for the label of their first task. */
  readonly needs: Readonly<Record<string, TemplateNeed>>;
  /** In the order of the file. */
  readonly variables: readonly TemplateVariable[];
  readonly examples: readonly TemplateExample[];
}

export interface TemplateExample {
  readonly title: string;
  readonly set: Values;
}

export interface TemplateNeed {
  readonly template: string;
  /** Texts to render with the values of the template that needs it. */
  readonly set?: Readonly<Record<string, string>>;
}

/** Values by the name of their variable. */
export type Values = Readonly<Record<string, Json>>;

/** What every template has without declaring it; see `FeatureNames`. */
export const GIVEN_NAMES: readonly string[] = ['name', 'feature', 'number', 'template', 'needs'];

interface Written {
  readonly description: string;
  readonly language?: string;
  readonly needs?: TemplateDefinition['needs'];
  readonly variables?: Readonly<Record<string, WrittenVariable>>;
  readonly examples?: readonly TemplateExample[];
}

interface Problem {
  readonly path: KeyPath;
  readonly key?: boolean;
  readonly message: string;
  readonly hint?: string;
}

/** `file` is named in diagnostics. */
export async function parseDefinition(
  text: string,
  file: string,
): Promise<Result<TemplateDefinition, Diagnostic[]>> {
  const parsed = await parseYaml(text, file);
  if (!parsed.ok) return parsed;
  const problems: Problem[] = await validateSchema('template', parsed.value);
  if (problems.length > 0) return err(await placed(text, file, problems));
  const written = parsed.value as Written;
  const variables: TemplateVariable[] = [];
  for (const [name, one] of Object.entries(written.variables ?? {})) {
    const path = ['variables', name];
    if (GIVEN_NAMES.includes(name)) {
      problems.push({ path, key: true, message: `\`${name}\` always exists and cannot be declared` });
    }
    const compiled = await compileVariable(name, one);
    if (compiled.ok) {
      variables.push(compiled.value);
      problems.push(...variableProblems(compiled.value, one, path));
    } else {
      problems.push({ path: [...path, 'schema'], message: `is not a JSON Schema: ${compiled.error}` });
    }
  }
  const { description, language, needs = {}, examples = [] } = written;
  const definition = { description, language, needs, variables, examples };
  if (problems.length === 0) problems.push(...exampleProblems(definition));
  return problems.length > 0 ? err(await placed(text, file, problems)) : ok(definition);
}

/** The values of all variables, defaults included; or all problems at once. Text is read by each variable's schema. */
export function readValues(
  { variables }: Pick<TemplateDefinition, 'variables'>,
  given: Values,
): Result<Values, VariableProblem[]> {
  const values: Record<string, Json> = {};
  const problems: VariableProblem[] = [];
  for (const variable of variables) {
    const { name, description, example } = variable;
    const value = ownValue(given, name);
    if (value !== undefined) {
      const read = variable.read(value);
      if (read.ok) values[name] = read.value;
      else problems.push(...read.error);
    } else if (variable.default !== undefined) values[name] = variable.default;
    else {
      problems.push({
        variable: name,
        message: `is missing: ${description}`,
        ...(example === undefined ? {} : { example: textOfValue(example) }),
      });
    }
  }
  const known = variables.map(({ name }) => name);
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    if (name === 'name') {
      problems.push({ variable: name, message: 'is given with `--name`' });
      continue;
    }
    const meant = nearest(name, known);
    const hint = meant === undefined ? `it has ${known.join(', ') || 'none'}` : `did you mean \`${meant}\`?`;
    problems.push({ variable: name, message: 'is not a variable of this template', hint });
  }
  return problems.length > 0 ? err(problems) : ok(values);
}

/** The definition with the defaults that suit a project with these dependencies. */
export function forDependencies(
  definition: TemplateDefinition,
  dependencies: ReadonlySet<string>,
): TemplateDefinition {
  const variables = definition.variables.map((variable) => {
    const found = Object.entries(variable.detect).find(([name]) => dependencies.has(name));
    const read = found === undefined ? undefined : variable.read(found[1]);
    return read?.ok ? { ...variable, default: read.value } : variable;
  });
  return { ...definition, variables };
}

function variableProblems(variable: TemplateVariable, written: WrittenVariable, path: KeyPath): Problem[] {
  const problems: Problem[] = [];
  const check = (value: Json | undefined, where: KeyPath) => {
    const read = value === undefined ? undefined : variable.read(value);
    if (read && !read.ok) problems.push(...read.error.map(({ message }) => ({ path: where, message })));
  };
  check(written.schema.default as Json | undefined, [...path, 'schema', 'default']);
  check(written.example, [...path, 'example']);
  for (const [name, value] of Object.entries(variable.detect)) check(value, [...path, 'detect', name]);
  if (written.detect && variable.default === undefined) {
    problems.push({ path: [...path, 'detect'], message: 'its schema has no default for other projects' });
  }
  if (!variable.ask && variable.default === undefined) {
    problems.push({
      path: [...path, 'ask'],
      message: 'conductor does not ask for it, and it has no default',
    });
  }
  return problems;
}

function exampleProblems(definition: TemplateDefinition): Problem[] {
  return definition.examples.flatMap(({ set }, index) => {
    const read = readValues(definition, set);
    if (read.ok) return [];
    return read.error.map(({ variable, message }) => ({
      path: ['examples', index, 'set', variable],
      message: `\`${variable}\`: ${message}`,
    }));
  });
}

async function placed(text: string, file: string, problems: readonly Problem[]): Promise<Diagnostic[]> {
  const place = await locator(text);
  return problems.map(({ path, key, message, hint }) => ({
    file,
    ...place(path, key),
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
}
