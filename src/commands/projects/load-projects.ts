/** Finds and reads the list of projects: `conductor.projects.yaml`, or `projects` of the config. Opens no project. */

import { dirname, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../base/result.js';
import { locator, parseYaml, validateSchema } from '../../io/document/document.js';
import { readText, realFolder } from '../../io/files.js';
import type { Diagnostic, Failure } from '../../model/failure.js';
import { listProblems } from '../../model/projects/list-problems.js';
import {
  PROJECTS_FILE,
  type ProjectList,
  type ProjectsConfig,
  resolveList,
} from '../../model/projects/project-list.js';
import type { Host } from '../../project/host.js';

export interface ListChanges {
  /** Tasks at the same time, instead of what the list says. */
  readonly workers?: number | undefined;
  /** One more limit in US dollars: the lower one counts. */
  readonly usd?: number | undefined;
}

/**
 * The list of the nearest folder upwards that has one, else that of the project's config. Fails with `usage` where there is
 * none, and with `invalid-config` for what is wrong in it.
 */
export async function loadProjects(
  host: Host,
  start: string,
  changes: ListChanges = {},
): Promise<Result<ProjectList, Failure>> {
  const found = await findFile(start);
  if (found) return fromFile(found.text, found.folder, changes);
  const loaded = await host.loadConfig(host.directory);
  if (!loaded.ok) return loaded;
  const { projects } = loaded.value.config;
  if (projects !== undefined) {
    const file = 'projects of the config';
    return checked(projects, { file, folder: host.directory, changes, above: ['projects'] });
  }
  return err({
    kind: 'usage',
    message: `there is no list of projects: neither a file \`${PROJECTS_FILE}\` here or above, nor \`projects\` in the config`,
    hint: 'docs/projects.md has an example',
  });
}

/** The names in the file, for completion: a config, which is a program, is not run. */
export async function projectNames(start: string): Promise<string[]> {
  const found = await findFile(start);
  const parsed = found && (await parseYaml(found.text, PROJECTS_FILE));
  const { projects } = (parsed?.ok ? (parsed.value ?? {}) : {}) as { projects?: unknown };
  return projects !== null && typeof projects === 'object' ? Object.keys(projects) : [];
}

async function findFile(start: string): Promise<{ text: string; folder: string } | undefined> {
  for (let folder = resolve(start); ; folder = dirname(folder)) {
    const text = await readText(join(folder, PROJECTS_FILE));
    if (text !== undefined) return { text, folder };
    if (dirname(folder) === folder) return undefined;
  }
}

async function fromFile(
  text: string,
  folder: string,
  changes: ListChanges,
): Promise<Result<ProjectList, Failure>> {
  const parsed = await parseYaml(text, PROJECTS_FILE);
  if (!parsed.ok) return err({ kind: 'invalid-config', diagnostics: parsed.error });
  return checked(parsed.value, { file: PROJECTS_FILE, folder, changes, above: [], text });
}

interface Place {
  readonly file: string;
  /** Paths of the list count from here. */
  readonly folder: string;
  readonly changes: ListChanges;
  /** Keys above the list. */
  readonly above: readonly string[];
  /** Of a file, for the places of problems. */
  readonly text?: string;
}

async function checked(value: unknown, place: Place): Promise<Result<ProjectList, Failure>> {
  const { file, folder, changes } = place;
  const refused = await validateSchema('projects', value);
  if (refused.length > 0) return err(await invalid(refused, place));
  const config = changed(value as ProjectsConfig, changes);
  const problems = listProblems(config);
  if (problems.length > 0) return err(await invalid(problems, place));
  const list = resolveList(config, file, (path) => resolve(folder, path));
  const twice = await sameFolder(list);
  if (twice === undefined) return ok(list);
  const [first, second] = twice;
  const message = `${first} and ${second} are in the same folder`;
  return err(await invalid([{ path: ['projects', second], message }], place));
}

/** Names of two projects of one folder, also where a link leads to it: they would write the same files. */
async function sameFolder({ projects }: ProjectList): Promise<readonly [string, string] | undefined> {
  const seen = new Map<string, string>();
  for (const { name, folder } of projects) {
    const real = (await realFolder(folder)) ?? folder;
    const other = seen.get(real);
    if (other !== undefined) return [other, name];
    seen.set(real, name);
  }
  return undefined;
}

function changed(config: ProjectsConfig, { workers, usd }: ListChanges): ProjectsConfig {
  const { limits = {} } = config;
  return {
    ...config,
    limits: {
      ...limits,
      ...(workers === undefined ? {} : { workers }),
      ...(usd === undefined ? {} : { usd: Math.min(usd, limits.usd ?? usd) }),
    },
  };
}

interface Problem {
  readonly path: readonly (string | number)[];
  readonly key?: boolean;
  readonly message: string;
  readonly hint?: string;
}

async function invalid(problems: readonly Problem[], { file, above, text }: Place): Promise<Failure> {
  const find = text === undefined ? undefined : await locator(text);
  const diagnostics = problems.map(({ path, key, message, hint }): Diagnostic => {
    const keys = [...above, ...path];
    const named = keys.length > 0 && !find ? `${keys.join('.')}: ${message}` : message;
    return { file, ...find?.(path, key), message: named, ...(hint === undefined ? {} : { hint }) };
  });
  return { kind: 'invalid-config', diagnostics };
}
