/** What changed in the interface of a dependency since a result was made: declaration by declaration. Decides no key. */

import { newRecord, ownValue } from '../../base/records/own-value.js';
import type {
  ActionKey,
  DeclarationChange,
  ManifestChange,
  Provenance,
  SeenDeclaration,
  SeenInterface,
} from '../../model/action.js';
import type { Label, Task } from '../../model/task.js';
import type { Project } from '../../project/project.js';
import type { ManifestFacts } from '../../store/manifest.js';
import type { ResultStore } from '../../store/result-store.js';
import type { DependencyOutputs } from '../dependency-outputs.js';
import { readsSignatures } from './interface-files.js';
import { interfacesOf } from './interfaces.js';

type Outputs = ReadonlyMap<Label, DependencyOutputs>;

const ITEM = 'dependency ';
/** More of them are another interface altogether. */
const MAX_CHANGES = 20;
/** Characters of one interface in the record of each dependent; a larger one is generated, and read by nobody. */
const MAX_RECORDED = 64_000;

/** What the record of a result keeps of the interfaces that count by signature; undefined where there is none. */
export async function seenInterfaces(
  project: Project,
  task: Task,
  dependencyOutputs: Outputs,
): Promise<Readonly<Record<Label, SeenInterface>> | undefined> {
  if (!readsSignatures(task)) return undefined;
  const seen = newRecord<SeenInterface>();
  for (const label of task.dependsOn) {
    const made = dependencyOutputs.get(label);
    const declares = made ? await declarations(project, label, made) : [];
    const size = declares.flat().reduce((sum, text) => sum + text.length, 0);
    if (made && declares.length > 0 && size <= MAX_RECORDED)
      seen[label] = { bytes: made.interface, declares };
  }
  return Object.keys(seen).length === 0 ? undefined : seen;
}

async function declarations(
  project: Project,
  label: Label,
  made: DependencyOutputs,
): Promise<SeenDeclaration[]> {
  const files = await interfacesOf(project).files(project.graph.task(label), made);
  return files.flatMap(({ path, declares = [] }) => declares.map((one): SeenDeclaration => [path, ...one]));
}

/** The changes of a manifest, those of interfaces with their declarations. */
export async function withDeclarations(
  project: Project,
  { interfaces }: Pick<Provenance, 'interfaces'>,
  changes: readonly ManifestChange[],
  today: { readonly dependencies: ManifestFacts['dependencies']; readonly dependencyOutputs: Outputs },
): Promise<ManifestChange[]> {
  const told: ManifestChange[] = [];
  for (const change of changes) {
    const label = change.name.startsWith(ITEM) ? change.name.slice(ITEM.length) : undefined;
    const now = today.dependencies.find((one) => one.label === label);
    // It was keyed on the bytes then, and these are the same.
    if (now?.signature !== undefined && change.before === now.interface) continue;
    const before = ownValue(interfaces, label);
    const made = label === undefined ? undefined : today.dependencyOutputs.get(label);
    if (label === undefined || !before || !made) {
      told.push(change);
      continue;
    }
    const found = compare(before.declares, await declarations(project, label, made));
    told.push(found.length === 0 ? change : { ...change, declarations: found });
  }
  return told.length === 0 ? [...changes] : told;
}

function compare(before: readonly SeenDeclaration[], after: readonly SeenDeclaration[]): DeclarationChange[] {
  const [old, now] = [byName(before), byName(after)];
  const changed: DeclarationChange[] = [];
  for (const [key, { name, shown, all }] of now) {
    const was = old.get(key);
    if (was?.all !== all)
      changed.push({ name, ...(was === undefined ? {} : { before: was.shown }), after: shown });
  }
  for (const [key, { name, shown }] of old) if (!now.has(key)) changed.push({ name, before: shown });
  // What is exported comes first: the rest is only what it depends on.
  const rank = ({ before: was, after: is }: DeclarationChange) => (isExport(is ?? was ?? '') ? 0 : 1);
  return changed.sort((a, b) => rank(a) - rank(b)).slice(0, MAX_CHANGES);
}

interface Named {
  readonly name: string;
  readonly shown: string;
  readonly all: string;
}

/** One name of a file may have several declarations. */
function byName(all: readonly SeenDeclaration[]): Map<string, Named> {
  const found = new Map<string, Named>();
  for (const [path, name, shown, deciding] of all) {
    const key = `${path}\0${name}`;
    const known = found.get(key);
    found.set(key, {
      name,
      shown: known ? `${known.shown}; ${shown}` : shown,
      all: `${known?.all ?? ''}\0${shown}\0${deciding}`,
    });
  }
  return found;
}

function isExport(shown: string): boolean {
  return /^(?:\/\*\*.*?\*\/ )*export\b/.test(shown);
}

interface CheckedTask {
  readonly storeKey: ActionKey;
  readonly facts: { readonly facts: Pick<ManifestFacts, 'dependencies'> };
}

/** Dependencies that changed since the result of a checked task was made, with interfaces that did not. */
export async function stayedSince(store: ResultStore, { storeKey, facts }: CheckedTask): Promise<Label[]> {
  const found = await store.find(storeKey);
  return found.ok && found.value ? stayedInterfaces(found.value.provenance, facts.facts.dependencies) : [];
}

function stayedInterfaces(
  { interfaces = {}, manifest }: Pick<Provenance, 'interfaces' | 'manifest'>,
  dependencies: ManifestFacts['dependencies'],
): Label[] {
  return dependencies.flatMap(({ label, interface: bytes, signature }) => {
    const seen = ownValue(interfaces, label);
    const item = manifest.find(({ name }) => name === ITEM + label);
    return seen && seen.bytes !== bytes && item?.value === signature ? [label] : [];
  });
}
