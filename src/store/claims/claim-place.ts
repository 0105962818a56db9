/**
 * The interface of a place where builds say which results they are making, and the text that they leave there. Trusts
 * no text that it reads.
 */

import type { Result } from '../../base/result.js';
import type { ActionKey } from '../../model/action.js';
import type { RemoteFault } from '../remote-fault.js';

/** What a build says of a result that it makes. */
export interface ClaimText {
  readonly task: string;
  /** For people. */
  readonly who: string;
  /** Distinguishes two builds of one process. */
  readonly build: string;
  /** Where the process number below has a meaning. */
  readonly place: string;
  readonly pid: number;
  /** When the process started, in the system's own words; empty where nothing tells. */
  readonly start: string;
  /** Raised while the build lives. Observers measure time themselves: no clock of another machine is read. */
  readonly beat: number;
}

/** A claim as it is at its place. */
export interface PlacedClaim {
  /** Undefined where the text is no claim, or is given back: its place is free to be taken over. */
  readonly text: ClaimText | undefined;
  /** Another one for each change. */
  readonly revision: string;
}

export interface ClaimChange {
  /** The revision that is replaced; undefined: there must be none. */
  readonly from: string | undefined;
  /** Undefined: it is removed. */
  readonly to: ClaimText | undefined;
}

/** `moved`: the place has another revision than the change was made for. */
export type ChangeOutcome = { readonly revision: string | undefined } | 'moved';

/** `unsupported`: the place cannot hold two builds apart. */
export type ClaimFault = RemoteFault | { readonly kind: 'unsupported'; readonly detail: string };

export type ReadClaims = Result<ReadonlyMap<ActionKey, PlacedClaim>, ClaimFault>;
export type ChangedClaims = Result<ReadonlyMap<ActionKey, ChangeOutcome>, ClaimFault>;

export interface ClaimPlace {
  /** For people. */
  readonly name: string;
  /** Milliseconds in which requests are gathered; absent: as many as suit a place that is asked over a network. */
  readonly gatherMs?: number;
  /** Claims by key; keys without one are left out. */
  read(keys: readonly ActionKey[], signal: AbortSignal): Promise<ReadClaims>;
  /** Each change is made or not made by itself, and never over what another build wrote meanwhile. */
  change(changes: ReadonlyMap<ActionKey, ClaimChange>, signal: AbortSignal): Promise<ChangedClaims>;
}

/** Characters of a name that is shown. */
const SHOWN = 80;
const FREE = 'free';

/** One line of JSON. A claim that is given back where nothing can be removed is the text of none. */
export function formatClaim(claim: ClaimText | undefined): string {
  return `${JSON.stringify(claim ? { schema: 1, ...claim } : { schema: 1, state: FREE })}\n`;
}

/** Undefined when it is no claim. */
export function parseClaim(text: string): ClaimText | undefined {
  let value: Partial<Record<keyof ClaimText, unknown>> | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    return undefined;
  }
  const { task, who, build, place, pid, start, beat } = value ?? {};
  const texts = [task, who, build, place, start];
  if (!texts.every((one): one is string => typeof one === 'string')) return undefined;
  if (!Number.isSafeInteger(pid) || !Number.isSafeInteger(beat)) return undefined;
  const [named, by, of, at, from] = texts as [string, string, string, string, string];
  const shown = { task: named.slice(0, SHOWN), who: by.slice(0, SHOWN) };
  return { ...shown, build: of, place: at, pid: pid as number, start: from, beat: beat as number };
}
