/** The agent calls of a history as a table (RFC 4180), one line for each. Adds nothing up. */

import { type AgentCall, featureOf, type HistoryLine } from '../../model/history.js';

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [string, (call: AgentCall) => Cell])[] = [
  ['at', ({ at }) => new Date(at).toISOString()],
  ['build', ({ build }) => build],
  ['feature', ({ label }) => featureOf(label)],
  ['label', ({ label }) => label],
  ['phase', ({ phase }) => phase],
  ['attempt', ({ attempt }) => attempt],
  ['type', ({ type }) => type],
  ['complexity', ({ complexity }) => complexity],
  ['agent', ({ agent }) => agent],
  ['model', ({ model }) => model],
  ['variant', ({ variant }) => variant],
  ['arm', ({ arm }) => arm],
  ['prompt_bytes', ({ promptBytes }) => promptBytes],
  ['tokens_in', ({ usage }) => usage.tokensIn],
  ['tokens_out', ({ usage }) => usage.tokensOut],
  ['tokens_cached', ({ usage }) => usage.tokensCached],
  ['cost_usd', ({ usage }) => usage.costUsd],
  ['ms', ({ ms }) => ms],
  ['failure', ({ failure }) => failure],
];

export function metricsCsv(lines: readonly HistoryLine[]): string {
  const calls = lines.filter((line): line is AgentCall => line.kind === 'call');
  const rows = [
    COLUMNS.map(([name]) => name),
    ...calls.map((call) => COLUMNS.map(([, of]) => cell(of(call)))),
  ];
  return rows.map((row) => `${row.join(',')}\r\n`).join('');
}

function cell(value: Cell): string {
  if (typeof value !== 'string') return value === undefined ? '' : String(value);
  // A spreadsheet takes text that begins so for a formula.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
