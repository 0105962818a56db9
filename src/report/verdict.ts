/** Verdicts in words: one line for a table, and item by item for an explanation. Decides nothing. */

import { unreachable } from '../base/result.js';
import { type DeclarationChange, isFormatItem, type Manifest, type ManifestChange } from '../model/action.js';
import { type Need, needText } from '../model/agents/agent-report.js';
import type { BuildEvent, ResultOutcome, WaitReason } from '../model/event.js';
import type { Failure } from '../model/failure.js';
import { featureOf } from '../model/history.js';
import { asCalled } from '../model/output/called-as.js';
import type { Label } from '../model/task.js';
import type { ObservedChange, Reverification, StaleReason, Verdict } from '../model/verdict.js';
import { changedPatchLines, patchLine, type ShownDifference, statLines, touchedLines } from './difference.js';
import { describeFailure } from './failures/failure.js';
import type { Reporter, Sink } from './live/reporter.js';
import { plural, type Style, visible, visibleBlock } from './style.js';
import { padTo, textWidth } from './width.js';

const MAX_DECLARED = 100;
/** Changed lines of a patch in a table of tasks; an explanation has more. */
const MAX_LINES = 6;

/** One line: the verdict and why. */
export function describeVerdict(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'fresh':
      return `fresh${observedNote(verdict.observed)}`;
    case 'cached':
      return `cached: will be restored${withReasons(verdict.reasons, ', ')}${observedNote(verdict.observed)}`;
    case 'unverified':
      return `unverified: ${plural(verdict.gates.length, 'gate')} to run${joined(verdict.gates, ': ')}`;
    case 'drifted': {
      const stale = verdict.stale === undefined ? '' : `; must be rebuilt${withReasons(verdict.stale, ': ')}`;
      return `drifted: ${editedParts(verdict).join('; ')}${stale}`;
    }
    case 'stale':
      return verdict.reverify
        ? `stale: ${reverified(verdict.reverify)}`
        : `stale${withReasons(verdict.reasons, ': ')}`;
    case 'pending':
      return [
        `pending: waits for ${some(verdict.on)}`,
        ...(verdict.reverify ? [reverified(verdict.reverify)] : (verdict.reasons ?? []).map(describeReason)),
        ...editedParts(verdict),
      ].join('; ');
    default:
      return unreachable(verdict);
  }
}

function reverified({ against, sameTask }: Reverification): string {
  const what = !sameTask
    ? 'gates run first on the former result'
    : against.some(isFormatItem)
      ? 'formatted again, then its gates run; no model is called if they pass'
      : 'its former result stands if its gates pass; no model is called then';
  return `${what} (changed: ${some(against)})`;
}

function refusal(failure: Failure): string {
  const { headline, facts } = describeFailure(failure);
  return [headline, ...facts.map(([name, value]) => `${name} ${value}`.trim())].map(visible).join(', ');
}

/** The files of a person among a task's outputs. */
function editedParts({ paths = [], inTheWay = [] }: EditedFiles): string[] {
  const edited = paths.filter((path) => !inTheWay.includes(path));
  return [
    ...(edited.length > 0 ? [`edited by hand${joined(edited, ': ')}`] : []),
    ...(inTheWay.length > 0 ? [`not written by conductor${joined(inTheWay, ': ')}`] : []),
  ];
}

type EditedFiles = Partial<Pick<Extract<Verdict, { kind: 'drifted' }>, 'paths' | 'inTheWay'>>;

/** The same for one task of a project, whose result may wait: that says more than that it will be restored. */
export function describeTask({ label, verdict, waiting }: DescribedTask): string {
  return waiting
    ? `cached: built, ${waitsFor(label, waiting.because, waiting.on)}`
    : describeVerdict(verdict);
}

export interface DescribedTask {
  readonly label: Label;
  readonly verdict: Verdict;
  /** Why its stored result was not published by the last build. */
  readonly waiting?: { readonly because: WaitReason; readonly on: readonly Label[] } | undefined;
  /** Dependencies that changed since it was built, with interfaces that did not. */
  readonly stayed?: readonly Label[];
}

export function describeReason(reason: StaleReason): string {
  switch (reason.kind) {
    case 'never-built':
      return 'never built';
    case 'manifest-changed':
      // The former result is in no store, or keys were made otherwise then: nothing is left to compare with.
      if (reason.changes.length === 0) return 'changed; the former value is unknown';
      return `changed: ${some(reason.changes.map(changeName))}`;
    case 'outputs-missing':
      return `missing: ${some(reason.paths)}`;
    case 'result-damaged':
      return `the stored result is damaged (${visible(reason.detail)})`;
    case 'result-missing':
      return reason.unreached === undefined
        ? `the recorded result ${visible(reason.key.slice(0, 12))} is in no store`
        : `the recorded result ${visible(reason.key.slice(0, 12))} is not in this store, and ${some(reason.unreached)} could not be reached`;
    case 'patch-conflict':
      return reason.with === undefined
        ? `its patch of ${visible(reason.path)} does not apply any more`
        : `its patch of ${visible(reason.path)} does not fit on that of ${visible(reason.with)}`;
    case 'observed-changed':
      return `observed inputs changed: ${some(reason.paths)}`;
    case 'gates-failed':
      return `gate failed: ${visible(reason.gate)}`;
    case 'refused':
      return refusal(reason.failure);
    case 'forced':
      return 'forced';
    default:
      return unreachable(reason);
  }
}

/** An item of the manifest; of an interface also the declaration that changed. */
function changeName({ name, declarations = [] }: ManifestChange): string {
  const [first] = declarations;
  if (!first) return name;
  const more = declarations.length > 1 ? ` and ${declarations.length - 1} more` : '';
  return `the interface of ${name.replace('dependency ', '')} (${declared(first)}${more})`;
}

/** A declaration as it is spoken of: without its documentation and the words before its name. */
function declared({ name, before, after }: DeclarationChange): string {
  const text = (after ?? before ?? name)
    .replace(/^(?:\/\*\*.*?\*\/ )+/, '')
    .replace(/^export (?:default )?(?:declare )?/, '')
    .replace(/^(?:async )?function\*? /, '');
  const gone = after === undefined ? ', removed' : before === undefined ? ', new' : '';
  return (text.length > MAX_DECLARED ? `${text.slice(0, MAX_DECLARED)}…` : text) + gone;
}

/** Everything about one task's verdict; texts as diffs. With a manifest, also what decides its content. */
export async function explainText(task: DescribedTask, style: Style, manifest?: Manifest): Promise<string> {
  const lines = [`${style('bold', visible(task.label))}: ${describeTask(task)}`];
  for (const label of task.stayed ?? [])
    lines.push(`  the interface of ${visible(label)} is as it was; only its inside has changed since`);
  for (const reason of reasonsOf(task.verdict)) {
    if (reason.kind !== 'manifest-changed') continue;
    for (const change of reason.changes) lines.push('', ...(await changeLines(change, style)));
  }
  if (task.verdict.kind === 'drifted') lines.push(...changedPatchLines(task.verdict, style));
  if (manifest && manifest.length > 0) {
    lines.push('', 'manifest:');
    const width = Math.max(...manifest.map((item) => textWidth(visible(item.name))));
    for (const item of manifest) {
      const value = item.show === 'text' ? `(${plural(item.value.split('\n').length, 'line')})` : short(item);
      lines.push(`  ${padTo(visible(item.name), width)}  ${style('dim', value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const STORED: Readonly<Record<ResultOutcome, string>> = {
  built: 'is built',
  cached: 'is in the store',
  verified: 'is verified',
  accepted: 'is accepted',
};

/** What follows the name of a task whose result is not published: "is built and waits for f/T04 of its feature". */
export function waitingText({ task, outcome, because, on = [] }: Waiting): string {
  return `${STORED[outcome]} and ${waitsFor(task, because, on)}`;
}

type Waiting = Pick<Extract<BuildEvent, { type: 'task.waiting' }>, 'task' | 'outcome' | 'because' | 'on'>;

/** Why a result that is stored is not published: "waits for f/T04 of its feature". */
export function waitsFor(label: Label, because: WaitReason, on: readonly Label[]): string {
  if (because === 'gates') return 'waits until the build gates pass';
  if (on.length === 0) return 'waits for the next build';
  const feature = featureOf(label);
  const own = on.every((one) => featureOf(one) === feature);
  return `waits for ${some(on)}${own ? ' of its feature' : ''}`;
}

/** Nothing to do and nothing to say. */
export function upToDate(verdict: Verdict): boolean {
  return verdict.kind === 'fresh' && verdict.observed === undefined;
}

export interface StatusRow extends DescribedTask {
  /** For a drifted task: what was edited. */
  readonly drift?: readonly ShownDifference[];
  /** What its agent asks for. */
  readonly asks?: readonly Need[];
}

/** One line a task: label and verdict, aligned; below an edited one its files. */
export function statusTable(rows: readonly StatusRow[], style: Style): string {
  const width = Math.max(0, ...rows.map((row) => textWidth(visible(row.label))));
  return rows
    .map(({ label, verdict, drift = [], waiting, asks = [] }) => {
      const colour = upToDate(verdict) ? 'dim' : verdict.kind === 'drifted' ? 'yellow' : 'cyan';
      const line = `${padTo(visible(label), width)}  ${style(colour, describeTask({ label, verdict, waiting }))}`;
      const indent = ' '.repeat(width + 2);
      const asked = asks.map((need) => `${indent}asks ${visible(needText(need))}: ${visible(need.because)}`);
      const hint =
        asks.length === 0
          ? []
          : [`${indent}${asCalled(`allow it: \`conductor approve ${visible(label)}\``, style.calledAs)}`];
      const own = drift.flatMap(({ patches = [] }) => patches.filter(({ tasks }) => tasks.includes(label)));
      const lines = own.flatMap((one) =>
        touchedLines(one, style, MAX_LINES).map((text) => `${indent}${text}`),
      );
      return `${[line, ...statLines(drift, style, indent), ...lines, ...asked, ...hint].join('\n')}\n`;
    })
    .join('');
}

function reasonsOf(verdict: Verdict): readonly StaleReason[] {
  if (verdict.kind === 'stale' || verdict.kind === 'cached') return verdict.reasons;
  if (verdict.kind === 'pending') return verdict.reasons ?? [];
  return verdict.kind === 'drifted' ? (verdict.stale ?? []) : [];
}

async function changeLines(change: ManifestChange, style: Style): Promise<string[]> {
  const name = style('bold', visible(change.name));
  if (change.show === 'text') {
    const { unifiedDiff } = await import('../io/text-diff.js');
    const diff = unifiedDiff(change.before ?? '', change.after ?? '').map(visibleBlock);
    return [`  ${name}`, ...diff.map((line) => `    ${patchLine(line, style)}`)];
  }
  const { before, after, show } = change;
  const lines = [`  ${name}`];
  const { declarations } = change;
  if (declarations) return [...lines, ...declarations.flatMap((one) => declarationLines(one, style))];
  if (before !== undefined) lines.push(`    ${style('red', `- ${short({ value: before, show })}`)}`);
  if (after !== undefined) lines.push(`    ${style('green', `+ ${short({ value: after, show })}`)}`);
  return lines;
}

function declarationLines({ name, before, after }: DeclarationChange, style: Style): string[] {
  if (before === after)
    return [`    ${visible(before ?? name)}`, '      what its type is inferred from has changed'];
  return [
    ...(before === undefined ? [] : [`    ${style('red', `- ${visible(before)}`)}`]),
    ...(after === undefined ? [] : [`    ${style('green', `+ ${visible(after)}`)}`]),
  ];
}

function short(item: { readonly value: string; readonly show: ManifestChange['show'] }): string {
  return visible(
    item.show === 'id' && /^[0-9a-f]{40,}$/.test(item.value) ? item.value.slice(0, 12) : item.value,
  );
}

function observedNote(observed: ObservedChange | undefined): string {
  return observed === undefined ? '' : `; observed inputs changed: ${some(observed)}`;
}

function withReasons(reasons: readonly StaleReason[], lead: string): string {
  return reasons.length === 0 ? '' : lead + reasons.map(describeReason).join('; ');
}

function joined(names: readonly string[], lead: string): string {
  return names.length === 0 ? '' : lead + some(names);
}

/** The first three, and how many more. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(visible).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** Prints each task's verdict as it is found, for a dry run. Those that are up to date are passed over. */
export function verdictReporter(sink: Sink, style: Style): Reporter {
  return {
    on(event) {
      if (event.type !== 'task.checked' || upToDate(event.verdict)) return;
      sink.write(`${style('bold', visible(event.task))}: ${describeVerdict(event.verdict)}\n`);
    },
    close: () => Promise.resolve(),
  };
}

/** Files without an owner, one a line: what the next complete build removes, and what it leaves. */
export function orphansText(
  { removed, kept }: { readonly removed: readonly string[]; readonly kept: readonly string[] },
  style: Style,
): string {
  const lines = [
    ...removed.map(
      (path) => `${style('yellow', visible(path))}: no task owns it any more; a build removes it`,
    ),
    ...kept.map(
      (path) => `${visible(path)}: no task owns it any more; a person wrote or edited it, so it stays`,
    ),
  ];
  return lines.map((line) => `${line}\n`).join('');
}
