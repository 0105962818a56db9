/** The way of a parcel to a worker and of its answer back: what one task and many that travel together have in common. */

import { err, ok, type Result } from '../../base/result.js';
import { withinAfter } from '../../base/within.js';
import { AWAY_MS } from '../../io/queue/connection.js';
import type { BuildEventBody } from '../../model/event.js';
import type { Failure } from '../../model/failure.js';
import { JOB_PROTOCOL, type Job } from '../../model/fleet/job.js';
import type { Label } from '../../model/task.js';
import type { ObjectId } from '../../model/tree.js';
import { failureReason } from '../../report/failures/failure.js';
import { type ParcelFault, type Parcels, worthAgain } from '../../store/parcels/parcels.js';
import { SEND_TRIES, tryAgain } from './tries.js';

interface SendParts {
  readonly parcels: Parcels;
  /** The commit with what all jobs share; it is on the other side when this resolves. */
  base(signal: AbortSignal): Promise<Result<ObjectId, Failure>>;
}

export interface SentParcel {
  readonly base: ObjectId;
  readonly parcel: ObjectId;
}

/** Sends the parcel that `make` makes. `ofAll`: stops the base, which is that of all tasks. `late`: it was stopped. */
export async function sendParcel(
  parts: SendParts,
  make: (base: ObjectId) => Promise<ObjectId>,
  { signal, ofAll = signal }: { readonly signal: AbortSignal; readonly ofAll?: AbortSignal },
): Promise<Result<SentParcel, Pick<ParcelFault, 'failure' | 'refused'>> | 'late'> {
  const base = await withinAfter(parts.base(ofAll), AWAY_MS, signal);
  if (base === 'late') return base;
  if (!base.ok) return err({ failure: base.error });
  const parcel = await make(base.value);
  const sending = tryAgain(() => parts.parcels.send(parcel), {
    ...{ signal, most: SEND_TRIES, isWorth: worthAgain() },
  });
  const sent = await withinAfter(sending, AWAY_MS, signal);
  if (sent === 'late' || !sent.ok) return sent;
  return ok({ base: base.value, parcel });
}

interface JobParts {
  readonly version: string;
  /** The build that hands it in. */
  readonly build: string;
  traceparent(label: Label): string | undefined;
}

/** `traced`: the task of whose span the spans of the job are children. */
export function jobOf(
  { version, build, traceparent }: JobParts,
  of: {
    readonly work: Pick<Job, 'label' | 'key' | 'tasks'>;
    readonly sent: SentParcel;
    readonly traced: Label;
  },
): Job {
  const parent = traceparent(of.traced);
  return {
    ...{ protocol: JOB_PROTOCOL, version, build, ...of.work, ...of.sent },
    ...(parent === undefined ? {} : { traceparent: parent }),
  };
}

export interface AwaitedAnswer {
  readonly answer: ObjectId;
  /** To which it is the answer. */
  readonly parcel: ObjectId;
  readonly task: Label;
  /** As a message calls what is fetched. */
  readonly name: string;
  emit(event: BuildEventBody): void;
}

/** Fetches what is paid for, as long as its place is away and the build is not stopped. */
export function fetchAnswer(
  parcels: Parcels,
  { answer, parcel, task, name, emit }: AwaitedAnswer,
  signal: AbortSignal,
): Promise<Result<void, ParcelFault> | 'late'> {
  const fetching = tryAgain(() => parcels.fetch(answer, [parcel]), {
    ...{ signal, isWorth: worthAgain() },
    onAgain: ({ failure }) => {
      const why = failureReason(failure, task);
      const message = `the result of ${name} cannot be fetched, and is asked for again: ${why}`;
      emit({ type: 'warning', task, message });
    },
  });
  return withinAfter(fetching, AWAY_MS, signal);
}
