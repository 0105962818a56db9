/** Reads the folder of a template from disk: regular files only, within limits. Renders nothing. */

import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compareBytes } from '../base/order.js';
import { err, ok, type Result } from '../base/result.js';
import { codeOf, readBytes, readText } from '../io/files.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import { forDependencies, parseDefinition, type TemplateDefinition } from './definition.js';

/** Where a template was found: the project's own, shipped with conductor, in a package, or in a folder by its path. */
export type TemplateOrigin = 'project' | 'shipped' | 'package' | 'path';

export interface TemplatePlace {
  /** Name of its folder in the project's `templates/`. */
  readonly name: string;
  readonly origin: TemplateOrigin;
  /** Absolute path. */
  readonly folder: string;
  /** The folder as shown to people. */
  readonly shown: string;
}

export interface TemplateFile {
  /** Relative to `spec/`, `build/` or `partials/`, with `/`. */
  readonly path: string;
  /** As shown to people. */
  readonly shown: string;
  readonly content: Buffer;
}

export interface Template extends TemplatePlace {
  readonly definition: TemplateDefinition;
  /** Rendered once, into the folder of the feature. */
  readonly spec: readonly TemplateFile[];
  /** What `render` steps of the feature use; becomes the project's own. */
  readonly build: readonly TemplateFile[];
  /** Pieces that both may use, as `{{> <template>/<name>}}`. */
  readonly partials: readonly TemplateFile[];
}

export const DEFINITION = 'template.yaml';
const MAX_FILES = 500;
const MAX_BYTES = 1_000_000;

/** The template's definition alone, for lists and questions, with the defaults for a project that has `dependencies`. */
export async function readDefinition(
  place: TemplatePlace,
  dependencies: ReadonlySet<string>,
): Promise<Result<TemplateDefinition, Failure>> {
  const file = `${place.shown}/${DEFINITION}`;
  const refused = (diagnostics: readonly Diagnostic[]) =>
    err<Failure>({ kind: 'invalid-template', template: place.name, diagnostics });
  const problem = await entryProblem(join(place.folder, DEFINITION));
  if (problem !== undefined) return refused([{ file, message: problem }]);
  const definition = await parseDefinition((await readText(join(place.folder, DEFINITION))) ?? '', file);
  return definition.ok ? ok(forDependencies(definition.value, dependencies)) : refused(definition.error);
}

/** All of the template. Fails with `invalid-template`: every problem of its folder at once. */
export async function readTemplate(
  place: TemplatePlace,
  dependencies: ReadonlySet<string>,
): Promise<Result<Template, Failure>> {
  const definition = await readDefinition(place, dependencies);
  if (!definition.ok) return definition;
  const diagnostics: Diagnostic[] = [];
  const [spec, build, partials] = await Promise.all(
    ['spec', 'build', 'partials'].map((part) => readFiles(place, part, diagnostics)),
  );
  const template = { ...place, definition: definition.value, spec, build, partials } as Template;
  diagnostics.push(...nameProblems(template));
  if (diagnostics.length > 0) return err({ kind: 'invalid-template', template: place.name, diagnostics });
  return ok(template);
}

/** The name that a file of `spec/` gets: `.hbs` says that it is rendered. */
export function specName(path: string): string {
  return path.replace(/\.hbs$/, '');
}

async function readFiles(
  place: TemplatePlace,
  part: string,
  problems: Diagnostic[],
): Promise<TemplateFile[]> {
  const files: TemplateFile[] = [];
  if ((await lstat(join(place.folder, part)).catch(() => undefined))?.isDirectory() === false) {
    problems.push({ file: `${place.shown}/${part}`, message: 'is not a folder; conductor follows no links' });
    return files;
  }
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await entriesOf(join(place.folder, part, folder))) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      const shown = `${place.shown}/${part}/${path}`;
      const refuse = (message: string) => problems.push({ file: shown, message });
      if (entry.isDirectory()) folders.push(path);
      else if (!entry.isFile()) refuse('is not a regular file; conductor follows no links');
      else if (files.length >= MAX_FILES) {
        refuse(`is one file too many: the limit is ${MAX_FILES}`);
        return files;
      } else {
        const content = await readInBounds(join(place.folder, part, path));
        if (content) files.push({ path, shown, content });
        else refuse(`is too large: the limit is ${MAX_BYTES} bytes`);
      }
    }
  }
  return files.sort((a, b) => compareBytes(a.path, b.path));
}

async function readInBounds(file: string): Promise<Buffer | undefined> {
  if ((await lstat(file)).size > MAX_BYTES) return undefined;
  return readBytes(file);
}

/** Entries of a folder; none when there is no such folder. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}

function nameProblems({ spec, build, shown }: Template): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const names = new Map<string, string>();
  for (const file of spec) {
    const name = specName(file.path);
    const other = names.get(name);
    if (other !== undefined) problems.push({ file: file.shown, message: `gives the same file as ${other}` });
    names.set(name, file.shown);
    if (name === '.metadata.json')
      problems.push({ file: file.shown, message: 'conductor writes this file itself' });
  }
  if (!names.has('BACKLOG.yaml')) {
    problems.push({
      file: `${shown}/spec`,
      message: 'has no BACKLOG.yaml.hbs',
      hint: 'this file must contain the tasks',
    });
  }
  for (const { path, shown: file } of build) {
    if (path === DEFINITION || /^(?:spec|build|partials)\//.test(path)) {
      problems.push({
        file,
        message: 'would be copied into a template of the project',
        hint: 'give it another name',
      });
    }
  }
  return problems;
}

async function entryProblem(file: string): Promise<string | undefined> {
  const found = await lstat(file).catch(() => undefined);
  if (!found) return 'the file does not exist';
  if (!found.isFile()) return 'is not a regular file; conductor follows no links';
  return found.size > MAX_BYTES ? `is too large: the limit is ${MAX_BYTES} bytes` : undefined;
}
