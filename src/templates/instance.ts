/** Renders a template with values to the files of a feature, as content. Writes nothing; knows no project. */

import { posix } from 'node:path';
import { err, ok, type Result } from '../base/result.js';
import { parseYaml } from '../io/document/document.js';
import { partialNames, renderTemplate } from '../io/template/template.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { Values } from './definition.js';
import { specName, type Template, type TemplateFile } from './folder.js';

/** Variables that every template has in addition to its own. */
export interface FeatureNames {
  /** As it was asked for: `invoices`. */
  readonly name: string;
  /** `feature-003-invoices`. */
  readonly feature: string;
  /** `003`. */
  readonly number: string;
  /** Labels of tasks of other features, by the names of `needs`. */
  readonly needs: Readonly<Record<string, string>>;
}

export interface MadeFile {
  /** In the feature's folder, or in the project's `templates/`. */
  readonly path: string;
  readonly content: Buffer;
}

export interface Instance {
  readonly spec: readonly MadeFile[];
  /**
   * The files of `build/` that render steps of the made backlog name, and the partials that those use; and those that
   * its text names as `templates/<template>/<file>`, such as a script for a gate.
   */
  readonly build: readonly MadeFile[];
}

/**
 * Renders `spec/`; what comes out as nothing but white space is left out. Fails with `invalid-template`: a template of
 * the folder does not render, or the backlog names files that are not in it.
 */
export async function instantiate(
  template: Template,
  values: Values,
  names: FeatureNames,
): Promise<Result<Instance, Failure>> {
  const variables = { ...values, ...names, template: template.name };
  const partials = Object.fromEntries(
    template.partials.map((file) => [partialName(template, file), textOf(file)]),
  );
  const diagnostics: Diagnostic[] = [];
  const spec: MadeFile[] = [];
  for (const file of template.spec) {
    const path = specName(file.path);
    if (path === file.path) {
      spec.push({ path, content: file.content });
      continue;
    }
    const rendered = await renderTemplate({ name: file.shown, text: textOf(file), variables, partials });
    if (rendered.ok) {
      if (rendered.value.trim() !== '') spec.push({ path, content: Buffer.from(rendered.value) });
    } else {
      const { template: shown, line, message } = rendered.error;
      diagnostics.push({ file: shown, ...(line === undefined ? {} : { line }), message });
    }
  }
  if (diagnostics.length > 0) return err({ kind: 'invalid-template', template: template.name, diagnostics });
  return buildFiles(template, spec);
}

async function buildFiles(template: Template, spec: readonly MadeFile[]): Promise<Result<Instance, Failure>> {
  const backlog = spec.find(({ path }) => path === 'BACKLOG.yaml');
  const used = new Map<string, TemplateFile>();
  const diagnostics: Diagnostic[] = [];
  const text = backlog?.content.toString('utf8') ?? '';
  for (const file of template.build) {
    if (text.includes(`templates/${template.name}/${file.path}`))
      used.set(posix.join(template.name, file.path), file);
  }
  for (const named of await renderTemplates(text)) {
    const prefix = `${template.name}/`;
    if (!named.startsWith(prefix)) continue;
    const file = template.build.find(({ path }) => path === named.slice(prefix.length));
    if (file) used.set(posix.join(template.name, file.path), file);
    else {
      const message = `a render step names ${named}, but build/ has no ${named.slice(prefix.length)}`;
      diagnostics.push({ file: `${template.shown}/spec/BACKLOG.yaml.hbs`, message });
    }
  }
  if (diagnostics.length > 0) return err({ kind: 'invalid-template', template: template.name, diagnostics });
  const waiting = [...used.values()];
  for (let file = waiting.pop(); file; file = waiting.pop()) {
    for (const name of await partialNames(textOf(file))) {
      const partial = template.partials.find((one) => partialName(template, one) === name);
      const path = `partials/${name}.hbs`;
      if (!partial || used.has(path)) continue;
      used.set(path, partial);
      waiting.push(partial);
    }
  }
  return ok({ spec, build: [...used].map(([path, { content }]) => ({ path, content })) });
}

/** The templates that render steps of a backlog name; none where it is not of the right form, which others report. */
async function renderTemplates(backlog: string): Promise<string[]> {
  const parsed = await parseYaml(backlog, 'BACKLOG.yaml');
  const tasks = parsed.ok ? (parsed.value as { tasks?: unknown } | null)?.tasks : undefined;
  if (!Array.isArray(tasks)) return [];
  const steps = tasks.flatMap((task) => (task as { render?: unknown } | null)?.render ?? []);
  return steps.flatMap((step) => {
    const named = (step as { template?: unknown } | null)?.template;
    return typeof named === 'string' ? [named] : [];
  });
}

function partialName({ name }: Template, { path }: TemplateFile): string {
  return `${name}/${path.replace(/\.hbs$/, '')}`;
}

function textOf({ content }: TemplateFile): string {
  return content.toString('utf8');
}
