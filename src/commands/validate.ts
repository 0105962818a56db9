/** Checks a project as a build does before it starts, and that the programs of its gates are there. Runs no task. */

import { join } from 'node:path';
import type { DependencyOutputs } from '../analysis/dependency-outputs.js';
import { claimedProblem, placed, type ReadProject, readProject } from '../analysis/prepare.js';
import { gatesOf } from '../analysis/visible-files.js';
import { mapBounded } from '../base/bounded.js';
import { err, ok, type Result } from '../base/result.js';
import { inSession, openReadingSession, type Session } from '../build/project-session.js';
import { renderOutputs } from '../execution/describe-run.js';
import { instructionsBeside } from '../execution/prompt-steering.js';
import { programOnPath } from '../io/process/process.js';
import type { Config } from '../model/config.js';
import type { Diagnostic, Failure } from '../model/failure.js';
import type { Label, Task } from '../model/task.js';
import type { Listing } from '../model/tree.js';
import type { Host } from '../project/host.js';
import { openParseCache } from '../project/parse-cache.js';
import { failureAnswer } from '../report/failures/failure-answer.js';
import { unorderedEdits } from '../specs/checks/unordered-edits.js';
import { type InspectedSpecs, inspectSpecs } from '../specs/load.js';
import { sortDiagnostics } from '../specs/problem.js';
import { isPackageFolder } from '../workspace/tools/package-folder.js';
import { missingGatePrograms } from './gate-programs.js';
import { openChangeWarnings } from './plan/feature-changes.js';

export interface Validated {
  readonly features: readonly string[];
  readonly tasks: number;
  /** Those of them that an agent makes. */
  readonly agentTasks: number;
  readonly warnings: readonly Diagnostic[];
  /** Gates whose program is not there: set-up or another task may bring it, so that only a build knows. */
  readonly missingPrograms: readonly Diagnostic[];
}

/** Fails as a build of everything fails before its first task, and where a build would fail a task unseen. */
export async function validateProject(
  host: Host,
  options: { readonly mayBeEmpty?: boolean } = {},
): Promise<Result<Validated, Failure>> {
  return inSession(openReadingSession(host), async (session) => {
    const loaded = await host.loadConfig(session.repository.project);
    if (!loaded.ok) return loaded;
    const read = await readProject(
      host,
      { project: session, loaded: loaded.value },
      { targets: [], ...options },
    );
    if (!read.ok) return read;
    const { project } = read.value;
    const { features, graph, warnings } = project;
    const claimed = await claimedProblem(project);
    if (claimed) return err(claimed);
    const problems = await taskProblems(read.value);
    if (problems.length > 0) return err({ kind: 'invalid-specs', diagnostics: sortDiagnostics(problems) });
    return ok({
      features: [...features.keys()],
      tasks: graph.tasks.size,
      agentTasks: [...graph.tasks.values()].filter(({ recipe }) => recipe.kind === 'agent').length,
      warnings: sortDiagnostics([
        ...warnings,
        ...(await placed(project, unorderedEdits(graph))),
        ...(await openChangeWarnings(project)),
      ]),
      missingPrograms: await missingGatePrograms(host, project),
    });
  });
}

/** Templates and prompts that cannot be rendered: each fails its task in a build. */
async function taskProblems({ project, agent, gatherer }: ReadProject): Promise<Diagnostic[]> {
  const problems = await mapBounded([...project.graph.tasks.values()], async (task) => {
    const failures: Failure[] = [];
    if (task.recipe.kind === 'agent') {
      const rendered = await gatherer.preview(task, NOTHING_BUILT);
      const beside = instructionsBeside({ graph: project.graph, agent }, task, gatesOf(project, task));
      const measured = rendered.ok ? await rendered.value.measured(beside) : rendered;
      if (!measured.ok) failures.push(measured.error);
    }
    if (task.recipe.kind === 'render') {
      const rendered = await renderOutputs({ gatherer }, task, task.recipe.steps, async () => '');
      if (!rendered.ok) failures.push(rendered.error);
    }
    return failures.map((failure) => taskProblem(task, failure));
  });
  return problems.flat();
}

function taskProblem({ label, source }: Task, failure: Failure): Diagnostic {
  const { message, details, fix, path } = failureAnswer(failure);
  const text = [`${label}: ${message}`, ...details].join('\n');
  return { file: path ?? source.file, message: text, ...(fix === undefined ? {} : { hint: fix }) };
}

const NOTHING_BUILT: ReadonlyMap<Label, DependencyOutputs> = new Map();

/** The specs of a tree by every rule there is, and what can be read of them. */
export async function checkSpecs(
  host: Host,
  { repository, objects }: Session,
  config: Config,
  listing: Listing,
): Promise<InspectedSpecs> {
  const cache = await openParseCache(repository.state);
  // Programs that the workspace links or set-up makes are found in its node_modules.
  const folders = new Set(['node_modules', ...config.workspace.link.filter(isPackageFolder)]);
  const programs = [...folders].map((path) => join(repository.project, path, '.bin'));
  const env = { ...host.env, PATH: [...programs, host.env.PATH ?? ''].join(':') };
  const onPath = (program: string) => programOnPath(program, env);
  return inspectSpecs({ listing, read: (ids) => objects.readMany(ids), cache }, config, onPath);
}
