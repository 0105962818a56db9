/**
 * What a worker checks before it runs a job: that the key which it computes is the job's. The parts of the key that a
 * machine decides (variables, tools, packages, the agent) are its own; the parts that the run shows are read from the
 * run. Runs nothing.
 */

import type { Agent } from '../../agent/agent.js';
import { type AgentDefinition, agentIdentity } from '../../agent/prompts/definitions.js';
import type { CommandSettings } from '../../analysis/command-settings.js';
import type { GitObjects } from '../../io/git/objects.js';
import { listTree } from '../../io/git/walk.js';
import {
  compareManifests,
  KEY_VERSION,
  keyBehind,
  type Manifest,
  type ManifestItem,
} from '../../model/action.js';
import { canonicalJson } from '../../model/digest.js';
import type { TaskRun } from '../../model/task-run.js';
import { encodeEntry } from '../../model/tree.js';
import type { BuildBase } from './parcel.js';

export interface OwnSide {
  readonly agent: Agent | undefined;
  readonly definitions: ReadonlyMap<string, AgentDefinition>;
  readonly settings: readonly ManifestItem[];
  readonly objects: GitObjects;
}

/** All that the settings of a machine put into keys, in one list. */
export function settingItems({ items, packages }: CommandSettings): ManifestItem[] {
  return [...items, ...packages.map(([, item]) => item)];
}

/** Why this machine cannot do the run rightly; undefined when the key is its own too. */
export async function keyProblem(run: TaskRun, base: BuildBase, own: OwnSide): Promise<string | undefined> {
  const [setting] = compareManifests(base.settings, own.settings);
  if (setting)
    return `${setting.name} is ${shown(setting.after)} here, and ${shown(setting.before)} in the build`;
  const mine = await ownManifest(run, own);
  if (typeof mine === 'string') return mine;
  const [change] = compareManifests(run.manifest, mine);
  if (change) return `${change.name} is another one here (keys of version ${KEY_VERSION})`;
  // A key further down the chain of alternative keys stands for the same manifest.
  return keyBehind(mine, run.via ?? []) === run.key ? undefined : 'its key is not that of what it asks for';
}

/** The manifest with everything that this machine knows better, or why the run is not the one of its manifest. */
async function ownManifest(run: TaskRun, own: OwnSide): Promise<Manifest | string> {
  const { recipe } = run;
  const items: ManifestItem[] = [];
  const isRead = recipe.kind === 'run' && run.manifest.some(({ name }) => name.startsWith('input '));
  const listing = isRead ? await listTree(own.objects, run.inputTree) : undefined;
  const edited = new Set(run.edits);
  for (const item of run.manifest) {
    const { name, value } = item;
    const known = own.settings.find((one) => one.name === name);
    if (known) items.push({ ...item, value: known.value });
    else if (name === 'recipe') items.push({ ...item, value: recipe.kind });
    else if (name === 'outputs') items.push({ ...item, value: run.outputs.join('\n') });
    else if (name === 'edits') items.push({ ...item, value: run.edits.join('\n') });
    else if (name === 'command' && recipe.kind === 'run') {
      const { command } = recipe;
      items.push({ ...item, value: typeof command === 'string' ? command : canonicalJson(command) });
    } else if (name === 'agent' && recipe.kind === 'agent') {
      items.push({ ...item, value: agentIdentity(own.agent, own.definitions.get(recipe.definition)) });
    } else if (name.startsWith('input ') && item.show === 'text' && listing) {
      const lines = value.split('\n').filter((line) => line !== '');
      const other = lines.find((line) => {
        const at = line.lastIndexOf(' ');
        const entry = listing.get(line.slice(0, at));
        return !edited.has(line.slice(0, at)) && (!entry || encodeEntry(entry) !== line.slice(at + 1));
      });
      if (other !== undefined) return `its input tree is not that of its key: ${other.split(' ')[0]}`;
      items.push(item);
    } else items.push(item);
  }
  return items;
}

function shown(value: string | undefined): string {
  return value === undefined ? 'unset' : value.split('\n')[0]?.slice(0, 60) || 'empty';
}
