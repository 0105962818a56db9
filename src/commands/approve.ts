/** Grants what agents ask for: lists it, and extends the `edits`, `outputs` and `inputs` of the spec. Builds nothing. */

import type { Prepared } from '../analysis/prepare.js';
import { err, ok, type Result } from '../base/result.js';
import { inPreparedSession } from '../build/prepared-session.js';
import { improvedSpec, type RevisedTask } from '../execution/escalation/revised-task.js';
import { readText, writeAtomic } from '../io/files.js';
import { unifiedDiff } from '../io/text-diff.js';
import { type Need, needText } from '../model/agents/agent-report.js';
import type { Failure } from '../model/failure.js';
import { parsePattern, patternProblem } from '../model/paths/pattern.js';
import { patternSet } from '../model/paths/pattern-set.js';
import type { Label, Task } from '../model/task.js';
import type { Host } from '../project/host.js';
import { CONDUCTOR_FOLDER } from '../project/log-files.js';
import type { Project } from '../project/project.js';
import { type KeptWork, WorkStore } from '../store/kept-work.js';

/** What a package needs beside its name: its manifest, and the lock files that the project has. */
const MANIFEST = 'package.json';
const LOCKS = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
];

export interface ApproveOptions {
  /** One task; undefined: every task that asks for something. */
  readonly target: string | undefined;
  /** What of it; empty: everything that it asks for. */
  readonly what: readonly string[];
  /** Nothing is changed. */
  readonly list: boolean;
  /** Only what `grow.allow` of the config names; a task that asks for more gets nothing. */
  readonly onlyAllowed?: boolean;
  readonly wait: boolean;
  readonly signal: AbortSignal;
}

/** What one need comes to in the spec, or why it cannot be granted. */
export interface Grant {
  readonly need: Need;
  readonly adds: readonly { readonly key: 'edits' | 'outputs' | 'inputs'; readonly path: string }[];
  readonly problem?: string;
}

export interface Approval {
  readonly label: Label;
  /** The spec, relative to the project. */
  readonly file: string;
  readonly grants: readonly Grant[];
  /** From the spec as it was; empty if nothing was changed. */
  readonly diff: string;
}

/** Fails with `usage` for a task that asks for nothing, and for what was not asked for. */
export function approve(host: Host, options: ApproveOptions): Promise<Result<readonly Approval[], Failure>> {
  const { target, wait, signal } = options;
  const prepare = { targets: target === undefined ? [] : [target], force: false, discardEdits: false };
  const command = ['conductor approve', ...(target === undefined ? [] : [target])].join(' ');
  return inPreparedSession(host, { command, wait, signal, prepare }, ({ prepared }) =>
    approveIn(prepared, options),
  );
}

async function approveIn(
  prepared: Prepared,
  options: ApproveOptions,
): Promise<Result<readonly Approval[], Failure>> {
  const { project } = prepared;
  const works = new WorkStore(project.objects, project.repository.project);
  const open = (await works.all()).filter(
    ({ label, approved }) => prepared.targets.has(label) && approved !== true,
  );
  if (project.config.grow === 'never' && !options.list)
    return options.onlyAllowed
      ? ok([])
      : usage("`grow` of the config is 'never'", 'set it to `ask`, or change the spec');
  if (open.length === 0 && !options.list && !options.onlyAllowed)
    return usage(
      `${options.target ?? 'no task'} asks for nothing`,
      '`conductor approve --list` shows what is asked for',
    );
  const done: Approval[] = [];
  for (const work of open) {
    const approved = await approveOne({ project, works, options }, work);
    if (!approved.ok) return approved;
    done.push(approved.value);
  }
  return ok(done);
}

async function approveOne(
  { project, works, options }: { project: Project; works: WorkStore; options: ApproveOptions },
  work: KeptWork,
): Promise<Result<Approval, Failure>> {
  const task = project.graph.task(work.label);
  const all = work.needs.map((need) => grantOf(project, task, need));
  const nothing: Approval = { label: work.label, file: task.source.file, grants: all, diff: '' };
  if (options.list) return ok(nothing);
  const unknown = options.what.find((what) => !work.needs.some((need) => need.what === what));
  if (unknown !== undefined) {
    const asked = work.needs.map(needText).join(', ');
    return usage(`${work.label} does not ask for ${unknown}`, `it asks ${asked}`);
  }
  const chosen =
    options.what.length === 0 ? all : all.filter(({ need }) => options.what.includes(need.what ?? ''));
  if (options.onlyAllowed) {
    const { grow } = project.config;
    const set = patternSet(typeof grow === 'object' ? grow.allow : []);
    const secrets = patternSet(project.config.secrets);
    const isAllowed =
      chosen.some(({ adds }) => adds.length > 0) &&
      chosen.every(({ need, adds, problem }) => {
        if (problem !== undefined) return false;
        // A pattern allows what its author thought of; a secret is a person's to give.
        if (adds.some(({ path }) => secrets.matches(path))) return false;
        // A package brings the lock file along, where the manifest may be changed.
        const isPackage = need.kind === 'dependency' && set.matches(MANIFEST);
        return adds.every(({ path }) => set.matches(path) || (isPackage && isLock(path)));
      });
    if (!isAllowed) return ok(nothing);
  }
  const refused = chosen.find(({ problem }) => problem !== undefined);
  if (refused) {
    const { need, problem } = refused;
    return usage(
      `${work.label} asks ${needText(need)}: ${problem}`,
      `change ${task.source.file}, then build again`,
    );
  }
  const diff = await extend(project, task, chosen);
  if (!diff.ok) return diff;
  await works.approve({ ...work, needs: chosen.map(({ need }) => need) });
  return ok({ ...nothing, grants: chosen, diff: diff.value });
}

/** Writes the spec with what is granted; other lines, comments and style stay. Returns the difference. */
async function extend(
  project: Project,
  task: Task,
  grants: readonly Grant[],
): Promise<Result<string, Failure>> {
  const { file } = task.source;
  const place = `${project.repository.project}/${file}`;
  const text = (await readText(place)) ?? '';
  const adds = grants.flatMap((grant) => grant.adds);
  const of = (key: Grant['adds'][number]['key']) => [
    ...new Set(adds.filter((one) => one.key === key).map(({ path }) => path)),
  ];
  const revision: RevisedTask = {
    task,
    words: {},
    inputs: of('inputs'),
    outputs: of('outputs'),
    edits: of('edits'),
  };
  const after = await improvedSpec(text, revision);
  if (!after.ok) return after;
  if (after.value === text) return ok('');
  await writeAtomic(place, after.value);
  return ok([`--- a/${file}`, `+++ b/${file}`, ...unifiedDiff(text, after.value), ''].join('\n'));
}

function grantOf(project: Project, task: Task, need: Need): Grant {
  const { kind, what = '' } = need;
  const refused = (problem: string): Grant => ({ need, adds: [], problem });
  if (task.source.hasVariables) return refused('its spec has variables there: add the path yourself');
  switch (kind) {
    case 'task':
      return refused('correct the other task in its spec, or name it in `depends_on`');
    case 'contradiction':
      return refused('decide it in the spec');
    case 'dependency': {
      if (!project.listing.get(MANIFEST)) return refused(`there is no ${MANIFEST}`);
      const paths = [MANIFEST, ...LOCKS.filter((path) => project.listing.get(path))];
      const problem = paths.map((path) => pathProblem(project, task, path)).find((one) => one !== undefined);
      if (problem !== undefined) return refused(problem);
      return { need, adds: paths.flatMap((path) => writeOf(project, task, path)) };
    }
    case 'write': {
      const problem = pathProblem(project, task, what);
      return problem === undefined ? { need, adds: writeOf(project, task, what) } : refused(problem);
    }
    case 'read': {
      const problem = pathProblem(project, task, what);
      if (problem !== undefined) return refused(problem);
      if (task.inputs === undefined) return refused('the task declares no inputs: it sees all files already');
      const isThere = project.listing.get(what) !== undefined || ownerOf(project, what) !== undefined;
      if (!isThere) return refused('there is no such file');
      return { need, adds: patternSet(task.inputs).matches(what) ? [] : [{ key: 'inputs', path: what }] };
    }
  }
}

/** A file that exists, or that another task writes, is changed; a new one is an output. */
function writeOf(project: Project, task: Task, path: string): Grant['adds'] {
  if (task.edits.includes(path) || patternSet(task.outputs).matches(path)) return [];
  const isThere = project.listing.get(path) !== undefined || ownerOf(project, path) !== undefined;
  return [{ key: isThere ? 'edits' : 'outputs', path }];
}

/** What an agent may never be given: specs, settings, and what is not one plain path of the project. */
function pathProblem(project: Project, task: Task, path: string): string | undefined {
  const problem = patternProblem(path);
  if (problem !== undefined) return `the path ${problem}`;
  if (parsePattern(path).isGlob || path.endsWith('/') || path.startsWith('!')) return 'it is not one path';
  if (path.startsWith(`${project.config.specs}/`)) return 'it is a spec';
  if (path.startsWith(`${CONDUCTOR_FOLDER}/`) || /^conductor\.config\.\w+$/.test(path))
    return "it belongs to conductor's own settings";
  const owner = ownerOf(project, path);
  if (
    owner !== undefined &&
    owner !== task.label &&
    !project.graph.transitiveDependencies(task.label).has(owner)
  )
    return `${owner} writes it: name that task in \`depends_on\` first`;
  return undefined;
}

function ownerOf(project: Project, path: string): Label | undefined {
  return [...project.graph.tasks.values()].find(({ outputs }) => patternSet(outputs).matches(path))?.label;
}

function isLock(path: string): boolean {
  return LOCKS.includes(path);
}

function usage(message: string, hint: string): Result<never, Failure> {
  return err({ kind: 'usage', message, hint });
}
