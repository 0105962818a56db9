/**
 * Makes specs of code that people wrote, and records the code as their result: no byte of it changes, and the next build
 * has nothing to do. Asks no agent.
 */

import { err, ok, type Result } from '../../base/result.js';
import { runBuild } from '../../build/lifecycle.js';
import { PLAIN_BUILD } from '../../build/options.js';
import { inSession, openReadingSession } from '../../build/project-session.js';
import { buildRewritten } from '../../build/rewritten-build.js';
import { programFolders } from '../../execution/command-environment.js';
import type { ExecutionHost } from '../../execution/executor.js';
import { yamlText } from '../../io/document/yaml-edit.js';
import type { BuildEvent, BuildSummary } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { isName, NAME_HINT } from '../../model/paths/names.js';
import type { Task } from '../../model/task.js';
import { type AdoptedTask, adoptedTasks, withoutPlaces } from '../../plan/adopting/adopted-tasks.js';
import { commonFolder } from '../../plan/adopting/file-groups.js';
import type { Host, LoadedConfig } from '../../project/host.js';
import { loadProject, type Project } from '../../project/project.js';
import { diskSource, type OpenProject } from '../../project/project-source.js';
import { isFeatureName, nextNumber, numberedName } from '../../specs/spec-files.js';
import { projectToolchain } from '../init/toolchain.js';
import { schemaLine } from '../new/schema-reference.js';
import { type AdoptableFiles, adoptableFiles, type SkippedFile } from './adoptable-files.js';
import type { DescribedTask } from './described-tasks.js';

export interface AdoptRequest {
  /** Files, folders and globs, relative to the project. */
  readonly paths: readonly string[];
  /** The feature; undefined: named after the folder. */
  readonly as: string | undefined;
  /** What an agent said of tasks, by their ids. Absent: nothing. */
  readonly described?: ReadonlyMap<string, DescribedTask>;
  /** Commands of the project that become gates where the config has none. */
  readonly detectsGates: boolean;
  readonly wait: boolean;
  readonly command: string;
}

export interface Adoption {
  readonly feature: string;
  /** The spec, relative to the project. */
  readonly file: string;
  readonly text: string;
  readonly tasks: readonly AdoptedTask[];
  /** Files that the tasks own. */
  readonly files: number;
  readonly skipped: readonly SkippedFile[];
  /** Files of the folders that are no source code. */
  readonly others: number;
  /** Gates that the spec got because the config has none. */
  readonly gates: readonly string[];
}

/** What would be adopted. Writes nothing. */
export function planAdoption(host: Host, request: AdoptRequest): Promise<Result<Adoption, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const read = await readForAdoption(host, session);
    return read.ok ? adoptionOf(host, read.value.project, request) : read;
  });
}

export interface Adopted {
  /** Undefined where it came to nothing. */
  readonly adoption: Adoption | undefined;
  readonly summary: BuildSummary;
}

/** Writes the specs with their lock file, or, if a gate fails on the code as it is, nothing. */
export async function adopt(
  host: ExecutionHost,
  request: AdoptRequest,
  on: (event: BuildEvent) => void,
  signal: AbortSignal,
): Promise<Adopted> {
  const { command, wait } = request;
  let adoption: Adoption | undefined;
  const summary = await runBuild(host, { command, wait, on, signal }, async (open) => {
    const read = await readForAdoption(host, open.session);
    if (!read.ok) return read;
    const { loaded, project } = read.value;
    const planned = await adoptionOf(host, project, request);
    if (!planned.ok) return planned;
    const { feature, file, text } = planned.value;
    const id = await project.objects.writeBlob(Buffer.from(text));
    const changes = new Map([[file, { mode: '100644', id } as const]]);
    const options = { ...PLAIN_BUILD, targets: [feature], accept: true, wait, command };
    const accepts = (task: Task) => task.feature === feature;
    const rewriting = { loaded, project, changes, accepts, allOrNothing: true as const };
    const built = await buildRewritten({ ...open, host, options }, rewriting);
    if (!built.ok) return built;
    if (built.value.summary.exitCode === 0) adoption = planned.value;
    return ok(built.value.summary);
  });
  return { adoption, summary };
}

async function readForAdoption(
  host: Host,
  session: OpenProject,
): Promise<Result<{ readonly loaded: LoadedConfig; readonly project: Project }, Failure>> {
  const loaded = await host.loadConfig(session.repository.project);
  if (!loaded.ok) return loaded;
  const project = await loadProject(diskSource(session, loaded.value.config));
  return project.ok ? ok({ loaded: loaded.value, project: project.value }) : project;
}

export async function adoptionOf(
  host: Host,
  project: Project,
  { paths, as, detectsGates, described }: AdoptRequest,
): Promise<Result<Adoption, Failure>> {
  const found = await adoptableFiles(project, paths);
  if (!found.ok) return found;
  const named = featureFor(project, found.value, as);
  if (!named.ok) return named;
  const feature = named.value;
  const { files, tree, skipped, others } = found.value;
  const plain = adoptedTasks(files, tree, (path) => project.ownership.ownerOf(path));
  const tasks = plain.map((task) => inWords(task, described?.get(task.id)));
  const gates = detectsGates ? await detectedGates(host, project) : [];
  const file = `${project.config.specs}/${feature}/BACKLOG.yaml`;
  const title = `${commonFolder(files.map(({ path }) => path)) || 'The project'} as it was adopted`;
  const body = { feature, title, ...(gates.length === 0 ? {} : { defaults: { verify: gates } }), tasks };
  const head = await schemaLine(project.repository.project, file, 'backlog', host.version);
  return ok({
    feature,
    file,
    text: head + (await yamlText(body)),
    tasks,
    files: files.length,
    skipped,
    others,
    gates,
  });
}

/** The task in the words of an agent, where it has some. */
function inWords(task: AdoptedTask, words: DescribedTask | undefined): AdoptedTask {
  if (!words) return task;
  const { description, acceptance, ...facts } = words;
  const lists = Object.entries(facts).filter(([, list]) => list.length > 0);
  const context = Object.fromEntries(lists.map(([key, list]) => [key, list.map(withoutPlaces)]));
  return {
    ...task,
    description: withoutPlaces(description),
    acceptance: acceptance.map(withoutPlaces),
    ...(lists.length === 0 ? {} : { context }),
  };
}

/** A new feature: its name as given, or a number and the name of the folder. */
function featureFor(
  { config, features, listing }: Project,
  { files }: AdoptableFiles,
  as: string | undefined,
): Result<string, Failure> {
  if (as === undefined) {
    const last =
      commonFolder(files.map(({ path }) => path))
        .split('/')
        .at(-1) ?? '';
    const word = last
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^[-0-9]+|-+$/g, '');
    const names = [
      ...features.keys(),
      ...listing.under(`${config.specs}/`).map((path) => path.slice(config.specs.length + 1)),
    ];
    return ok(numberedName(nextNumber(names), isFeatureName(word) ? word : 'adopted'));
  }
  if (!isName(as)) {
    const hint = `${NAME_HINT}: --as auth`;
    return err({ kind: 'usage', message: `\`${as}\` cannot be the name of a feature`, hint });
  }
  if (features.has(as) || listing.under(`${config.specs}/${as}/`).length > 0) {
    const hint = 'choose another name with --as';
    return err({ kind: 'usage', message: `there is a feature ${as} already`, hint });
  }
  return ok(as);
}

/** What `conductor init` would propose, where the config has no gates. */
async function detectedGates(host: Host, { config, repository }: Project): Promise<readonly string[]> {
  if (config.gates.task.length + config.gates.build.length > 0) return [];
  // Where a gate looks: in packages around the project only if the config links them.
  const linked = programFolders(config, repository.project);
  const { gates } = await projectToolchain(repository, host.env, linked);
  return gates.map(({ command }) => command);
}
