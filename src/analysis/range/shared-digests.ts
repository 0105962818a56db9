/** Digests of what is in the keys of many tasks. If one of them changes, the index of the last build is of no use for these. */

import { KEY_VERSION } from '../../model/action.js';
import { canonicalJson, type Digest, digestFields } from '../../model/digest.js';
import type { Project } from '../../project/project.js';
import type { Prepared } from '../prepare.js';
import { baseKeyOf, patchedFiles } from '../visible-files.js';
import type { HandWork, IndexHead } from './index-file.js';

/** What is in the keys of all tasks, or in what is read of them. What only limits a build does not count. */
export function sharedDigest(
  { config, rules }: Project,
  { items, packages }: Prepared['settings'],
  version: string,
): Digest {
  const { budget: _, workers: _w, commands: _c, gateWorkers: _g, ...rest } = config;
  const { text, above } = rules;
  const fields = [rest, items, packages, text, above].map(canonicalJson);
  return digestFields('conductor.shared.1', [version, KEY_VERSION, ...fields]);
}

/** The driver, the prompts and the agent definitions. */
export function agentsDigest({ agent, gatherer }: Pick<Prepared, 'agent' | 'gatherer'>): Digest {
  const prompts = [...gatherer.templates].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
  const definitions = gatherer.allDefinitions.map(({ name, text, isShipped }) => ({ name, text, isShipped }));
  const driver = { identity: agent?.identity, definitionsAreText: agent?.definitionsAreText };
  return digestFields('conductor.agents.1', [canonicalJson(driver), canonicalJson(definitions), ...prompts]);
}

export function handWork(project: Project): HandWork {
  const { handWrittenTree, edited } = project;
  const patched = patchedFiles(project);
  const fields = [...edited.keys()]
    .sort()
    .flatMap((path) => [path, baseKeyOf(project, path), String(patched.has(path))]);
  return { tree: handWrittenTree, edited: digestFields('conductor.edited.1', fields) };
}

/** Whether none of these digests has changed since the index was written, for all tasks of the project. */
export function isSameGround(
  { project, agent, gatherer, settings }: Pick<Prepared, 'project' | 'agent' | 'gatherer' | 'settings'>,
  head: IndexHead,
  version: string,
): boolean {
  if (head.shared !== sharedDigest(project, settings, version)) return false;
  return project.rest?.hasAgents === false || head.agents === agentsDigest({ agent, gatherer });
}
