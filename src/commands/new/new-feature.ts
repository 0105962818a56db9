/**
 * A feature from a template: previews it, or writes and validates it, or removes it again. Asks and prints nothing.
 */

import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { err, ok, type Result } from '../../base/result.js';
import { readBytes } from '../../io/files.js';
import { TEMPLATE_HELPERS } from '../../io/template/template-functions.js';
import type { Failure, VariableProblem } from '../../model/failure.js';
import type { Host } from '../../project/host.js';
import { isFeatureName, nextNumber, numberedName } from '../../specs/spec-files.js';
import { readValues, type Values } from '../../templates/definition.js';
import { readTemplate } from '../../templates/folder.js';
import { type Instance, instantiate, type MadeFile } from '../../templates/instance.js';
import { findTemplate, projectPackages, type TemplateRoots } from '../../templates/places.js';
import { type Validated, validateProject } from '../validate.js';
import { openNeeds } from './needed-features.js';
import { type NewFile, type Undo, writeNewFiles, writeNewFolder } from './new-files.js';
import { schemaLine } from './schema-reference.js';

export interface FeatureRequest {
  /** A name, a path or a package. */
  readonly template: string;
  /** Without its number; undefined: not given. */
  readonly name: string | undefined;
  /** Values, or texts that stand for them. */
  readonly set: Values;
}

/** A file of the project's `templates/` that the feature is built from. */
export interface PlannedTemplate extends NewFile {
  /** `new`: will be written; `same`: is there as it should be; `kept`: is there with other content, which stands. */
  readonly state: 'new' | 'same' | 'kept';
}

/** The folder of a feature. */
export interface PlannedFolder {
  /** Relative to the project. */
  readonly folder: string;
  /** Relative to the folder. */
  readonly specs: readonly NewFile[];
}

export interface FeaturePlan extends PlannedFolder {
  readonly template: string;
  readonly feature: string;
  /** Features that it builds on and that the project does not have yet. */
  readonly needed: readonly PlannedFolder[];
  /** Relative to the project. */
  readonly templates: readonly PlannedTemplate[];
}

/**
 * What a request comes to. Fails with `unknown-template`, `invalid-template`, `invalid-variables` (everything that is
 * wrong or missing, the name included) or a failure of the config.
 */
export async function planFeature(
  host: Host,
  roots: TemplateRoots,
  request: FeatureRequest,
): Promise<Result<FeaturePlan, Failure>> {
  const found = await findTemplate(request.template, roots);
  if (!found.ok) return found;
  const template = await readTemplate(found.value, await projectPackages(roots));
  if (!template.ok) return template;
  const project = host.directory;
  const config = await host.loadConfig(project);
  if (!config.ok) return config;
  const { specs } = config.value.config;
  const values = readValues(template.value.definition, request.set);
  const problems = [...nameProblems(request.name), ...(values.ok ? [] : values.error)];
  if (!values.ok || request.name === undefined || problems.length > 0) {
    return err({ kind: 'invalid-variables', template: request.template, problems });
  }
  const needs = await openNeeds(template.value, values.value, { project, specs, roots });
  if (!needs.ok) return needs;
  const number = nextNumber(needs.value.features);
  const feature = numberedName(number, request.name);
  const names = { name: request.name, number, feature, needs: needs.value.labels };
  const instance = await instantiate(template.value, values.value, names);
  if (!instance.ok) return instance;
  const folder = `${specs}/${feature}`;
  const needed = await mapBounded(needs.value.missing, async (one) => {
    const path = `${specs}/${one.feature}`;
    return { folder: path, specs: await withSchema(project, path, one.instance.spec, host.version) };
  });
  const build = [instance.value, ...needs.value.missing.map((one) => one.instance)].flatMap(
    (one) => one.build,
  );
  return ok({
    template: request.template,
    feature,
    folder,
    needed,
    specs: await withSchema(project, folder, instance.value.spec, host.version),
    templates: await plannedTemplates(project, build),
  });
}

/** What is wrong with the name of a new feature; nothing when it is fine. */
export function nameProblems(name: string | undefined): VariableProblem[] {
  if (name === undefined)
    return [{ variable: 'name', message: 'is missing: the name of the feature', example: 'invoices' }];
  if (isFeatureName(name) && !/^feature-\d/.test(name)) return [];
  const meant = String(TEMPLATE_HELPERS.kebabCase?.(name.replace(/^feature-\d+-/, '')));
  return [
    {
      variable: 'name',
      message: `\`${name}\` cannot be the name of a feature: use lower-case words joined by \`-\``,
      ...(isFeatureName(meant) ? { hint: `did you mean \`${meant}\`?` } : {}),
    },
  ];
}

/**
 * Writes the plan and checks the project as `conductor validate` does. When anything is wrong the files are gone again.
 * With `needsPrograms`, the programs of all gates have to be there, too. Fails with `files-in-the-way`, `invalid-template` (what it makes is not valid) or what a project cannot be checked for.
 */
export async function writeFeature(
  host: Host,
  plan: FeaturePlan,
  { needsPrograms = false }: { readonly needsPrograms?: boolean } = {},
): Promise<Result<Pick<Validated, 'warnings' | 'missingPrograms'>, Failure>> {
  // What is wrong before is not the template's fault.
  const before = await validateProject(host, { mayBeEmpty: true });
  if (!before.ok) return before;
  const project = host.directory;
  const own = await writeNewFiles(
    project,
    plan.templates.filter(({ state }) => state === 'new'),
  );
  if (!own.ok) return own;
  const written: Undo[] = [own.value];
  const refuse = async (failure: Failure) => {
    for (const undo of written.reverse()) await undo();
    return err(failure);
  };
  try {
    for (const { folder, specs } of [...plan.needed, plan]) {
      const made = await writeNewFolder(project, folder, specs);
      if (!made.ok) return refuse(made.error);
      written.push(made.value);
    }
    const after = await validateProject(host, { mayBeEmpty: true });
    if (!after.ok) return refuse(madeBy(plan, after.error));
    if (!after.value.features.includes(plan.feature)) return refuse(ignored(plan));
    const { missingPrograms } = after.value;
    if (needsPrograms && missingPrograms.length > 0)
      return refuse({ kind: 'invalid-config', diagnostics: missingPrograms });
    const warnings = after.value.warnings.filter(({ file }) => file.startsWith(`${plan.folder}/`));
    return ok({ warnings, missingPrograms });
  } catch (error) {
    for (const undo of written.reverse()) await undo();
    throw error;
  }
}

function madeBy({ template, feature }: FeaturePlan, failure: Failure): Failure {
  if (failure.kind !== 'invalid-specs') return failure;
  return { kind: 'invalid-template', template, feature, diagnostics: failure.diagnostics };
}

function ignored({ folder }: FeaturePlan): Failure {
  const message = `git ignores ${folder}, so conductor would not build it`;
  return { kind: 'usage', message, hint: 'run `git check-ignore -v` with its path to find the rule' };
}

/** The backlog with a line that names its schema, unless the template wrote one. */
function withSchema(
  project: string,
  folder: string,
  files: readonly MadeFile[],
  version: string,
): Promise<NewFile[]> {
  return mapBounded(files, async (file) => {
    const text = file.content.toString('utf8');
    if (file.path !== 'BACKLOG.yaml' || /^#\s*yaml-language-server:/m.test(text)) return file;
    const line = await schemaLine(project, `${folder}/${file.path}`, 'backlog', version);
    return { path: file.path, content: Buffer.from(line + text) };
  });
}

function plannedTemplates(project: string, build: Instance['build']): Promise<PlannedTemplate[]> {
  return mapBounded(build, async (file): Promise<PlannedTemplate> => {
    const path = `templates/${file.path}`;
    const there = await readBytes(join(project, path));
    const state = there === undefined ? 'new' : there.equals(file.content) ? 'same' : 'kept';
    return { path, content: file.content, state };
  });
}
