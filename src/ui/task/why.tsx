/** Why a task is built, or is not: the verdict, what differs from the former result, and what became of the attempts. */

import type { TaskView } from '../../model/build-view.js';
import type { ChangeView, TaskDocument } from '../../model/page.js';
import { duration, short } from '../format.js';
import { Empty, Facts, Failure, Panel } from '../parts/common.js';
import { DiffLines } from '../parts/diff.js';
import { Said } from '../parts/said.js';
import { Status } from '../parts/status.js';
import { link, taskLink } from '../router.js';

export function WhyTab({
  document,
  run,
}: {
  readonly document: TaskDocument;
  readonly run: TaskView | undefined;
}) {
  const { verdict, task } = document;
  const changes = verdict?.reasons.flatMap((reason) => reason.changes) ?? [];
  return (
    <>
      {document.asks && (
        <Panel title="The agent asks">
          <Facts rows={document.asks.map(({ what, because }) => [what, because])} />
        </Panel>
      )}
      {run && <RunPanel run={run} build={document.build} />}
      {verdict && (
        <Panel title="Today" note={<Status kind={verdict.kind} />}>
          <p class="verdict">{verdict.why}</p>
          {changes.map((change) => (
            <Change key={change.name} change={change} />
          ))}
        </Panel>
      )}
      {task && <TaskFacts document={document} />}
      {!run && !verdict && <Empty>Nothing is known of it today.</Empty>}
    </>
  );
}

function RunPanel({ run, build }: { readonly run: TaskView; readonly build: string | undefined }) {
  return (
    <Panel
      title="In the build"
      note={build === undefined ? undefined : <a href={link('build', build)}>{build}</a>}
    >
      <Facts
        rows={[
          ['verdict', run.why],
          ['recipe', run.recipe],
          ['attempts', run.startedAt === undefined ? undefined : run.attempt],
          ['time', run.ms === undefined ? undefined : duration(run.ms)],
          ['published', run.waiting === undefined ? undefined : `no: it ${run.waiting}`],
          [
            'waits for',
            run.because === undefined ? undefined : <a href={taskLink(run.because, build)}>{run.because}</a>,
          ],
        ]}
      />
      {run.attempts.map(({ attempt, failure }) => (
        <Failure key={attempt} failure={failure} title={`attempt ${attempt}`} />
      ))}
      {run.failure && <Failure failure={run.failure} title="it failed:" />}
      {run.warnings.map((warning) => (
        <p class="warning" key={warning}>
          Warning: <Said text={warning} />
        </p>
      ))}
    </Panel>
  );
}

function Change({ change }: { readonly change: ChangeView }) {
  const { name, diff, before, after } = change;
  return (
    <div class="change">
      <h3>{name}</h3>
      {diff ? (
        <DiffLines lines={diff} label={`what changed in ${name}`} />
      ) : (
        <p class="old-new">
          {before !== undefined && <del>{short(before)}</del>}{' '}
          {after !== undefined && <ins>{short(after)}</ins>}
        </p>
      )}
    </div>
  );
}

function TaskFacts({ document }: { readonly document: TaskDocument }) {
  const { task } = document;
  if (!task) return null;
  const links = (labels: readonly string[]) =>
    labels.length === 0 ? undefined : (
      <span class="links">
        {labels.map((label) => (
          <a key={label} href={taskLink(label)}>
            {label}
          </a>
        ))}
      </span>
    );
  const list = (values: readonly string[] | undefined) =>
    values === undefined || values.length === 0 ? undefined : (
      <span class="codes">
        {values.map((value) => (
          <code key={value}>{value}</code>
        ))}
      </span>
    );
  return (
    <Panel title="Task">
      <Facts
        rows={[
          ['type', `${task.type}, ${task.complexity}`],
          ['recipe', task.recipe],
          ['needs', links(task.dependsOn)],
          ['needed by', links(task.dependents)],
          ['outputs', list(task.outputs)],
          ['edits', list(task.edits)],
          ['inputs', list(task.inputs)],
          ['spec sections', list(task.specRefs)],
          ['gates', list(task.gates)],
          [
            'key',
            document.key === undefined ? undefined : <code title={document.key}>{short(document.key)}</code>,
          ],
        ]}
      />
    </Panel>
  );
}
