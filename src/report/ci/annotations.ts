/** What a CI shows beside the lines of a change: failures at the entries of their tasks and where gates point to. */

import type { Failure } from '../../model/failure.js';
import type { KeptOutput } from '../../model/failure-parts.js';
import { asCalled } from '../../model/output/called-as.js';
import { type ProblemPlace, problemPlaces } from '../../model/output/problem-places.js';
import type { Label } from '../../model/task.js';
import { describeFailure } from '../failures/failure.js';
import type { BuildRecord } from './build-record.js';

export interface Annotation {
  readonly level: 'error' | 'warning';
  /** Kind of the failure. */
  readonly kind: string;
  /** Relative to the repository; undefined where it concerns no file. */
  readonly file: string | undefined;
  readonly line: number | undefined;
  readonly column: number | undefined;
  readonly title: string;
  readonly message: string;
}

/** Where tasks and files are in the repository. */
export interface Places {
  /** The entry of a task in its spec; undefined when the spec cannot be read. */
  task(label: Label): { readonly file: string; readonly line: number } | undefined;
  /** A file of the project that a person or a program named; undefined when the project has no such file. */
  file(path: string): string | undefined;
  /** The whole output of a program, where its log can be read. */
  log(output: KeptOutput): string;
}

const MAX_MESSAGE = 2000;
/** Places that are annotated for one failing gate. */
const MAX_PLACES = 20;

/** First what failed, each failure at its task's entry and its first place, then all other places, then warnings. */
export function annotationsOf(
  record: Pick<BuildRecord, 'tasks' | 'failed' | 'failures' | 'calledAs'>,
  places: Places,
): Annotation[] {
  const first: Annotation[] = [];
  const more: Annotation[] = [];
  const add = (failure: Failure, task?: Label) => {
    const [head, place, ...rest] = ofFailure(failure, places, task);
    if (head) first.push(head);
    if (place) first.push(place);
    more.push(...rest);
  };
  const isListed = record.failures.some(({ kind }) => kind === 'not-up-to-date');
  for (const { label, failure } of record.failed) {
    // The failure of the whole build names the same tasks, and how each of them stands.
    if (failure && !(isListed && failure.kind === 'not-up-to-date')) add(failure, label);
  }
  for (const failure of record.failures) add(failure);
  const warnings = record.tasks.flatMap(({ label, warnings }) =>
    warnings.map((message): Annotation => {
      const at = places.task(label);
      return { ...placed(at), level: 'warning', kind: 'warning', title: label, message: bounded(message) };
    }),
  );
  return [...first, ...more, ...warnings].map((one) => ({
    ...one,
    title: asCalled(one.title, record.calledAs),
    message: asCalled(one.message, record.calledAs),
  }));
}

/**
 * An annotation of one of several projects. `isHere`: its files are in the repository of the CI's change; a file of another
 * one would be taken for a file of this one, so it is only named.
 */
export function ofProject(one: Annotation, project: string, isHere: boolean): Annotation {
  const title = `${project}: ${one.title}`;
  const { file, line } = one;
  if (isHere || file === undefined) return { ...one, title };
  const place = line === undefined ? file : `${file}:${line}`;
  const nowhere = { file: undefined, line: undefined, column: undefined };
  return { ...one, ...nowhere, title, message: one.message === '' ? place : `${place}\n${one.message}` };
}

function ofFailure(failure: Failure, places: Places, task?: Label): Annotation[] {
  const inner = causeOf(failure);
  const label = task ?? (failure.kind === 'preflight-failed' ? failure.task : undefined);
  if (inner.kind === 'not-up-to-date') return ofOutdated(inner, places);
  const { headline, facts, hint, diagnostics, block } = describeFailure(failure, task);
  const title = label === undefined ? headline : `${label}: ${headline}`;
  if (diagnostics) {
    return diagnostics.map((one) => ({
      level: 'error',
      kind: failure.kind,
      file: places.file(one.file),
      line: one.line,
      column: one.column,
      title,
      message: bounded(one.hint === undefined ? one.message : `${one.message}\n${one.hint}`),
    }));
  }
  const lines = facts.map(([name, value]) => (name === '' ? value : `${name}: ${value}`));
  const text = [
    ...lines,
    ...(block === undefined ? [] : ['', block]),
    ...(hint === undefined ? [] : ['', hint]),
  ];
  const at = label === undefined ? ownPlace(failure, places) : places.task(label);
  const head: Annotation = {
    ...placed(at),
    level: 'error',
    kind: failure.kind,
    title,
    message: bounded(text.join('\n')),
  };
  return [head, ...ofPlaces(inner, places, label)];
}

/** A failure that is only reported under another name. */
function causeOf(failure: Failure): Failure {
  switch (failure.kind) {
    case 'preflight-failed':
    case 'failed-before':
    case 'review-failed':
      return causeOf(failure.failure);
    default:
      return failure;
  }
}

/** The places that a failing gate names, and those of a reviewer's findings. */
function ofPlaces(failure: Failure, places: Places, label: Label | undefined): Annotation[] {
  const of = label === undefined ? '' : ` of ${label}`;
  if (failure.kind === 'review-rejected') {
    return failure.findings.flatMap(({ file, line, what, severity }) => {
      const found = file === undefined ? undefined : places.file(file);
      if (found === undefined) return [];
      const title = `review${of}: ${severity}`;
      return [{ ...errorAt(found, line, failure.kind), title, message: bounded(what) }];
    });
  }
  if (failure.kind !== 'gate-failed' && failure.kind !== 'gate-timed-out') return [];
  return gatePlaces(failure.output, places).map(({ file, place }) => ({
    ...errorAt(file, place.line, failure.kind),
    column: place.column,
    title: `gate ${failure.gate}${of}`,
    message: bounded(place.message === '' ? 'the gate names this line' : place.message),
  }));
}

function gatePlaces(output: KeptOutput, places: Places): { file: string; place: ProblemPlace }[] {
  const found = problemPlaces(places.log(output)).flatMap((place) => {
    const file = places.file(place.path);
    return file === undefined ? [] : [{ file, place }];
  });
  return found.slice(0, MAX_PLACES);
}

/** What `--frozen` found, each task at its entry, each file at its first line. */
function ofOutdated(failure: Extract<Failure, { kind: 'not-up-to-date' }>, places: Places): Annotation[] {
  const { kind, tasks, files = [], orphans = [] } = failure;
  const one = { level: 'error', kind, column: undefined } as const;
  return [
    ...tasks.map(({ label, verdict }) => ({
      ...one,
      ...placed(places.task(label)),
      title: `${label} is not up to date`,
      message: bounded(verdict),
    })),
    ...[
      ...files.map((path) => [path, 'a build would change this file'] as const),
      ...orphans.map((path) => [path, 'no task owns this file any more'] as const),
    ].map(([path, message]) => ({
      ...one,
      ...firstLine(places.file(path)),
      title: `${path} is not up to date`,
      message,
    })),
  ];
}

function ownPlace(failure: Failure, places: Places): { file: string; line: number } | undefined {
  const path = 'path' in failure ? failure.path : 'paths' in failure ? failure.paths[0] : undefined;
  const file = path === undefined ? undefined : places.file(path);
  return file === undefined ? undefined : { file, line: 1 };
}

/** A file that is not there yet has no line. */
function firstLine(file: string | undefined) {
  return { file, line: file === undefined ? undefined : 1 };
}

function placed(at: { readonly file: string; readonly line: number } | undefined) {
  return { file: at?.file, line: at?.line, column: undefined };
}

function errorAt(file: string, line: number | undefined, kind: string) {
  return { level: 'error', kind, file, line, column: undefined } as const;
}

function bounded(text: string): string {
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}
