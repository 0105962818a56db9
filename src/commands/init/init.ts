/**
 * Makes a folder in a git repository a project: config, ignore rules, an example. Never overwrites and never asks.
 */

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AGENT_FOLDER } from '../../agent/prompts/definitions.js';
import { err, ok, type Result } from '../../base/result.js';
import { append, exists, readText, removeTree, writeAtomic } from '../../io/files.js';
import { isIgnored } from '../../io/git/ignored.js';
import { installMergeDriver, LOCK_ATTRIBUTES, mergeDriver } from '../../io/git/merge-driver.js';
import { openRepository } from '../../io/git/open-repository.js';
import type { Repository } from '../../io/git/repository.js';
import { findPackage } from '../../io/node-modules.js';
import type { Failure } from '../../model/failure.js';
import type { Host } from '../../project/host.js';
import type { TemplateRoots } from '../../templates/places.js';
import { planFeature, writeFeature } from '../new/new-feature.js';
import { type NewFile, type Undo, writeNewFiles } from '../new/new-files.js';
import { OWN_PACKAGE } from '../new/schema-reference.js';
import { validateProject } from '../validate.js';
import { AGENTS_FILE, addAgentsSection } from './agents-section.js';
import { configText } from './config-text.js';
import { managerCommands, projectToolchain, type Toolchain } from './toolchain.js';

/** What is there before anything is written. */
export interface InitSurvey {
  readonly toolchain: Toolchain;
  /** Name of the configuration that the project has already. */
  readonly config: string | undefined;
  /** Whether there are specs already: then no example is written. */
  readonly hasSpecs: boolean;
  /** Whether `conductor-build` is a dependency, or in a `node_modules` around the project. */
  readonly installed: boolean;
  /** How conductor is started here: `npx conductor`. */
  readonly start: string;
  readonly repository: Repository;
  /** Whether git has a merge driver for lock files already. */
  readonly hasMergeDriver: boolean;
}

export interface InitChoices {
  /** Of the config that is written now; none where there is one. */
  readonly gates: readonly string[];
  /** Copy agent definitions and prompts, to change them. */
  readonly agents: boolean;
  readonly example: boolean;
  /** Set git's merge driver for lock files in this repository. */
  readonly mergeDriver: boolean;
  /** Add a section for agents of people to AGENTS.md. */
  readonly instructions: boolean;
  /** The file with which a CI runs conductor; undefined: none is wanted. */
  readonly ci?: NewFile | undefined;
}

export interface InitDone {
  readonly written: readonly string[];
  /** Lines that were added to files which may have been there. */
  readonly added: readonly { readonly file: string; readonly lines: readonly string[] }[];
  /** Files that were there and stand, the config among them. */
  readonly kept: readonly string[];
  /** The feature of the example. */
  readonly example: string | undefined;
  /** The command of git's merge driver for lock files, where it was set now. */
  readonly mergeDriver: string | undefined;
}

interface Added {
  readonly file: string;
  readonly lines: readonly string[];
  readonly undo: Undo;
}

const CONFIG = 'conductor.config.ts';
const EXAMPLE = 'welcome';
/** Where the example's page goes: the first of these that is not there yet. */
const PAGES = ['docs/conductor.md', 'docs/working-with-conductor.md'];

/** `configNames`: the names that a configuration may have. */
export async function surveyProject(
  { directory, env }: Host,
  configNames: readonly string[],
): Promise<Result<InitSurvey, Failure>> {
  const repository = await openRepository(directory);
  if (!repository.ok) return repository;
  const { project } = repository.value;
  const toolchain = await projectToolchain(repository.value, env);
  const names = await readdir(project);
  const installed =
    toolchain.dependencies.has(OWN_PACKAGE) || (await findPackage(project, OWN_PACKAGE)) !== undefined;
  const { run, fetch } = managerCommands(toolchain.packageManager);
  return ok({
    toolchain,
    config: configNames.find((name) => names.includes(name)),
    hasSpecs: (await readdir(join(project, 'specs')).catch(() => [])).length > 0,
    installed,
    start: installed ? `${run} conductor` : `${fetch} ${OWN_PACKAGE}`,
    repository: repository.value,
    hasMergeDriver: (await mergeDriver(repository.value)) !== undefined,
  });
}

/** All of it or nothing: when the project would not be valid, what was written is gone again. */
export async function initProject(
  host: Host,
  roots: TemplateRoots,
  survey: InitSurvey,
  choices: InitChoices,
): Promise<Result<InitDone, Failure>> {
  const project = host.directory;
  const wanted = [
    ...(survey.config === undefined ? [configFile(survey, choices)] : []),
    ...(choices.agents ? await agentFiles(host) : []),
    ...(choices.ci === undefined ? [] : [choices.ci]),
  ];
  const kept = survey.config === undefined ? [] : [survey.config];
  const files: NewFile[] = [];
  for (const file of wanted) {
    if (await exists(join(project, file.path))) kept.push(file.path);
    else files.push(file);
  }
  const written = await writeNewFiles(project, files);
  if (!written.ok) return written;
  const undo: Undo[] = [written.value];
  const back = async () => {
    for (const one of undo.reverse()) await one();
  };
  try {
    const added = await addIgnored(project, survey, choices);
    const told = choices.instructions ? await addAgentsSection(project, survey.start) : undefined;
    if (told) added.push({ file: AGENTS_FILE, lines: ['a section for agents'], undo: told.undo });
    undo.push(...added.map((one) => one.undo));
    const driver = choices.mergeDriver
      ? await installMergeDriver(survey.repository, survey.start)
      : undefined;
    if (driver) undo.push(driver.undo);
    const example = await writeExample(host, roots, survey, choices);
    if (!example.ok) {
      await back();
      return example;
    }
    return ok({
      written: [...files.map(({ path }) => path), ...example.value.written],
      added: added.map(({ file, lines }) => ({ file, lines })),
      kept,
      example: example.value.feature,
      mergeDriver: driver?.command,
    });
  } catch (error) {
    await back();
    throw error;
  }
}

function configFile({ toolchain, installed }: InitSurvey, { gates }: InitChoices): NewFile {
  const text = configText({
    gates,
    links: gates.length > 0 ? toolchain.links : [],
    setup: gates.length > 0 ? toolchain.setup : undefined,
    installed,
    install:
      toolchain.packageManager === undefined
        ? undefined
        : `${managerCommands(toolchain.packageManager).addDevelopment} ${OWN_PACKAGE}`,
  });
  return { path: CONFIG, content: Buffer.from(text) };
}

async function agentFiles(host: Host): Promise<NewFile[]> {
  const definitions = (await host.shippedAgents?.()) ?? new Map<string, string>();
  const prompts = await host.shippedPrompts();
  const files = [
    ...[...definitions].map(([name, text]) => ({ path: AGENT_FOLDER + name, text })),
    ...[...prompts].map(([name, text]) => ({ path: `prompts/${name}`, text })),
  ];
  return files.map(({ path, text }) => ({ path, content: Buffer.from(text) }));
}

interface Example {
  readonly feature: string | undefined;
  readonly written: readonly string[];
}

/** The example as `conductor new` writes it. Without one the project is checked all the same. */
async function writeExample(
  host: Host,
  roots: TemplateRoots,
  { config, hasSpecs, start }: InitSurvey,
  { example, gates: chosen }: InitChoices,
): Promise<Result<Example, Failure>> {
  const page = await freePage(host.directory);
  if (!example || hasSpecs || page === undefined) {
    const valid = await validateProject(host, { mayBeEmpty: true });
    if (!valid.ok) return valid;
    const { missingPrograms } = valid.value;
    if (missingPrograms.length > 0) return err({ kind: 'invalid-config', diagnostics: missingPrograms });
    return ok({ feature: undefined, written: [] });
  }
  // The page names the gates that run.
  const gates = config === undefined ? ok(chosen) : await gatesOf(host);
  if (!gates.ok) return gates;
  const set = { page, run: start, gates: [...gates.value] };
  const plan = await planFeature(host, roots, { template: EXAMPLE, name: EXAMPLE, set });
  if (!plan.ok) return plan;
  const done = await writeFeature(host, plan.value, { needsPrograms: true });
  if (!done.ok) return done;
  const { folder, specs, templates, feature } = plan.value;
  const own = templates.filter(({ state }) => state === 'new').map(({ path }) => path);
  return ok({ feature, written: [...specs.map(({ path }) => `${folder}/${path}`), ...own] });
}

/** The names of the gates of the project's config. */
async function gatesOf(host: Host): Promise<Result<readonly string[], Failure>> {
  const loaded = await host.loadConfig(host.directory);
  if (!loaded.ok) return loaded;
  const { task, build } = loaded.value.config.gates;
  return ok([...new Set([...task, ...build].map(({ name }) => name))]);
}

async function freePage(project: string): Promise<string | undefined> {
  for (const page of PAGES) if (!(await exists(join(project, page)))) return page;
  return undefined;
}

/** Appends to ignore files what git and formatters must ignore. */
async function addIgnored(
  project: string,
  { toolchain }: InitSurvey,
  { agents }: InitChoices,
): Promise<Added[]> {
  const { packageManager, dependencies } = toolchain;
  const unseen = ['.conductor/', ...(packageManager === undefined ? [] : ['node_modules/'])];
  const lines: string[] = [];
  for (const line of unseen) if (!(await isIgnored(project, line))) lines.push(line);
  const added = [
    await addLines(project, '.gitignore', lines),
    await addLines(project, '.gitattributes', LOCK_ATTRIBUTES),
  ];
  if (dependencies.has('prettier')) {
    // Handlebars in other languages: prettier takes it for web pages, or for text that it may wrap.
    const templates = ['templates/', ...(agents ? ['prompts/'] : [])];
    added.push(await addLines(project, '.prettierignore', templates));
  }
  return added.filter((one) => one !== undefined);
}

/** Undefined when nothing had to be added, and when the file is a link. */
async function addLines(
  project: string,
  name: string,
  wanted: readonly string[],
): Promise<Added | undefined> {
  const file = join(project, name);
  const found = await lstat(file).catch(() => undefined);
  if (found && !found.isFile()) return undefined;
  const before = (await readText(file)) ?? '';
  const there = new Set(before.split(/\r?\n/).map((line) => line.trim()));
  const missing = wanted.filter((line) => !there.has(line));
  const lines = missing.filter((line) => !line.startsWith('#'));
  // A comment is no entry: it is added with one, and never alone.
  if (lines.length === 0) return undefined;
  const end = before.includes('\r\n') ? '\r\n' : '\n';
  const start = before === '' || before.endsWith('\n') ? '' : end;
  await append(file, start + missing.map((line) => line + end).join(''));
  return {
    file: name,
    lines,
    undo: () => (found ? writeAtomic(file, before, found.mode) : removeTree(file)),
  };
}
