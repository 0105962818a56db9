/** All builds, the live ones on top. */

import type { BuildDocument, BuildRow, TaskView } from '../../model/build-view.js';
import type { ProjectDocument } from '../../model/page.js';
import { ago, cost, dateTime, duration, money, plural, tokens, words } from '../format.js';
import { useLive, useLiveBuild } from '../live.js';
import { ActionButton } from '../parts/actions.js';
import { Document, Empty, Panel, Progress } from '../parts/common.js';
import { useNow } from '../parts/now.js';
import { Said } from '../parts/said.js';
import { Status } from '../parts/status.js';
import { link, taskLink } from '../router.js';
import { isReport, paths, useDocument } from '../source.js';

export function BuildsView() {
  const loaded = useDocument<{ readonly rows: readonly BuildRow[] }>(paths.builds);
  const live = useLive(({ rows }) => rows);
  return (
    <>
      <header class="page-head">
        <h1>Builds</h1>
        <div class="page-actions">
          <ActionButton action="build" targets={[]} label="Build all" />
          <ActionButton action="retry" targets={[]} />
        </div>
      </header>
      <Document loaded={loaded} missing="No build has left anything yet.">
        {({ rows }) => <AllBuilds rows={merged(rows, live)} />}
      </Document>
    </>
  );
}

/** What the stream told of a build is newer than what was loaded. */
function merged(rows: readonly BuildRow[], live: readonly BuildRow[]): BuildRow[] {
  const known = new Map(rows.map((row) => [row.build, row]));
  for (const row of live) known.set(row.build, row);
  return [...known.values()].sort((a, b) => b.startedAt - a.startedAt);
}

function AllBuilds({ rows }: { readonly rows: readonly BuildRow[] }) {
  const running = rows.filter(({ outcome }) => outcome === 'running');
  return (
    <>
      {running.map((row) => (
        <LiveBuild key={row.build} name={row.build} />
      ))}
      {running.length === 0 && !isReport() && <Idle />}
      <Panel title={isReport() ? 'Build' : 'All builds'} note={plural(rows.length, 'build')}>
        {rows.length === 0 ? (
          <Empty>
            <Said text="No build has left anything yet: run `conductor build`." />
          </Empty>
        ) : (
          <Rows rows={rows} />
        )}
      </Panel>
    </>
  );
}

function Idle() {
  const project = useDocument<ProjectDocument>(paths.project);
  const version = project.state === 'ready' ? ` · conductor ${project.value.version}` : '';
  return <p class="idle">No build is running. A build that starts in any terminal shows up here.{version}</p>;
}

export function LiveBuild({ name }: { readonly name: string }) {
  const live = useLiveBuild(name);
  if (!live) return null;
  return <LivePanel build={live} />;
}

function LivePanel({ build }: { readonly build: BuildDocument }) {
  const now = useNow();
  const { head, tasks } = build;
  const done = tasks.filter(({ state }) => state === 'done').length;
  const running = tasks.filter(({ state }) => state === 'running');
  const spent = head.usage.costUsd ?? 0;
  return (
    <section class="panel live" aria-label="live build">
      <header>
        <h2>
          <Status kind="running" /> <a href={link('build', head.build)}>{head.command || head.build}</a>
        </h2>
        <div class="note">{duration(now - head.startedAt)}</div>
      </header>
      <div class="panel-body">
        <Progress done={done} of={tasks.length} label={`${done} of ${tasks.length} tasks`} />
        <p class="live-facts">
          <span>
            <b>{done}</b> of {plural(tasks.length, 'task')}
          </span>
          {(['built', 'cached', 'fresh', 'failed', 'skipped'] as const)
            .filter((kind) => head.counts[kind] > 0)
            .map((kind) => (
              <span key={kind}>
                <Status kind={kind} plain /> {head.counts[kind]}
              </span>
            ))}
          <span>
            <b>{money(spent)}</b> spent{head.budgetUsd === undefined ? '' : ` of ${money(head.budgetUsd)}`}
          </span>
          {head.leftMs !== undefined && (
            <span>
              about <b>{duration(head.leftMs)}</b> left
            </span>
          )}
        </p>
        {head.budgetUsd !== undefined && head.budgetUsd > 0 && (
          <Progress
            done={Math.min(spent, head.budgetUsd)}
            of={head.budgetUsd}
            label="budget that was spent"
          />
        )}
        {running.length > 0 && (
          <ul class="running">
            {running.map((task) => (
              <RunningTask key={task.label} task={task} href={taskLink(task.label, head.build)} now={now} />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

export function RunningTask({ task, href, now }: { task: TaskView; href: string; now: number }) {
  return (
    <li>
      <a href={href}>{task.label}</a>
      <span class="phase">
        {words(task.phase ?? 'starting')}
        {task.attempt > 1 ? `, attempt ${task.attempt}` : ''}
      </span>
      <span class="dim">{task.startedAt === undefined ? '' : duration(now - task.startedAt)}</span>
      <span class="last-line">{task.line ?? ''}</span>
    </li>
  );
}

function Rows({ rows }: { readonly rows: readonly BuildRow[] }) {
  const now = useNow(30_000);
  return (
    <div class="table-scroll">
      <table class="table builds">
        <thead>
          <tr>
            <th scope="col">Outcome</th>
            <th scope="col">Started</th>
            <th scope="col">Command</th>
            <th scope="col" class="right">
              Time
            </th>
            <th scope="col">Tasks</th>
            <th scope="col" class="right">
              Cost
            </th>
            <th scope="col" class="right">
              Tokens
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.build}>
              <td>
                <Status kind={row.outcome} />
              </td>
              <td>
                {row.kept ? (
                  <a href={link('build', row.build)}>{dateTime(row.startedAt)}</a>
                ) : (
                  <span title="its log is gone; the history remembers it">{dateTime(row.startedAt)}</span>
                )}{' '}
                {!isReport() && <span class="dim small">{ago(row.startedAt, now)}</span>}
              </td>
              <td class="command">{row.command || <span class="dim">(log removed)</span>}</td>
              <td class="right">
                {row.outcome === 'running'
                  ? duration(now - row.startedAt)
                  : duration((row.endedAt ?? row.startedAt) - row.startedAt)}
              </td>
              <td>
                <Counts row={row} />
              </td>
              <td class="right">{cost(row.usage)}</td>
              <td class="right">{tokens(row.usage)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export function Counts({ row }: { readonly row: Pick<BuildRow, 'counts'> }) {
  const kinds = ['built', 'cached', 'verified', 'accepted', 'fresh', 'drifted', 'failed', 'skipped'] as const;
  const shown = kinds.filter((kind) => row.counts[kind] > 0);
  return (
    <span class="counts-row">
      {shown.map((kind) => (
        <span key={kind} class="count">
          {row.counts[kind]} <Status kind={kind} plain />
        </span>
      ))}
    </span>
  );
}
