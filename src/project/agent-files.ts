/** Prompts and agent definitions of a build: the shipped ones, and the project's own, which win. */

import type { Agent } from '../agent/agent.js';
import { AGENT_FOLDER, type AgentDefinition, loadDefinitions } from '../agent/prompts/definitions.js';
import { suggestions } from '../base/nearest.js';
import { err, ok, type Result } from '../base/result.js';
import type { Failure } from '../model/failure.js';
import type { ObjectId } from '../model/tree.js';
import { placeProblems, type SpecProblem } from '../specs/problem.js';
import type { Host } from './host.js';
import { type Project, textIn } from './project.js';

export const PROMPTS = 'prompts/';

/** Prompt templates by name; none when no task of the project is an agent's. */
export async function gatherPrompts(host: Host, project: Project): Promise<ReadonlyMap<string, string>> {
  return hasAgents(project) ? readPrompts(host, project) : new Map();
}

/** Prompt templates by name. */
export async function readPrompts(host: Host, project: Project): Promise<ReadonlyMap<string, string>> {
  return new Map([...(await host.shippedPrompts()), ...(await ownFiles(project, PROMPTS))]);
}

/** Those of the prompt templates that are the project's own: name and id. */
export function ownPrompts({ listing }: Project): (readonly [name: string, id: ObjectId])[] {
  return listing
    .under(PROMPTS)
    .filter((path) => path.endsWith('.md'))
    .map((path) => [path.slice(PROMPTS.length), listing.get(path)?.id as ObjectId] as const);
}

/** All agent definitions by name. Fails with `invalid-config`. */
export async function readDefinitions(
  host: Host,
  project: Project,
): Promise<Result<ReadonlyMap<string, AgentDefinition>, Failure>> {
  const shipped = (await host.shippedAgents?.()) ?? new Map();
  return loadDefinitions(shipped, await ownFiles(project, AGENT_FOLDER));
}

/** The same, handed to an agent that is asked beside all tasks; undefined when it works without them. */
export async function givenDefinitions(
  host: Host,
  project: Project,
  agent: Agent,
): Promise<Result<ReadonlyMap<string, AgentDefinition> | undefined, Failure>> {
  if (!agent.useDefinitions) return ok(undefined);
  const loaded = await readDefinitions(host, project);
  if (loaded.ok) agent.useDefinitions(loaded.value);
  return loaded;
}

/**
 * Agent definitions by name, handed to the agent; undefined when it works without them. Fails with `invalid-config` (a
 * definition is wrong) or `invalid-specs` (a task names one that does not exist).
 */
export async function gatherDefinitions(
  host: Host,
  project: Project,
  agent: Agent | undefined,
): Promise<Result<ReadonlyMap<string, AgentDefinition> | undefined, Failure>> {
  const tasks = agentTasks(project);
  if (!agent?.useDefinitions || !hasAgents(project)) return ok(undefined);
  const loaded = await readDefinitions(host, project);
  if (!loaded.ok) return loaded;
  const names = [...loaded.value.keys()];
  const problems = tasks.flatMap((task): SpecProblem[] => {
    const name = task.agent;
    // Without a definition for its type a task gets the driver's own default.
    if (name === undefined || loaded.value.has(name) || agent.definitionsAreText) return [];
    const near = suggestions(name, names);
    return [
      {
        file: task.source.file,
        path: [...task.source.path, 'agent'],
        message: `there is no agent definition \`${name}\``,
        hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `write ${AGENT_FOLDER}${name}.md`,
      },
    ];
  });
  if (problems.length > 0) {
    const read = (file: string) => textIn(project, file);
    return err({ kind: 'invalid-specs', diagnostics: await placeProblems(problems, read) });
  }
  agent.useDefinitions(loaded.value);
  return loaded;
}

/** Whether a task of the project is an agent's, also one of a feature that was not read: prompts and definitions count for all. */
function hasAgents(project: Project): boolean {
  return project.rest?.hasAgents ?? agentTasks(project).length > 0;
}

function agentTasks(project: Project) {
  return [...project.graph.tasks.values()].filter((task) => task.recipe.kind === 'agent');
}

/** Markdown files of the snapshot below a folder, by their name in it. */
async function ownFiles(project: Project, folder: string): Promise<Map<string, string>> {
  const own = project.listing.under(folder).filter((path) => path.endsWith('.md'));
  const texts = await project.objects.readMany(own.map((path) => project.listing.get(path)?.id as string));
  const files = new Map<string, string>();
  for (const path of own) {
    const text = texts.get(project.listing.get(path)?.id as string);
    if (text) files.set(path.slice(folder.length), text.toString('utf8'));
  }
  return files;
}
