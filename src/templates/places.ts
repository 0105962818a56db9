/** Finds templates: the project's own, the shipped ones, packages, folders by path. Reads none of them. */

import { lstat, readFile, realpath } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { mapBounded } from '../base/bounded.js';
import { suggestions } from '../base/nearest.js';
import { compareBytes } from '../base/order.js';
import { err, ok, type Result } from '../base/result.js';
import { exists, namesIn, readText } from '../io/files.js';
import { findPackage } from '../io/node-modules.js';
import type { Failure } from '../model/failure.js';
import { isName, NAME_HINT } from '../model/paths/names.js';
import { DEFINITION, type TemplateOrigin, type TemplatePlace } from './folder.js';

export interface TemplateRoots {
  /** The project's folder. */
  readonly project: string;
  /** The folder of templates that ship with conductor. */
  readonly shipped: string;
  /** What a path is relative to. */
  readonly cwd: string;
}

const OWN = 'templates';
/** Where a package that is more than a template keeps it. */
const IN_PACKAGE = 'conductor-template';
const PACKAGE = /^(?:@[a-z0-9-~][a-z0-9-._~]*\/)?[a-z0-9-~][a-z0-9-._~]*$/;

/** Every template that a name alone would find, the project's own first; each name once. */
export async function listTemplates(roots: TemplateRoots): Promise<TemplatePlace[]> {
  const places = [...(await ownTemplates(roots)), ...(await shippedTemplates(roots))];
  for (const name of await projectDependencies(roots)) {
    const place = await packageTemplate(roots, name);
    if (place) places.push(place);
  }
  const byName = new Map<string, TemplatePlace>();
  for (const place of places) if (!byName.has(place.name)) byName.set(place.name, place);
  return [...byName.values()].sort((a, b) => compareBytes(a.name, b.name));
}

/** The template of a name, a path (`./x`, `../x`, `/x`, `x/y`) or a package. Fails with `unknown-template`. */
export async function findTemplate(
  wanted: string,
  roots: TemplateRoots,
): Promise<Result<TemplatePlace, Failure>> {
  if (isPath(wanted)) return pathTemplate(wanted, roots);
  const own = isName(wanted) ? await folderTemplate(join(roots.project, OWN), wanted, 'project') : undefined;
  const shipped =
    own ?? (isName(wanted) ? await folderTemplate(roots.shipped, wanted, 'shipped') : undefined);
  const found = shipped ?? (await packageTemplate(roots, wanted));
  if (found) return ok(found);
  const known = (await listTemplates(roots)).map(({ name }) => name);
  return err({ kind: 'unknown-template', template: wanted, nearest: suggestions(wanted, known), known });
}

function isPath(wanted: string): boolean {
  return (
    /^\.{1,2}(?:[\\/]|$)|^[\\/]|^[A-Za-z]:[\\/]/.test(wanted) ||
    (wanted.includes('/') && !wanted.startsWith('@'))
  );
}

async function pathTemplate(wanted: string, { cwd }: TemplateRoots): Promise<Result<TemplatePlace, Failure>> {
  const folder = resolve(cwd, wanted);
  const usage = (message: string, hint: string) => err<Failure>({ kind: 'usage', message, hint });
  if (!(await exists(join(folder, DEFINITION)))) {
    return usage(
      `${wanted} is not a template: it has no ${DEFINITION}`,
      'see docs/templates.md for how to write one',
    );
  }
  const name = basename(folder);
  if (!isName(name)) {
    return usage(`the folder of a template cannot be named ${name}`, NAME_HINT);
  }
  return ok({ name, origin: 'path', folder: await realpath(folder), shown: relative(cwd, folder) || '.' });
}

async function ownTemplates({ project }: TemplateRoots): Promise<TemplatePlace[]> {
  return templatesIn(join(project, OWN), 'project');
}

async function shippedTemplates({ shipped }: TemplateRoots): Promise<TemplatePlace[]> {
  return templatesIn(shipped, 'shipped');
}

async function templatesIn(root: string, origin: TemplateOrigin): Promise<TemplatePlace[]> {
  const names = await namesIn(root);
  const named = names.filter((name) => isName(name));
  const places = await mapBounded(named, (name) => folderTemplate(root, name, origin));
  return places.filter((place) => place !== undefined);
}

/** A folder of templates is hostile until checked: what is a link in it is no template. */
async function folderTemplate(
  root: string,
  name: string,
  origin: TemplateOrigin,
): Promise<TemplatePlace | undefined> {
  const folder = join(root, name);
  const found = await lstat(folder).catch(() => undefined);
  if (!found?.isDirectory() || !(await exists(join(folder, DEFINITION)))) return undefined;
  return { name, origin, folder, shown: origin === 'project' ? `${OWN}/${name}` : `${name} (shipped)` };
}

async function packageTemplate(
  { project }: TemplateRoots,
  wanted: string,
): Promise<TemplatePlace | undefined> {
  const installed = PACKAGE.test(wanted) ? await findPackage(project, wanted) : undefined;
  if (installed === undefined) return undefined;
  for (const [root, shown] of [
    [installed, wanted],
    [join(installed, IN_PACKAGE), `${wanted}/${IN_PACKAGE}`],
  ] as const) {
    if (!(await exists(join(root, DEFINITION)))) continue;
    const name = wanted.replace(/^@/, '').replace('/', '-');
    // The package itself is a link with some package managers; what is in it must not be one.
    return { name, origin: 'package', folder: await realpath(root), shown };
  }
  return undefined;
}

/** The packages that the project's `package.json` names; none where it cannot be read. */
export async function projectDependencies({ project }: TemplateRoots): Promise<ReadonlySet<string>> {
  try {
    const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Record<
      string,
      object
    >;
    return new Set(Object.keys({ ...manifest.dependencies, ...manifest.devDependencies }));
  } catch {
    return new Set();
  }
}

/** The packages that `detect` of a variable can name: those of package.json, and those that Python's files name. */
export async function projectPackages(roots: TemplateRoots): Promise<ReadonlySet<string>> {
  const names = await namesIn(roots.project);
  const files = names.filter((name) => name === 'pyproject.toml' || /^requirements.*\.(txt|in)$/.test(name));
  const texts = await mapBounded(files, (name) => readText(join(roots.project, name)));
  return new Set([
    ...(await projectDependencies(roots)),
    ...texts.flatMap((text) => pythonNames(text ?? '')),
  ]);
}

/** What can be the name of a package: at the start of a line, of a quoted text, or the tool of a section. */
function pythonNames(text: string): string[] {
  const found = text.matchAll(/(?:^\s*(?:\[tool\.)?|["'])([A-Za-z0-9][\w-]*)/gm);
  return [...found].map(([, name]) => (name as string).toLowerCase().replaceAll('_', '-'));
}
