/**
 * A run and its outcome as commits that other machines can fetch: the plain data as a file, and beside it every tree and
 * file that the data names. Sends nothing.
 */

import { err, ok, type Result } from '../../base/result.js';
import type { GitObjects } from '../../io/git/objects.js';
import { commitTree, parseRawTree, type TreeEntry } from '../../io/git/raw-tree.js';
import { commitBytes, type NewCommit, treeBytes } from '../../io/git/writing/object-bytes.js';
import { ObjectSet } from '../../io/git/writing/object-set.js';
import type { ManifestItem } from '../../model/action.js';
import { canonicalJson } from '../../model/digest.js';
import type { Failure } from '../../model/failure.js';
import type { RulesText } from '../../model/git-rules/git-rules.js';
import type { GateSpec } from '../../model/task.js';
import type { TaskOutcome, TaskRun } from '../../model/task-run.js';
import { decodeEntry, type Entry, isObjectId, type ObjectId } from '../../model/tree.js';

/** What all jobs of a build share. */
export interface BuildBase {
  readonly schema: 1;
  readonly rules: RulesText;
  /** Variables, tools and packages, as the builder has them: a machine with others would check something else. */
  readonly settings: readonly ManifestItem[];
  /** Texts of agent definitions by file name: the shipped ones and the project's own. */
  readonly shippedAgents: Readonly<Record<string, string>>;
  readonly ownAgents: Readonly<Record<string, string>>;
  /** The build takes signed results alone. */
  readonly signed?: true;
}

const BASE_FILE = 'base.json';
const RUN_FILE = 'run.json';
const RUNS_FILE = 'runs.json';
const OUTCOME_FILE = 'outcome.json';
const OUTCOMES_FILE = 'outcomes.json';
const HAND_WRITTEN = 'hand-written';
/** Bases that one after the other stand on each other: a machine that is new fetches all of them. */
const MAX_DEPTH = 50;

/** `former`: an earlier one that the other side has, on which this one is sent as a difference. */
export async function baseCommit(
  objects: GitObjects,
  base: BuildBase,
  handWritten: ObjectId,
  former: ObjectId | undefined,
): Promise<ObjectId> {
  const file = await objects.writeBlob(dataBytes(base));
  const tree = await objects.writeTree([
    [BASE_FILE, { mode: '100644', id: file }],
    [HAND_WRITTEN, { mode: '40000', id: handWritten }],
  ]);
  if (former !== undefined && (await objects.resolve(`${former}^{tree}`)) === tree) return former;
  const text = former === undefined ? undefined : (await objects.read(former))?.toString('utf8');
  const depth = Number(/\((\d+)\)\n$/.exec(text ?? '')?.[1] ?? MAX_DEPTH) + 1;
  const isFirst = former === undefined || depth > MAX_DEPTH;
  const message = `conductor: what the jobs of a build share (${isFirst ? 0 : depth})\n`;
  return objects.writeCommit({ tree, parents: isFirst ? [] : [former], message });
}

export async function readBase(
  objects: GitObjects,
  commit: ObjectId,
): Promise<Result<{ base: BuildBase; handWritten: ObjectId }, Failure>> {
  const base = await readData<BuildBase>(objects, commit, BASE_FILE);
  const handWritten = await objects.resolve(`${commit}:${HAND_WRITTEN}`);
  if (!base || handWritten === undefined) return err(unreadable(commit));
  return ok({ base, handWritten });
}

/** Only this process has it until it is sent: `objects.passing`. */
export async function runCommit(objects: GitObjects, run: TaskRun, base: ObjectId): Promise<ObjectId> {
  const data = { name: RUN_FILE, data: run };
  return runParcel(objects, [run], { base, data, message: `conductor: the run of ${run.label}\n` });
}

/** As `runCommit`, for runs that travel together: what several of them name is in it once. */
export async function runsCommit(
  objects: GitObjects,
  runs: readonly TaskRun[],
  base: ObjectId,
): Promise<ObjectId> {
  const data = { name: RUNS_FILE, data: runs };
  return runParcel(objects, runs, { base, data, message: `conductor: ${runs.length} runs\n` });
}

async function runParcel(
  objects: GitObjects,
  runs: readonly TaskRun[],
  { base, data, message }: { readonly base: ObjectId; readonly data: NamedData; readonly message: string },
): Promise<ObjectId> {
  const trees = new Set<ObjectId>();
  const files = new Map<ObjectId, Entry>();
  for (const run of runs) {
    for (const id of [run.inputTree, run.gateTree, run.left]) if (id !== undefined) trees.add(id);
    const sides = Object.values(run.editSides).flatMap(({ plain, beside, shown }) => [plain, beside, shown]);
    const words = [...Object.values(run.editBases), ...sides, ...Object.values(run.format?.inputs ?? {})];
    for (const entry of words.filter((word) => word !== '').map(decodeEntry)) files.set(entry.id, entry);
    const rendered = run.recipe.kind === 'render' ? run.recipe.files : [];
    for (const { blob } of rendered) if (!files.has(blob)) files.set(blob, { mode: '100644', id: blob });
  }
  await objects.writeHeld(files.keys());
  await objects.unwritten.write(trees);
  const set = new ObjectSet(objects.hash);
  const tree = dataTree(set, data, { trees: [...trees], files: [...files.values()] });
  return passing(objects, set, { tree, parents: [base], message });
}

export async function readRun(objects: GitObjects, commit: ObjectId): Promise<Result<TaskRun, Failure>> {
  const run = await readData<TaskRun>(objects, commit, RUN_FILE);
  return run && isRun(run) ? ok(run) : err(unreadable(commit));
}

export async function readRuns(
  objects: GitObjects,
  commit: ObjectId,
): Promise<Result<readonly TaskRun[], Failure>> {
  const runs = await readData<readonly TaskRun[]>(objects, commit, RUNS_FILE);
  return Array.isArray(runs) && runs.every(isRun) ? ok(runs) : err(unreadable(commit));
}

function isRun(run: TaskRun | null): boolean {
  return isObjectId(run?.inputTree) && areIds([run?.gateTree, run?.left]);
}

/** On the commit of its run, so that what both hold is sent once. */
export async function outcomeCommit(
  objects: GitObjects,
  outcome: TaskOutcome,
  run: ObjectId,
): Promise<ObjectId> {
  const data = { name: OUTCOME_FILE, data: outcome };
  return outcomeParcel(objects, [outcome], { run, data, message: 'conductor: the outcome of a run\n' });
}

/** What became of one of the runs that travelled together; null: nothing, and it is to be handed in alone. */
export type BatchOutcome = TaskOutcome | null;

export async function outcomesCommit(
  objects: GitObjects,
  outcomes: readonly BatchOutcome[],
  run: ObjectId,
): Promise<ObjectId> {
  const known = outcomes.filter((outcome) => outcome !== null);
  const data = { name: OUTCOMES_FILE, data: outcomes };
  const message = `conductor: the outcomes of ${outcomes.length} runs\n`;
  return outcomeParcel(objects, known, { run, data, message });
}

function outcomeParcel(
  objects: GitObjects,
  outcomes: readonly TaskOutcome[],
  { run, data, message }: { readonly run: ObjectId; readonly data: NamedData; readonly message: string },
): ObjectId {
  const left = outcomes.flatMap((outcome) => (outcome.ok ? [] : [outcome.tree, outcome.inputTree]));
  const trees = new Set(left.flatMap((id) => (id === undefined ? [] : [id])));
  const results = new Set(outcomes.flatMap((outcome) => (outcome.ok ? [outcome.result] : [])));
  const set = new ObjectSet(objects.hash);
  const tree = dataTree(set, data, { trees: [...trees], files: [] });
  return passing(objects, set, { tree, parents: [run, ...results], message });
}

export async function readOutcome(
  objects: GitObjects,
  commit: ObjectId,
): Promise<Result<TaskOutcome, Failure>> {
  const outcome = await readData<TaskOutcome>(objects, commit, OUTCOME_FILE);
  return outcome && isOutcome(outcome) ? ok(outcome) : err(unreadable(commit));
}

export async function readOutcomes(
  objects: GitObjects,
  commit: ObjectId,
): Promise<Result<readonly BatchOutcome[], Failure>> {
  const outcomes = await readData<readonly BatchOutcome[]>(objects, commit, OUTCOMES_FILE);
  const isRight = Array.isArray(outcomes) && outcomes.every((one) => one === null || isOutcome(one));
  return isRight ? ok(outcomes) : err(unreadable(commit));
}

function isOutcome(outcome: TaskOutcome): boolean {
  if (typeof outcome !== 'object') return false;
  return outcome.ok ? isObjectId(outcome.result) : areIds([outcome.tree, outcome.inputTree]);
}

/** What a run was judged by beside its key: the same key with other gates is another work. */
export function judgedBy({ key, gates, gateTree, review }: TaskRun): string {
  const by: { gates: readonly GateSpec[]; tree: string; acceptance: readonly string[] } = {
    gates,
    tree: gateTree ?? '',
    acceptance: review?.acceptance ?? [],
  };
  return `${key} ${canonicalJson(by)}`;
}

interface NamedData {
  readonly name: string;
  readonly data: object;
}

function dataTree(
  set: ObjectSet,
  { name, data }: NamedData,
  { trees, files }: { readonly trees: readonly ObjectId[]; readonly files: readonly Entry[] },
): ObjectId {
  const entries: [string, TreeEntry][] = [[name, { mode: '100644', id: set.add('blob', dataBytes(data)) }]];
  const numbered = (folder: string, all: readonly TreeEntry[]) => {
    if (all.length === 0) return;
    const inside = all.map((entry, i) => [String(i), entry] as const);
    entries.push([folder, { mode: '40000', id: set.add('tree', treeBytes(inside)) }]);
  };
  numbered('files', files);
  numbered(
    'trees',
    trees.map((id) => ({ mode: '40000', id })),
  );
  return set.add('tree', treeBytes(entries));
}

function passing(objects: GitObjects, set: ObjectSet, commit: NewCommit): ObjectId {
  const id = set.add('commit', commitBytes(commit));
  objects.passing.add(id, set.objects);
  return id;
}

function dataBytes(data: object): Buffer {
  return Buffer.from(`${JSON.stringify(data)}\n`);
}

/** Undefined also when the file is no data: every program with access to the place of parcels can write it. */
async function readData<T extends object>(
  objects: GitObjects,
  commit: ObjectId,
  file: string,
): Promise<T | undefined> {
  try {
    const text = await fileIn(objects, commit, file);
    const data: unknown = text && JSON.parse(text.toString('utf8'));
    return typeof data === 'object' && data !== null ? (data as T) : undefined;
  } catch {
    return undefined;
  }
}

/** A file at the top of a commit's tree, which git itself may not know. */
async function fileIn(objects: GitObjects, commit: ObjectId, file: string): Promise<Buffer | undefined> {
  const head = await objects.read(commit);
  const tree = head && commitTree(head);
  const raw = tree === undefined ? undefined : await objects.read(tree);
  const entry = raw && tree && parseRawTree(raw, tree.length / 2).get(file);
  return entry ? objects.read(entry.id) : undefined;
}

const areIds = (ids: readonly unknown[]): boolean => ids.every((id) => id === undefined || isObjectId(id));

function unreadable(commit: ObjectId): Failure {
  return { kind: 'store-damaged', detail: `the parcel ${commit} cannot be read` };
}
