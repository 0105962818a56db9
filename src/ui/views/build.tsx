/** One build: what came of it, task by task, with failures first. */

import type { BuildDocument, TaskView } from '../../model/build-view.js';
import { clock, cost, dateTime, duration, money, plural, tokens, words } from '../format.js';
import { useLiveBuild } from '../live.js';
import { Document, Failure, Panel, Tabs, Tiles } from '../parts/common.js';
import { Filter, matches } from '../parts/filter.js';
import { Said } from '../parts/said.js';
import { Status, stateOf } from '../parts/status.js';
import { link, taskLink } from '../router.js';
import { paths, useDocument } from '../source.js';
import { LiveBuild } from './builds.js';

/** Rows that are drawn: more of them are found with the filter. */
const MAX_ROWS = 500;
const ORDER = [
  'failed',
  'running',
  'checked',
  'queued',
  'waits',
  'built',
  'accepted',
  'verified',
  'drifted',
  'cached',
  'skipped',
];

export function BuildView({ name, query }: { readonly name: string; readonly query: URLSearchParams }) {
  const live = useLiveBuild(name);
  const loaded = useDocument<BuildDocument>(live ? undefined : paths.build(name));
  const shown = live ? ({ state: 'ready', value: live } as const) : loaded;
  return (
    <Document loaded={shown} missing="The log of this build is gone.">
      {(build) => <OneBuild build={build} query={query} />}
    </Document>
  );
}

function OneBuild({ build, query }: { readonly build: BuildDocument; readonly query: URLSearchParams }) {
  const { head, tasks } = build;
  const ended = head.endedAt ?? Math.max(head.startedAt, ...tasks.map((task) => task.endedAt ?? 0));
  const failed = tasks.filter((task) => task.failure);
  return (
    <>
      <header class="page-head">
        <h1>
          <Status kind={head.outcome} /> {head.command || head.build}
        </h1>
        <Tabs
          label="This build"
          active="tasks"
          items={[
            { id: 'tasks', name: 'Tasks', href: link('build', head.build) },
            { id: 'timeline', name: 'Timeline', href: link('timeline', head.build) },
            { id: 'graph', name: 'Graph', href: link('graph', '', { build: head.build }) },
            { id: 'review', name: 'Review', href: link('review', '', { to: head.build }) },
          ]}
        />
      </header>
      {head.outcome === 'running' && <LiveBuild name={head.build} />}
      <Tiles
        tiles={[
          { name: 'Started', value: clock(head.startedAt), note: dateTime(head.startedAt) },
          { name: 'Time', value: duration(ended - head.startedAt) },
          { name: 'Tasks', value: head.total, note: `${plural(head.published, 'path')} published` },
          {
            name: 'Cost',
            value: cost(head.usage),
            note: head.budgetUsd === undefined ? undefined : `of ${money(head.budgetUsd)} allowed`,
          },
          { name: 'Tokens', value: tokens(head.usage) },
        ]}
      />
      {head.failures.map((failure) => (
        <Failure key={failure.headline} failure={failure} title="build" />
      ))}
      {failed.slice(0, 20).map((task) => (
        <FailedTask key={task.label} task={task} build={head.build} />
      ))}
      <Panel title="Tasks" note={plural(tasks.length, 'task')}>
        <Filter query={query} outcomes={[...new Set(tasks.map(stateOf))]} view={['build', head.build]} />
        <TaskRows
          build={head.build}
          tasks={tasks.filter((task) => matches(query, task.label, stateOf(task)))}
        />
      </Panel>
      {head.gates.length > 0 && (
        <Panel title="Gates of the whole tree">
          <ul class="plain-list">
            {head.gates.map((gate) => (
              <li key={gate.gate + gate.from}>
                <Status kind={gate.ok === undefined ? 'running' : gate.ok ? 'passed' : 'failed'} plain />{' '}
                {gate.gate} <span class="dim">{gate.ms === undefined ? '' : duration(gate.ms)}</span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {head.warnings.length > 0 && (
        <Panel title="Warnings">
          <ul class="plain-list">
            {head.warnings.map((warning) => (
              <li key={warning}>
                <Said text={warning} />
              </li>
            ))}
          </ul>
        </Panel>
      )}
      {head.written.length + head.removed.length > 0 && (
        <Panel title="Published files" note={plural(head.published, 'path')}>
          <ul class="paths">
            {head.written.map((path) => (
              <li key={path}>{path}</li>
            ))}
            {head.removed.map((path) => (
              <li key={path} class="removed">
                {path} (removed)
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

/** The failing output is one click away: the link opens the task at its gates. */
function FailedTask({ task, build }: { readonly task: TaskView; readonly build: string }) {
  if (!task.failure) return null;
  return (
    <div class="failed-task">
      <a class="failed-link" href={taskLink(task.label, build, 'gates')}>
        {task.label}
      </a>
      <Failure failure={{ ...task.failure, facts: [] }} />
    </div>
  );
}

function TaskRows({ tasks, build }: { readonly tasks: readonly TaskView[]; readonly build: string }) {
  const rank = (task: TaskView) => (ORDER.indexOf(stateOf(task)) + ORDER.length + 1) % (ORDER.length + 1);
  const sorted = [...tasks].sort((a, b) => rank(a) - rank(b));
  const shown = sorted.slice(0, MAX_ROWS);
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Task</th>
            <th scope="col">Outcome</th>
            <th scope="col">Why</th>
            <th scope="col" class="right">
              Attempts
            </th>
            <th scope="col" class="right">
              Time
            </th>
            <th scope="col" class="right">
              Cost
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((task) => (
            <tr key={task.label}>
              <td>
                <a href={taskLink(task.label, build)}>{task.label}</a>
              </td>
              <td>
                <Status kind={stateOf(task)} />
                {task.state === 'running' && <span class="dim small"> {words(task.phase ?? '')}</span>}
              </td>
              <td class="why">
                {task.failure?.headline ??
                  task.waiting ??
                  (task.because ? `needs ${task.because}` : task.why)}
              </td>
              <td class="right">{task.startedAt === undefined ? '' : task.attempt}</td>
              <td class="right">{task.ms === undefined ? '' : duration(task.ms)}</td>
              <td class="right">{task.usage.costUsd === undefined ? '' : cost(task.usage)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <p class="dim pad">{plural(sorted.length - shown.length, 'more task')}: use the filter.</p>
      )}
    </div>
  );
}
