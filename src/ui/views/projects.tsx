/** All projects of a list: those that are being built on top, then one row each. */

import type { ProjectPageRow } from '../../model/page.js';
import { ago, cost, dateTime, duration, money, plural } from '../format.js';
import { useLive } from '../live.js';
import { Empty, Panel, Progress } from '../parts/common.js';
import { useNow } from '../parts/now.js';
import { Status } from '../parts/status.js';
import { link, taskLink } from '../router.js';
import { Counts, RunningTask } from './builds.js';

export function ProjectsView() {
  const rows = useLive(({ projects }) => projects);
  return (
    <>
      <header class="page-head">
        <h1>Projects</h1>
      </header>
      {rows === undefined ? <Empty>Loading…</Empty> : <AllProjects rows={rows} />}
    </>
  );
}

function AllProjects({ rows }: { readonly rows: readonly ProjectPageRow[] }) {
  const running = rows.filter(({ build }) => build?.outcome === 'running');
  return (
    <>
      {running.map((row) => (
        <RunningProject key={row.name} row={row} />
      ))}
      {running.length === 0 && (
        <p class="idle">No build is running. A build that starts in any terminal shows up here.</p>
      )}
      <Panel title="All projects" note={plural(rows.length, 'project')}>
        <Rows rows={rows} />
      </Panel>
    </>
  );
}

function RunningProject({ row }: { readonly row: ProjectPageRow }) {
  const now = useNow();
  const { name, page = '', build, done = { tasks: 0, of: 0 }, running = [] } = row;
  if (!build) return null;
  return (
    <section class="panel live" aria-label={`live build of ${name}`}>
      <header>
        <h2>
          <Status kind="running" /> <a href={`${page}${link('build', build.build)}`}>{name}</a>
        </h2>
        <div class="note">{duration(now - build.startedAt)}</div>
      </header>
      <div class="panel-body">
        <Progress done={done.tasks} of={done.of} label={`${done.tasks} of ${done.of} tasks of ${name}`} />
        <p class="live-facts">
          <span>
            <b>{done.tasks}</b> of {plural(done.of, 'task')}
          </span>
          <Counts row={build} />
          <span>
            <b>{money(build.usage.costUsd ?? 0)}</b> spent
          </span>
        </p>
        {running.length > 0 && (
          <ul class="running">
            {running.map((task) => (
              <RunningTask
                key={task.label}
                task={task}
                href={`${page}${taskLink(task.label, build.build)}`}
                now={now}
              />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}

function Rows({ rows }: { readonly rows: readonly ProjectPageRow[] }) {
  const now = useNow(30_000);
  return (
    <div class="table-scroll">
      <table class="table projects">
        <thead>
          <tr>
            <th scope="col">Project</th>
            <th scope="col">Last build</th>
            <th scope="col">Started</th>
            <th scope="col" class="right">
              Time
            </th>
            <th scope="col">Tasks</th>
            <th scope="col" class="right">
              Cost
            </th>
            <th scope="col">Needs</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, page, why, needs, build }) => (
            <tr key={name}>
              <td>{page === undefined ? name : <a href={page}>{name}</a>}</td>
              {build ? (
                <>
                  <td>
                    <Status kind={build.outcome} />
                  </td>
                  <td>
                    {dateTime(build.startedAt)} <span class="dim small">{ago(build.startedAt, now)}</span>
                  </td>
                  <td class="right">{duration((build.endedAt ?? now) - build.startedAt)}</td>
                  <td>
                    <Counts row={build} />
                  </td>
                  <td class="right">{cost(build.usage)}</td>
                </>
              ) : (
                <td colSpan={5} class="dim">
                  {why ?? 'no build has left anything yet'}
                </td>
              )}
              <td>{needs.join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
