/**
 * Describes in one short paragraph what failed in an earlier attempt, for the next one. Knows no transcript and no
 * prompt.
 */

import { needText } from '../../model/agents/agent-report.js';
import type { Failure } from '../../model/failure.js';
import { decisiveOutput, MAX_DECISIVE_BYTES } from '../../model/output/decisive-output.js';
import { outputLines } from '../../model/output/output-lines.js';

/** Bytes of a review's findings for one attempt. */
const MAX_FINDINGS_BYTES = 2048;
/** Bytes of what an agent said last. */
const MAX_SAID_BYTES = 1024;
/** Bytes of the difference that earlier attempts left in place. */
const MAX_DIFF_BYTES = 6144;
const MAX_PATHS = 10;

/** A bounded digest of a failed attempt: what failed, the part of its output that says why, and its agent's last words. */
export function evidence(attempt: number, failure: Failure): string {
  const said = 'said' in failure ? lastBytes(failure.said?.trim() ?? '', MAX_SAID_BYTES) : '';
  return [
    `Attempt ${attempt} failed: ${shownFailure(failure)}`,
    ...(said === '' ? [] : ['Its agent ended with these words:', fenced(said)]),
  ].join('\n\n');
}

/** What failed, and the part of its output that says why. */
export function shownFailure(failure: Failure): string {
  const lines = 'output' in failure ? decisive(failure.output.tail) : findingLines(failure);
  return [sentence(failure), ...(lines === '' ? [] : [fenced(lines)])].join('\n\n');
}

/**
 * A prompt with what earlier attempts have shown behind it: no two attempts get the same one. `diff`: of the files that
 * they left in place.
 */
export function withEvidence(prompt: string, earlier: readonly string[], diff?: string): string {
  if (earlier.length === 0) return prompt;
  const head = '## Earlier attempts';
  const told =
    diff === undefined || diff.trim() === ''
      ? 'These failed and left nothing behind. Do not repeat them.'
      : `Their files are in place. Keep what is right, correct what failed. This differs from the start:\n\n${fenced(cutLines(diff.trimEnd(), MAX_DIFF_BYTES, 'the rest is left out: read the files'), 'diff')}`;
  return `${prompt.trimEnd()}\n\n${head}\n\n${told}\n\n${earlier.join('\n\n')}\n`;
}

/** Output of commands is digested where it is kept; a second digest would lose what the first one counted. */
function decisive(tail: string): string {
  const isDigest = Buffer.byteLength(tail) <= MAX_DECISIVE_BYTES;
  return isDigest ? outputLines(tail).join('\n').trim() : decisiveOutput(tail);
}

/** The first lines in a number of bytes; `rest` says where the others are. */
export function cutLines(text: string, max: number, rest: string): string {
  if (Buffer.byteLength(text) <= max) return text;
  const kept: string[] = [];
  let left = max;
  for (const line of text.split('\n')) {
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    kept.push(line);
  }
  return `${kept.join('\n')}\n… (${rest})`;
}

/** What speaks against the work first; each on a line. */
function findingLines(failure: Failure): string {
  if (failure.kind !== 'review-rejected') return '';
  const weight = { blocker: 0, major: 1, minor: 2 };
  const lines = [...failure.findings]
    .sort((a, b) => weight[a.severity] - weight[b.severity])
    .map(({ severity, file, line, what }) => {
      const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
      return cutToBytes(`${severity}: ${place}${what.replace(/\s+/g, ' ')}`, 300);
    });
  let size = 0;
  return lines
    .filter((line) => {
      size += Buffer.byteLength(line) + 1;
      return size <= MAX_FINDINGS_BYTES;
    })
    .join('\n');
}

function sentence(failure: Failure): string {
  switch (failure.kind) {
    case 'gate-failed':
      return `the gate ${shown(failure.gate)} ended with ${failure.exitCode}.`;
    case 'gate-timed-out':
      return `the gate ${shown(failure.gate)} did not end within ${failure.minutes} minutes.`;
    case 'gate-missing-program':
      return `the gate ${shown(failure.gate)} needs the program ${shown(failure.program)}, which is missing.`;
    case 'wrote-outside-outputs':
      return `it changed files that are not the task's: ${paths(failure.paths)}. Leave them as they are.`;
    case 'leaked-secret':
      return `it wrote a secret into ${paths(failure.paths)}. Write the name of its variable instead.`;
    case 'needs':
      return `it asked for what its task does not allow: ${bounded(failure.needs.map(needText).join('; '))}.`;
    case 'missing-outputs':
      return `it did not write ${paths(failure.paths)}.`;
    case 'nothing-done':
      return 'it changed no file.';
    case 'link-leaves-tree':
      return `the link ${shown(failure.path)} points outside the project.`;
    case 'unsafe-path':
      return `the path ${shown(failure.path)} cannot be kept: ${bounded(failure.reason)}.`;
    case 'output-too-large':
      return `its outputs have ${failure.bytes} bytes; ${failure.limit} are allowed.`;
    case 'review-rejected':
      return 'its gates passed, but a reviewer rejected it.';
    case 'patch-conflict':
      return `its change of ${shown(failure.path)} conflicts with another change. Keep the change small.`;
    case 'timed-out':
      return `${failure.what} did not end within ${failure.minutes} minutes.`;
    case 'agent-error':
      return `the session broke off (${bounded(failure.detail)}).`;
    case 'stalled':
      return `the session gave no sign of life for ${failure.minutes} minutes.`;
    case 'step-limit':
      return `it was not done after ${failure.limit} steps. Take fewer and end as soon as the task is done.`;
    case 'command-failed':
    case 'setup-failed':
      return `the command ${shown(failure.command)} ended with ${failure.exitCode}.`;
    case 'invalid-plan':
      return `what it wrote to ${shown(failure.file)} was refused.`;
    default:
      return `${failure.kind}.`;
  }
}

function paths(all: readonly string[]): string {
  const named = all.slice(0, MAX_PATHS).map(shown).join(', ');
  return all.length > MAX_PATHS ? `${named} and ${all.length - MAX_PATHS} more` : named;
}

function bounded(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Names and paths are hostile: on one line and marked as code, whatever is in them. */
export function shown(text: string): string {
  const plain = /[\p{Cc}`]/u.test(text) ? JSON.stringify(text).replaceAll('`', '\\u0060') : text;
  return `\`${plain.length > 300 ? `${plain.slice(0, 300)}…` : plain}\``;
}

/** The last lines in a number of bytes. */
function lastBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text;
  const cut = Buffer.from(text)
    .subarray(-max)
    .toString('utf8')
    .replace(/^\ufffd+/, '');
  const lineBreak = cut.indexOf('\n');
  return `…${lineBreak >= 0 && lineBreak < max / 2 ? cut.slice(lineBreak) : cut}`;
}

function cutToBytes(line: string, max: number): string {
  if (Buffer.byteLength(line) <= max) return line;
  let text = '';
  let bytes = 0;
  for (const character of line) {
    bytes += Buffer.byteLength(character);
    if (bytes > max - 3) break;
    text += character;
  }
  return `${text}…`;
}

/** A fence longer than any in the text, so that output cannot close it and continue as instructions. */
export function fenced(text: string, language = ''): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
