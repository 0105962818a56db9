/** Builds and runs of tasks from the history, when their logs are deleted. Reads no file. */

import type { BuildRow } from '../../model/build-view.js';
import type { AgentCall, HistoryLine, TaskEnd } from '../../model/history.js';
import { isPlanning } from '../../model/history.js';
import type { PastRun } from '../../model/page.js';
import { added } from '../../report/build-view/fold-parts.js';

const MAX_ROWS = 300;
const MAX_RUNS = 100;

/** Builds that the history has and the logs have not, the newest first. */
export function pastBuilds(history: readonly HistoryLine[], kept: ReadonlySet<string>): BuildRow[] {
  const rows = new Map<string, BuildRow>();
  for (const line of history) {
    if (kept.has(line.build)) continue;
    const before = rows.get(line.build) ?? emptyRow(line);
    rows.set(line.build, withLine(before, line));
  }
  return [...rows.values()].sort((a, b) => b.startedAt - a.startedAt).slice(0, MAX_ROWS);
}

/** What became of one task, the newest first. */
export function pastRuns(history: readonly HistoryLine[], label: string): PastRun[] {
  const own = history.filter((line) => line.label === label);
  const ends = own.filter((line): line is TaskEnd => line.kind === 'task');
  return ends
    .map(({ build, at, outcome, ms, attempts, failures }) => {
      const calls = own.filter((line): line is AgentCall => line.kind === 'call' && line.build === build);
      const model = calls.at(-1)?.model;
      return {
        build,
        at,
        outcome,
        ms,
        ...(attempts === undefined ? {} : { attempts }),
        failures,
        ...(model === undefined ? {} : { model }),
        usage: calls.reduce((sum, { usage }) => added(sum, usage), {}),
      };
    })
    .reverse()
    .slice(0, MAX_RUNS);
}

function emptyRow({ build, at, ms }: HistoryLine): BuildRow {
  return {
    build,
    command: '',
    version: '',
    startedAt: startOf(build) ?? at - ms,
    endedAt: at,
    outcome: 'built',
    total: 0,
    counts: { fresh: 0, cached: 0, verified: 0, built: 0, accepted: 0, drifted: 0, failed: 0, skipped: 0 },
    usage: {},
    published: 0,
    kept: false,
  };
}

function withLine(row: BuildRow, line: HistoryLine): BuildRow {
  const endedAt = Math.max(row.endedAt ?? 0, line.at);
  if (line.kind === 'call') return { ...row, endedAt, usage: added(row.usage, line.usage) };
  if (isPlanning(line.label)) return { ...row, endedAt };
  const counts = { ...row.counts, [line.outcome]: row.counts[line.outcome] + 1 };
  const outcome = line.outcome === 'failed' ? 'failed' : row.outcome;
  return { ...row, endedAt, counts, total: row.total + 1, outcome };
}

/** A build's name begins with its start, with hyphens for what a file name cannot have. */
function startOf(build: string): number | undefined {
  const parts = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)-(\d{3})Z/.exec(build);
  if (!parts) return undefined;
  const [, day, hour, minute, second, rest] = parts;
  const at = Date.parse(`${day}T${hour}:${minute}:${second}.${rest}Z`);
  return Number.isNaN(at) ? undefined : at;
}
