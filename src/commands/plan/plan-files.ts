/** The files of a plan: their names and texts, the backlog, and the lock that says what they came from. Knows no planner. */

import { parseYaml } from '../../io/document/document.js';
import type { Digest } from '../../model/digest.js';
import type { ObjectId } from '../../model/tree.js';
import type { PlannedBacklog } from '../../plan/merged-backlog.js';
import { PLANNERS, type Planner } from '../../plan/merged-plan.js';
import { CONDUCTOR_FOLDER } from '../../project/log-files.js';
import { type Project, textIn } from '../../project/project.js';
import { type PlannedFeature, REQUEST } from './planned-feature.js';

export const BACKLOG = 'BACKLOG.yaml';
export const PLAN = 'PLAN.md';

export interface WrittenPlan {
  /** Texts by name (`PLAN.md`). */
  readonly files: ReadonlyMap<string, string>;
  /** Keys under which the store has its documents. */
  readonly documents: Readonly<Record<DocumentName, Digest>>;
  readonly drafts: Readonly<Record<Planner, ObjectId>>;
}

/** A request from elsewhere is one of them. */
export function planFiles(
  { request, isForeign }: PlannedFeature,
  plan: string,
  backlog?: string,
): ReadonlyMap<string, string> {
  return new Map([
    ...(isForeign ? [[REQUEST, request] as const] : []),
    [PLAN, plan] as const,
    ...(backlog === undefined ? [] : [[BACKLOG, backlog] as const]),
  ]);
}

/** The same by their paths in the project. */
export function filesInPlace({ folder }: PlannedFeature, files: ReadonlyMap<string, string>) {
  return new Map([...files].map(([name, text]) => [folder + name, text]));
}

/** The feature's present backlog; undefined when there is none. */
export async function backlogIn(project: Project, folder: string) {
  const text = await textIn(project, folder + BACKLOG);
  return text === undefined ? undefined : readBacklog(text, folder + BACKLOG);
}

/** A backlog that was checked, as data; undefined when the text is none. */
export async function readBacklog(text: string, file: string): Promise<PlannedBacklog | undefined> {
  const parsed = await parseYaml(text, file);
  const value = parsed.ok ? (parsed.value as Partial<PlannedBacklog> | null) : null;
  const isBacklog = Array.isArray(value?.tasks) && value.tasks.every((task) => typeof task?.id === 'string');
  return isBacklog ? (value as PlannedBacklog) : undefined;
}

/** The folder of texts that a person may read and copy; relative to the project. */
export function proposals(feature: string): string {
  return `${CONDUCTOR_FOLDER}/plans/${feature}`;
}

/** Committed beside the files of a planned feature: which documents they came from. It decides nothing. */
export const PLAN_LOCK = '.plan.json';
const SCHEMA = 2;
/** Without a reconciled plan and without drafts: what it says of files still holds. */
const FORMER_SCHEMA = 1;

/** `plan` is made of the planners' drafts, and the backlog of the plan. */
export type DocumentName = Planner | 'plan' | 'backlog';
export const DOCUMENTS: readonly DocumentName[] = [...PLANNERS, 'plan', 'backlog'];

export interface PlanLock {
  readonly schema: typeof SCHEMA | typeof FORMER_SCHEMA;
  /** Keys under which the store holds the documents. */
  readonly documents: Readonly<Partial<Record<DocumentName, Digest>>>;
  /** Blob ids of the planners' drafts, which the plan's own key holds. */
  readonly drafts?: Readonly<Record<Planner, ObjectId>>;
  /** Blob ids of the files as the plan has them, by name (`PLAN.md`); a person may have changed them since. */
  readonly files: Readonly<Record<string, ObjectId>>;
}

export function planLockText(lock: Omit<PlanLock, 'schema'>): string {
  return `${JSON.stringify({ schema: SCHEMA, ...lock }, null, 2)}\n`;
}

function isComplete({ documents, drafts }: Partial<PlanLock>, holdsDigests: (map: unknown) => boolean) {
  return (
    holdsDigests(drafts) &&
    PLANNERS.every((name) => drafts?.[name] !== undefined) &&
    DOCUMENTS.every((name) => documents?.[name] !== undefined)
  );
}

/** One that cannot be read is as good as none: what it tells is then not known. */
export function parsePlanLock(text: string | undefined): PlanLock | undefined {
  try {
    const value = JSON.parse(text ?? '') as Partial<PlanLock>;
    // They are asked for as objects and keys: nothing but those may stand here.
    const isDigest = (one: unknown) => typeof one === 'string' && /^[0-9a-f]{40,64}$/.test(one);
    const holdsDigests = (map: unknown) =>
      map !== null && typeof map === 'object' && Object.values(map).every(isDigest);
    const sound =
      (value.schema === SCHEMA || value.schema === FORMER_SCHEMA) &&
      holdsDigests(value.files) &&
      holdsDigests(value.documents) &&
      (value.schema === FORMER_SCHEMA || isComplete(value, holdsDigests));
    return sound ? (value as PlanLock) : undefined;
  } catch {
    return undefined;
  }
}
