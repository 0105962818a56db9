/**
 * What travels between a build and the workers of a queue: names, keys and ids of git objects. Content and secrets
 * travel as git objects or not at all.
 */

import type { ActionKey } from '../action.js';
import { digestFields, isDigest } from '../digest.js';
import type { BuildEventBody } from '../event.js';
import type { Label } from '../task.js';
import { isObjectId, type ObjectId } from '../tree.js';

/** Why a job failed that nobody waited for any more. */
export const CANCELLED = 'cancelled';

/** Raised when builds and workers of two versions of conductor could misunderstand each other. */
export const JOB_PROTOCOL = 2;

/** `execution` as a config has it. */
export interface ExecutionConfig {
  /** Address of the Redis server: `redis://…` or `rediss://…`. */
  readonly queue?: string;
  /** The environment variable that holds the address; where it is not set, this machine runs everything itself. */
  readonly queueEnv?: string;
  /** Where input trees and results travel: `git:<remote or URL>`, or `http://…` of a `conductor worker --store`. */
  readonly remote?: string;
  /** The environment variable with the token of such a store. */
  readonly tokenEnv?: string;
  /** The same name in all clones of a project. Default: the path of the git repository behind `remote`, or behind `origin` where `remote` is a store. */
  readonly name?: string;
  /** Labels that this machine has when it works for others, and that `runs_on` of a task asks for. */
  readonly labels?: readonly string[];
  /** Seconds without a renewed lock after which another worker takes a job. Default 30. */
  readonly lockSeconds?: number;
  /** How often a job may be lost by its worker before it has failed. Default 2. */
  readonly losses?: number;
}

/** What a machine must have to take the jobs of a queue. */
export interface QueueNeeds {
  /** `agent`: an agent; `command`: the platform and the labels. */
  readonly kind: 'agent' | 'command';
  readonly protocol: number;
  /** Of conductor. */
  readonly version: string;
  /** `linux-x64`; for `command` only. */
  readonly platform?: string;
  readonly labels: readonly string[];
  /** The provider, or provider and model, whose limits the queue keeps. */
  readonly model?: string;
}

/** The limits of one queue over all workers. */
export interface QueueLimits {
  readonly atOnce?: number;
  readonly perMinute?: number;
}

/** One task of a job of many. */
export interface JobTask {
  readonly label: Label;
  readonly key: ActionKey;
}

/** A task to be run, or many that travel together. Its id in the queue is its key. */
export interface Job {
  readonly protocol: number;
  /** Of conductor. */
  readonly version: string;
  readonly label: Label;
  /** With `tasks`: the digest of their keys. */
  readonly key: ActionKey;
  /** All of them, in the order of the parcel's runs. Absent: it is one task. */
  readonly tasks?: readonly JobTask[];
  /** The commit with the files and the run. */
  readonly parcel: ObjectId;
  /** The commit with what all jobs of a build share; the parcel is made on it. */
  readonly base: ObjectId;
  /** Names the build that asked first. */
  readonly build: string;
  /** Of the task in that build, in the form of W3C's trace context. Absent: that build sends no spans. */
  readonly traceparent?: string;
}

/** Data from the queue is a job only in this form: anybody with access to the server could have put it there. */
export function isJob(data: unknown): data is Job {
  const { protocol, version, label, key, tasks, parcel, base, build, traceparent } = {
    ...(data as Partial<Job> | null),
  };
  return (
    (tasks === undefined || (Array.isArray(tasks) && tasks.every(isJobTask))) &&
    typeof protocol === 'number' &&
    [version, label, build, traceparent ?? ''].every((word) => typeof word === 'string') &&
    isDigest(key) &&
    isObjectId(parcel) &&
    isObjectId(base)
  );
}

function isJobTask(data: unknown): data is JobTask {
  const { label, key } = { ...(data as Partial<JobTask> | null) };
  return typeof label === 'string' && isDigest(key);
}

/** The id of a job of many: two builds that need the same ones together share it. */
export function batchKey(tasks: readonly Pick<JobTask, 'key'>[]): ActionKey {
  return digestFields(
    'conductor.jobs.1',
    tasks.map(({ key }) => key),
  );
}

/** How many tasks a job is. */
export function jobSize({ tasks }: Pick<Job, 'tasks'>): number {
  return tasks?.length ?? 1;
}

/** What a worker answers: the commit with outcome and result, and whether there is a result. */
export interface JobAnswer {
  readonly parcel: ObjectId;
  /** Another name of it, for a worker that gets the same job again. */
  readonly name: string;
  readonly worker: string;
  readonly ok: boolean;
}

/** As `isJob`. */
export function isJobAnswer(data: unknown): data is JobAnswer {
  const { parcel, name, worker, ok } = { ...(data as Partial<JobAnswer> | null) };
  return (
    isObjectId(parcel) && typeof name === 'string' && typeof worker === 'string' && typeof ok === 'boolean'
  );
}

/** Events of one run of a job, numbered from 1; `run` tells runs of the same job apart. */
export interface JobNews {
  readonly job: string;
  readonly run: string;
  readonly seq: number;
  readonly worker: string;
  readonly events: readonly BuildEventBody[];
}

/** What a worker says of itself while it lives. */
export interface WorkerInfo {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly protocol: number;
  readonly platform: string;
  readonly labels: readonly string[];
  readonly hasAgent: boolean;
  /** Jobs that it runs at the same time. */
  readonly concurrency: number;
  readonly running: readonly Label[];
  readonly done: number;
  /** Milliseconds since 1970, UTC. */
  readonly since: number;
  /** Mean of the last minute, as the system has it, per processor. */
  readonly load: number;
  readonly isDraining: boolean;
}

/** The name of the queue that keeps these jobs; equal needs give equal names on every machine. */
export function queueName({ kind, protocol, version, platform, labels, model }: QueueNeeds): string {
  const what = kind === 'agent' ? (model ?? 'default') : (platform ?? 'any');
  return [`${protocol}-${version}`, kind, what, ...[...labels].sort()].join(' ').replaceAll(':', '-');
}

/** Why a machine cannot take the jobs of a queue; undefined when it can. */
export function needsProblem(
  needs: QueueNeeds,
  worker: Omit<WorkerInfo, 'running' | 'done'>,
): string | undefined {
  if (needs.protocol !== worker.protocol || needs.version !== worker.version)
    return `it needs conductor ${needs.version}`;
  if (needs.kind === 'agent' && !worker.hasAgent) return 'it needs an agent';
  if (needs.platform !== undefined && needs.platform !== worker.platform) return `it needs ${needs.platform}`;
  const own = [...worker.labels, worker.platform, worker.platform.split('-')[0]];
  const missing = needs.labels.filter((label) => !own.includes(label));
  return missing.length > 0 ? `it needs ${missing.join(', ')}` : undefined;
}

/** A queue, as `conductor workers` shows it. */
export interface QueueState {
  readonly name: string;
  readonly needs: QueueNeeds;
  readonly waiting: number;
  readonly running: number;
  /** Milliseconds since the first of those that wait was handed in. */
  readonly waitsMs?: number;
  readonly limits: QueueLimits;
}

export interface FleetState {
  readonly workers: readonly WorkerInfo[];
  readonly queues: readonly QueueState[];
}
