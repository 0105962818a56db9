/** Where a build's time went: workers and their tasks, phase by phase, waits included. */

import { useState } from 'preact/hooks';
import type { BuildDocument, BuildRow, TaskView } from '../../model/build-view.js';
import type { GraphDocument } from '../../model/page.js';
import { duration, plural, words } from '../format.js';
import { useLive, useLiveBuild } from '../live.js';
import { Document, Empty, Panel, Tiles } from '../parts/common.js';
import { lanesOf, longestChain, phaseSums, spanTitle, waitedMs } from '../parts/lanes.js';
import { useNow } from '../parts/now.js';
import { Sign, stateOf } from '../parts/status.js';
import { type ChartRow, type Range, TimeChart } from '../parts/time-chart.js';
import { link, replaceRoute, taskLink } from '../router.js';
import { isReport, paths, useDocument } from '../source.js';

const MAX_TASK_ROWS = 300;

export function TimelineView({
  name,
  query,
}: {
  readonly name: string | undefined;
  readonly query: URLSearchParams;
}) {
  const loaded = useDocument<{ readonly rows: readonly BuildRow[] }>(paths.builds);
  const live = useLive(({ rows }) => rows);
  const rows = live.length > 0 ? live : loaded.state === 'ready' ? loaded.value.rows : [];
  const kept = rows.filter((row) => row.kept);
  // Without a name: the build that runs, else the last one that did something.
  const chosen =
    name ??
    (
      kept.find(({ outcome }) => outcome === 'running') ??
      kept.find(({ outcome }) => outcome !== 'up-to-date') ??
      kept[0]
    )?.build;
  const liveBuild = useLiveBuild(chosen);
  const one = useDocument<BuildDocument>(chosen === undefined || liveBuild ? undefined : paths.build(chosen));
  const shown = liveBuild ? ({ state: 'ready', value: liveBuild } as const) : one;
  return (
    <>
      <header class="page-head">
        <h1>Timeline</h1>
        {!isReport() && kept.length > 0 && (
          <select
            aria-label="Build"
            value={chosen}
            onChange={(event) => replaceRoute(link('timeline', event.currentTarget.value))}
          >
            {kept.map((row) => (
              <option key={row.build} value={row.build}>
                {new Date(row.startedAt).toLocaleString()} {row.command} ({row.outcome})
              </option>
            ))}
          </select>
        )}
      </header>
      {chosen === undefined ? (
        <Empty>No build has left a log yet.</Empty>
      ) : (
        <Document loaded={shown} missing="The log of this build is gone.">
          {(build) => <Timeline build={build} query={query} />}
        </Document>
      )}
    </>
  );
}

function Timeline({ build, query }: { readonly build: BuildDocument; readonly query: URLSearchParams }) {
  const now = useNow();
  const { head, tasks } = build;
  const graph = useDocument<GraphDocument>(paths.graph);
  const end =
    head.endedAt ??
    (head.outcome === 'running' ? now : Math.max(head.startedAt + 1, ...tasks.map((t) => t.endedAt ?? 0)));
  const whole: Range = { from: head.startedAt, to: Math.max(end, head.startedAt + 1) };
  const [range, setRange] = useState<Range>();
  const byTask = query.get('by') === 'task';
  const ran = tasks.filter(({ startedAt }) => startedAt !== undefined);
  const sums = phaseSums(build, end);
  const total = sums.reduce((sum, { ms }) => sum + ms, 0);
  const needs = new Map(
    graph.state === 'ready' ? graph.value.tasks.map((task) => [task.label, task.dependsOn]) : [],
  );
  const chain = longestChain(tasks, needs, end);
  const lanes = lanesOf(tasks, end);
  const rows = byTask ? taskRows(ran, head.build, end) : laneRows(lanes, head.build);
  const gates = head.gates.map((gate) => ({
    phase: 'gates',
    from: gate.from,
    to: gate.from + (gate.ms ?? end - gate.from),
    title: `${gate.gate}, on the whole tree`,
  }));
  const own: ChartRow = {
    name: 'build',
    bars: [
      ...(head.plannedAt === undefined
        ? []
        : [{ phase: 'loading', from: head.startedAt, to: head.plannedAt, title: 'loading' }]),
      ...(head.tasksDoneAt === undefined
        ? []
        : [{ phase: 'publishing', from: head.tasksDoneAt, to: head.endedAt ?? end, title: 'publishing' }]),
      ...gates,
    ],
  };
  return (
    <>
      <Tiles
        tiles={[
          { name: 'Build', value: duration(whole.to - whole.from), note: head.command },
          {
            name: 'Tasks that ran',
            value: ran.length,
            note: `on ${plural(lanes.length, 'worker')}${head.workers === undefined ? '' : ` of ${head.workers}`}`,
          },
          {
            name: 'Work in tasks',
            value: duration(total),
            note: `${(total / (whole.to - whole.from)).toFixed(1)} at the same time`,
          },
          { name: 'Waits', value: duration(waitedMs(sums)), note: 'for a worker, a session or a gate' },
        ]}
      />
      <Panel
        title={byTask ? 'By task' : 'By worker'}
        note={
          <span class="button-group">
            <a class="button" aria-current={byTask ? undefined : 'true'} href={link('timeline', head.build)}>
              Workers
            </a>
            <a
              class="button"
              aria-current={byTask ? 'true' : undefined}
              href={link('timeline', head.build, { by: 'task' })}
            >
              Tasks
            </a>
          </span>
        }
      >
        {ran.length === 0 ? (
          <Empty>No task was run in this build.</Empty>
        ) : (
          <TimeChart rows={[own, ...rows]} whole={whole} range={range ?? whole} onRange={setRange} />
        )}
        {byTask && ran.length > MAX_TASK_ROWS && (
          <p class="dim pad">
            The {MAX_TASK_ROWS} longest of {ran.length} tasks.
          </p>
        )}
      </Panel>
      <div class="columns">
        <Panel title="Time by phase" note="over all tasks">
          <Sums sums={sums} total={total} />
        </Panel>
        <Panel title="What decided the end" note={plural(chain.length, 'task')}>
          {chain.length === 0 ? (
            <Empty>Nothing ran.</Empty>
          ) : (
            <Chain chain={chain} build={head.build} end={end} />
          )}
        </Panel>
      </div>
    </>
  );
}

function laneRows(lanes: ReturnType<typeof lanesOf>, build: string): ChartRow[] {
  return lanes.map((lane, index) => ({
    name: `worker ${index + 1}`,
    bars: lane.flatMap(({ task, spans, to }) =>
      spans.map((span) => ({
        phase: span.phase,
        from: span.from,
        to: span.to ?? to,
        title: spanTitle(task, span),
        href: taskLink(task.label, build),
      })),
    ),
    frames: lane.map(({ task, from, to }) => ({
      from,
      to,
      name: task.label.slice(task.label.indexOf('/') + 1),
      isBad: task.outcome === 'failed',
    })),
  }));
}

function taskRows(ran: readonly TaskView[], build: string, end: number): ChartRow[] {
  const time = (task: TaskView) => (task.endedAt ?? end) - (task.startedAt ?? end);
  const longest = [...ran].sort((a, b) => time(b) - time(a)).slice(0, MAX_TASK_ROWS);
  return longest
    .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0))
    .map((task) => ({
      name: task.label,
      href: taskLink(task.label, build),
      bars: task.spans.map((span) => ({
        phase: span.phase,
        from: span.from,
        to: span.to ?? task.endedAt ?? end,
        title: spanTitle(task, span),
      })),
    }));
}

function Sums({ sums, total }: { readonly sums: ReturnType<typeof phaseSums>; readonly total: number }) {
  return (
    <table class="table bars">
      <tbody>
        {sums.map(({ phase, ms }) => (
          <tr key={phase}>
            <th scope="row">
              <span class={`swatch phase-${phase}`} aria-hidden="true" /> {words(phase)}
            </th>
            <td class="right">{duration(ms)}</td>
            <td class="right dim">{total === 0 ? '' : `${Math.round((100 * ms) / total)} %`}</td>
            <td class="bar-cell">
              <meter min={0} max={Math.max(total, 1)} value={ms} aria-label={`${words(phase)} of all`} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Chain({
  chain,
  build,
  end,
}: {
  readonly chain: readonly TaskView[];
  readonly build: string;
  readonly end: number;
}) {
  return (
    <ol class="chain">
      {[...chain].reverse().map((task) => (
        <li key={task.label}>
          <Sign kind={stateOf(task)} /> <a href={taskLink(task.label, build)}>{task.label}</a>{' '}
          <span class="dim">{duration((task.endedAt ?? end) - (task.startedAt ?? end))}</span>
        </li>
      ))}
    </ol>
  );
}
