/** What changed between two commits or two builds, task by task: spec beside code. */

import { useState } from 'preact/hooks';
import type { BuildRow } from '../../model/build-view.js';
import type { ReviewDocument, ReviewTask } from '../../model/page.js';
import { cost, dateTime, plural, tokens } from '../format.js';
import { Document, Empty, Facts, Failure, Panel, Tiles } from '../parts/common.js';
import { DiffLines, FileDiffs } from '../parts/diff.js';
import { Status } from '../parts/status.js';
import { link, taskLink } from '../router.js';
import { isReport, paths, useDocument } from '../source.js';

const OPEN_TASKS = 12;

export function ReviewView({
  query,
  reported,
}: {
  readonly query: URLSearchParams;
  readonly reported: string | undefined;
}) {
  const rows = useDocument<{ readonly rows: readonly BuildRow[] }>(paths.builds);
  const kept = rows.state === 'ready' ? rows.value.rows.filter((row) => row.kept) : [];
  const range = query.get('range') ?? '';
  const to =
    query.get('to') ??
    reported ??
    kept.find(({ outcome }) => outcome === 'built' || outcome === 'failed')?.build;
  const from = query.get('from') ?? '';
  const path =
    range !== '' ? paths.reviewRange(range) : to === undefined ? undefined : paths.reviewBuilds(from, to);
  const loaded = useDocument<ReviewDocument>(path);
  return (
    <>
      <header class="page-head">
        <h1>Review</h1>
      </header>
      {!isReport() && <Choice range={range} from={from} to={to} rows={kept} />}
      {path === undefined ? (
        <Empty>Choose a range of commits, or a build.</Empty>
      ) : (
        <Document
          loaded={loaded}
          missing="This is not a range: write two commits with two dots between them."
        >
          {(review) => <Review review={review} build={range === '' ? to : undefined} />}
        </Document>
      )}
    </>
  );
}

function Choice(props: {
  readonly range: string;
  readonly from: string;
  readonly to: string | undefined;
  readonly rows: readonly BuildRow[];
}) {
  const { rows, from, to } = props;
  const [range, setRange] = useState(props.range);
  const go = (address: string) => {
    location.hash = address;
  };
  const options = rows.map((row) => (
    <option key={row.build} value={row.build}>
      {dateTime(row.startedAt)} {row.command}
    </option>
  ));
  return (
    <Panel title="What to compare" class="choice">
      <form
        class="filter"
        onSubmit={(event) => {
          event.preventDefault();
          go(link('review', '', { range }));
        }}
      >
        <label>
          Commits{' '}
          <input
            type="text"
            placeholder="main..HEAD"
            value={range}
            onInput={(event) => setRange(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="button">
          Compare
        </button>
        <span class="dim small">main..HEAD, main...HEAD, HEAD~3..</span>
      </form>
      <div class="filter">
        <label>
          Builds after{' '}
          <select
            value={from}
            onChange={(event) => go(link('review', '', { from: event.currentTarget.value, to }))}
          >
            <option value="">(only the one)</option>
            {options}
          </select>
        </label>
        <label>
          up to{' '}
          <select
            value={props.range === '' ? to : ''}
            onChange={(event) => go(link('review', '', { from, to: event.currentTarget.value }))}
          >
            <option value="">(choose)</option>
            {options}
          </select>
        </label>
      </div>
    </Panel>
  );
}

function Review({ review, build }: { readonly review: ReviewDocument; readonly build: string | undefined }) {
  const { tasks, others, usage, problem } = review;
  const sum = (key: 'insertions' | 'deletions') => tasks.reduce((total, task) => total + task[key], 0);
  const unequal = tasks.filter((task) => task.different.length > 0);
  return (
    <>
      {problem && <Failure failure={problem} />}
      <Tiles
        tiles={[
          { name: 'Tasks', value: tasks.length, note: 'changed' },
          { name: 'Lines', value: `+${sum('insertions')} −${sum('deletions')}` },
          { name: 'Cost', value: cost(usage), note: `${tokens(usage)} tokens` },
          {
            name: 'Files',
            value: unequal.length === 0 ? 'as recorded' : `${unequal.length} not`,
            note: 'equal the recorded results',
          },
        ]}
      />
      {tasks.length === 0 && !problem && <Empty>No task changed.</Empty>}
      {tasks.map((task, index) => (
        <ReviewedTask key={task.label} task={task} build={build} isOpen={index < OPEN_TASKS} />
      ))}
      {others.length > 0 && (
        <Panel title="Changed files that no task owns" note={plural(others.length, 'file')}>
          <ul class="paths">
            {others.map((file) => (
              <li key={file.path}>
                {file.path}{' '}
                <span class="dim">
                  +{file.insertions} −{file.deletions}
                </span>
              </li>
            ))}
          </ul>
        </Panel>
      )}
    </>
  );
}

function ReviewedTask({
  task,
  build,
  isOpen,
}: {
  task: ReviewTask;
  build: string | undefined;
  isOpen: boolean;
}) {
  const failedGates = task.gates.filter((gate) => gate.exitCode !== 0);
  return (
    <details class="panel review-task" open={isOpen}>
      <summary>
        <Status kind={task.change} />
        <span class="review-name">{task.label}</span>
        <span class="counts">
          +{task.insertions} −{task.deletions}
        </span>
      </summary>
      <div class="panel-body">
        <Facts
          rows={[
            ['why', task.why.join('; ')],
            ['made by', task.model ?? task.recipe],
            ['attempts', task.attempts],
            ['cost', task.usage.costUsd === undefined ? undefined : cost(task.usage)],
            [
              'gates',
              task.gates.length === 0
                ? 'none recorded'
                : failedGates.length === 0
                  ? `${task.gates.length} passed`
                  : `failed once: ${failedGates.map((gate) => gate.name).join(', ')}`,
            ],
            [
              'files',
              task.equal
                ? 'equal the recorded result'
                : task.different.length > 0
                  ? `not as recorded: ${task.different.join(', ')}`
                  : undefined,
            ],
            [
              'more',
              <a key="more" href={taskLink(task.label, build)}>
                open the task
              </a>,
            ],
          ]}
        />
        <div class="side-by-side">
          <div>
            <h3>Spec</h3>
            {task.spec.length === 0 ? (
              <p class="dim">not changed</p>
            ) : (
              <DiffLines lines={task.spec} label={`spec of ${task.label}`} />
            )}
          </div>
          <div>
            <h3>Code</h3>
            {task.files.length === 0 ? <p class="dim">no file changed</p> : <FileDiffs files={task.files} />}
          </div>
        </div>
      </div>
    </details>
  );
}
