/** What decides a task's content, as data: the manifest, its key, and the result that a key names. No I/O. */

import { type Digest, digestFields } from './digest.js';
import type { Label, ResultRecipe } from './task.js';
import type { Entry, Files, ObjectId } from './tree.js';

/** Part of every key: raised when the meaning of the manifest changes, so that old results are not mistaken. */
export const KEY_VERSION = '2';

/** One labelled thing that decides content. `text` keeps what a person compares (a prompt, a command). */
export interface ManifestItem {
  readonly name: string;
  readonly value: string;
  /** `text`: shown as a diff; `id`: shown shortened; `word`: shown as it is. */
  readonly show: 'text' | 'id' | 'word';
}

/** Every labelled thing that decides a task's content, in a fixed order. Hashed: the key. Compared: the explanation. */
export type Manifest = readonly ManifestItem[];

export type ActionKey = Digest;

export function manifestKey(manifest: Manifest): ActionKey {
  return digestFields(
    `conductor.action.${KEY_VERSION}`,
    manifest.flatMap((item) => [item.name, item.value]),
  );
}

/** Items of a manifest that say who builds a task. */
const BUILDERS: readonly string[] = ['agent', 'model', 'variant'];

export function isBuilderItem(name: string): boolean {
  return BUILDERS.includes(name);
}

/** Whether an item of a manifest tells how files are formatted: its commands, or a file with their settings. */
export function isFormatItem(name: string): boolean {
  return name === FORMAT || name.startsWith(FORMAT_INPUT);
}

/** The names of these items. */
export const FORMAT = 'format';
export const FORMAT_INPUT = 'format input ';

/** What of a manifest matters for code that people wrote: another agent or model would not have made it otherwise. */
export function handWork(manifest: Manifest): Digest {
  const items = manifest.filter(({ name }) => !isBuilderItem(name));
  return digestFields(
    'conductor.hand-work.1',
    items.flatMap(({ name, value }) => [name, value]),
  );
}

/** What of a manifest matters apart from formatters: where only they changed, the files are formatted again. */
export function unformatted(manifest: Manifest, isHandWork: boolean): Digest {
  const items = manifest.filter(({ name }) => !isFormatItem(name));
  return isHandWork ? handWork(items) : manifestKey(items);
}

/**
 * The key to use when the result that `key` names cannot serve here: its patch conflicts with the file as it is
 * now, its gates fail, a file that its agent looked at has changed, or a person asked for another; or the key of what stands
 * below an accepted edit, `formatted` like the edit. Results are created once and never replaced, so the next one
 * gets a key of its own; every machine with the same conflict computes the same one.
 */
export function nextKey(
  key: ActionKey,
  conflict: 'conflict' | 'rejected' | 'observed' | 'accepted' | 'formatted',
  detail: string,
): ActionKey {
  return digestFields(`conductor.next.${KEY_VERSION}`, [key, conflict, detail]);
}

/** Why a key is not that of its manifest: one use of `nextKey`. */
export type KeyStep = readonly [conflict: Parameters<typeof nextKey>[1], detail: string];

/** The key at the end of such steps. */
export function keyBehind(manifest: Manifest, via: readonly KeyStep[]): ActionKey {
  return via.reduce((key, [conflict, detail]) => nextKey(key, conflict, detail), manifestKey(manifest));
}

export interface ManifestChange {
  readonly name: string;
  readonly show: ManifestItem['show'];
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Of the interface of a dependency: what of it changed, where that is known. */
  readonly declarations?: readonly DeclarationChange[];
}

/** A declaration of an interface, before and now; both alike: what its type is inferred from has changed. */
export interface DeclarationChange {
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
}

/** A declaration that an agent's task was built on, and a digest of what its inferred types depend on. */
export type SeenDeclaration = readonly [path: string, name: string, shown: string, deciding: string];

/** The interface of a dependency, which counted by signature, when a result was made. */
export interface SeenInterface {
  /** The digest of its bytes. */
  readonly bytes: Digest;
  readonly declares: readonly SeenDeclaration[];
}

/** Item by item what differs between two manifests, in the order of the newer one, removed items last. */
export function compareManifests(before: Manifest, after: Manifest): ManifestChange[] {
  const old = new Map(before.map((item) => [item.name, item]));
  const changes: ManifestChange[] = [];
  for (const item of after) {
    const was = old.get(item.name);
    old.delete(item.name);
    if (was?.value !== item.value) {
      changes.push({ name: item.name, show: item.show, before: was?.value, after: item.value });
    }
  }
  for (const item of old.values()) {
    changes.push({ name: item.name, show: item.show, before: item.value, after: undefined });
  }
  return changes;
}

/** A file as a task found it and as it left it; undefined: there is none. */
export interface FileChange {
  readonly path: string;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** A patch of a file that the task does not own. */
export interface EditPatch extends FileChange {
  /** The file as people wrote it, without any patch. */
  readonly base: Entry | undefined;
}

export interface Usage {
  readonly costUsd?: number;
  readonly tokensIn?: number;
  readonly tokensOut?: number;
  readonly tokensCached?: number;
}

/** Files that an agent read without declaring them, as they were then: path to entry word. */
export type ObservedInputs = Readonly<Record<string, string>>;

export interface GateRun {
  readonly name: string;
  readonly exitCode: number;
  readonly ms: number;
}

/** Who made something: a person at their machine, or a run of continuous integration. Said by its maker. */
export interface Origin {
  readonly by: 'person' | 'ci';
  /** The work is not merged yet: the author of the pull request decided what ran. */
  readonly pullRequest: boolean;
  /** The person, the account or the run, as far as it is known. */
  readonly name?: string;
}

/** What a task said when its result was made, as digests without conductor's wording, white space and the order of lists. */
export interface TaskWords {
  /** The task's own words, with what of its prompt is the project's own text. */
  readonly task: Digest;
  /** Context and sections of its feature. */
  readonly documents: Digest;
  /** The name of its agent definition, where that was conductor's own text. */
  readonly shippedAgent?: string;
}

/** How a result came to be; stored beside it, part of no key. */
export interface Provenance {
  readonly schema: 1;
  readonly label: Label;
  readonly key: ActionKey;
  readonly manifest: Manifest;
  readonly recipe: ResultRecipe;
  readonly agent?: string;
  /** The one that made it, which a fallback may be. */
  readonly model?: string;
  readonly variant?: string;
  /** Of the experiment that its task takes part in. */
  readonly arm?: string;
  readonly attempts: number;
  readonly usage: Usage;
  readonly gates: readonly GateRun[];
  /** What its agent was seen to read beyond the declared inputs. */
  readonly observed?: ObservedInputs;
  /** The interfaces by signature that it builds on. */
  readonly interfaces?: Readonly<Record<Label, SeenInterface>>;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly ms: number;
  readonly conductor: string;
  /** Of an accepted result: the key of what conductor had built there before the person's edit. Absent: nothing. */
  readonly over?: ActionKey;
  /** What the task said, for later comparisons. Absent for what no agent was asked for, and in older results. */
  readonly words?: TaskWords;
  /** Set if conductor verified a former result instead of rebuilding the task. Absent: the result was built or accepted. */
  readonly verified?: VerifiedFormer;
  /** The task that it was made for, and its key there, where the task was renamed since. */
  readonly moved?: { readonly from: Label; readonly key: ActionKey };
  /** Absent in results of before this was recorded. */
  readonly origin?: Origin;
}

/** A former result stands again because its gates passed after what its task builds on had changed. */
export interface VerifiedFormer {
  readonly former: ActionKey;
  /** What had changed around its task, by the names of manifest items and documents. */
  readonly against: readonly string[];
  /** How the files came to be. In a chain of such results, this stays that of the first one. */
  readonly made: Making & { readonly key: ActionKey };
}

/** What making a result took, and what made it. */
export type Making = Pick<
  Provenance,
  'agent' | 'model' | 'variant' | 'arm' | 'attempts' | 'usage' | 'startedAt' | 'ms'
>;

/** How the files of a result came to be, also of a former one that was verified again. */
export function firstMaking(provenance: Omit<Provenance, 'manifest'>): Making & { readonly key: ActionKey } {
  if (provenance.verified) return provenance.verified.made;
  const { key, agent, attempts, usage, startedAt, ms } = provenance;
  const named = agent === undefined ? {} : { agent };
  return { key, ...named, ...madeBy(provenance), attempts, usage, startedAt, ms };
}

/** What of a model made a result, as far as it is known. */
export type MadeBy = Pick<Provenance, 'model' | 'variant' | 'arm'>;

/** Without the keys that are not there: JSON has no undefined. */
export function madeBy({
  model,
  variant,
  arm,
}: { readonly [K in keyof MadeBy]: MadeBy[K] | undefined }): MadeBy {
  return {
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    ...(arm === undefined ? {} : { arm }),
  };
}

/** What a task produced, as stored. */
export interface StoredResult {
  readonly commit: ObjectId;
  readonly key: ActionKey;
  readonly outputs: Files;
  readonly edits: readonly EditPatch[];
  readonly provenance: Provenance;
}
