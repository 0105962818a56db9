/** One task: why it is built, what the agent was told and did, what the gates said, what came of it. */

import type { ComponentChildren } from 'preact';
import type { TaskView } from '../../model/build-view.js';
import type { TaskDocument } from '../../model/page.js';
import { cost, duration, plural, words } from '../format.js';
import { useLive, useLiveBuild } from '../live.js';
import { ActionButton } from '../parts/actions.js';
import { Document, Empty, Failure, Panel, Tabs, TextBlock } from '../parts/common.js';
import { FileDiffs } from '../parts/diff.js';
import { useNow } from '../parts/now.js';
import { Status, stateOf } from '../parts/status.js';
import { link, taskLink } from '../router.js';
import { isReport, paths, useDocument } from '../source.js';
import { GatesTab } from '../task/gates.js';
import { HistoryTab } from '../task/history.js';
import { PromptTab } from '../task/prompt.js';
import { ResultTab } from '../task/result.js';
import { TranscriptTab } from '../task/transcript.js';
import { WhyTab } from '../task/why.js';

const TABS = ['why', 'spec', 'prompt', 'agent', 'gates', 'diff', 'result', 'history'] as const;
type Tab = (typeof TABS)[number];

export function TaskPage(props: {
  readonly label: string;
  readonly query: URLSearchParams;
  readonly reported: string | undefined;
}) {
  const { label, query, reported } = props;
  const running = useLive(({ rows }) => rows.find(({ outcome }) => outcome === 'running')?.build);
  const build = query.get('build') ?? reported ?? running;
  const live = useLiveBuild(build);
  const loaded = useDocument<TaskDocument>(paths.task(label, isReport() ? undefined : build));
  return (
    <Document loaded={loaded} missing={`No task is called ${label}.`}>
      {(document) => {
        const run = live?.tasks.find((task) => task.label === label) ?? document.run;
        return <Task document={document} run={run} build={build ?? document.build} tab={query.get('tab')} />;
      }}
    </Document>
  );
}

function Task(props: {
  readonly document: TaskDocument;
  readonly run: TaskView | undefined;
  readonly build: string | undefined;
  readonly tab: string | null;
}) {
  const { document, run, build } = props;
  const { label, task, verdict } = document;
  const begin: Tab = run?.failure?.kind.startsWith('gate') ? 'gates' : 'why';
  const tab = TABS.find((one) => one === props.tab) ?? begin;
  const kind = run && (run.state === 'running' || build !== undefined) ? stateOf(run) : verdict?.kind;
  const gates = run?.gates.length ?? 0;
  const counts: Partial<Record<Tab, number>> = {
    prompt: document.prompts.length,
    agent: document.transcripts.length,
    gates: gates === 0 ? (document.result?.gates.length ?? 0) : gates,
    diff: document.diff?.length ?? 0,
    history: document.history.length,
  };
  const names: Readonly<Record<Tab, string>> = {
    why: 'Why',
    spec: 'Spec',
    prompt: 'Prompt',
    agent: 'Agent',
    gates: 'Gates',
    diff: 'Diff',
    result: 'Result',
    history: 'History',
  };
  return (
    <>
      <header class="page-head">
        <div>
          <p class="crumbs">
            {build !== undefined && (
              <>
                <a href={link('build', build)}>build</a> /{' '}
              </>
            )}
            <a href={link('graph', '', { feature: label.split('/')[0] })}>{label.split('/')[0]}</a>
          </p>
          <h1>
            {kind !== undefined && <Status kind={kind} />} {label}
          </h1>
          {task && <p class="subtitle">{task.title}</p>}
        </div>
        <div class="page-actions">
          {verdict && verdict.kind !== 'fresh' && (
            <ActionButton action="build" targets={[label]} label="Build this" />
          )}
          {document.asks && <ActionButton action="approve" targets={[label]} />}
          {verdict?.kind === 'drifted' && <ActionButton action="accept" targets={[label]} />}
          {verdict?.kind === 'drifted' && <ActionButton action="discard-edits" targets={[label]} />}
        </div>
      </header>
      {run?.state === 'running' && <RunningNow run={run} />}
      <Tabs
        label="Parts of the task"
        active={tab}
        items={TABS.map((id) => {
          const number = counts[id];
          const count = number === undefined || number === 0 ? {} : { count: number };
          return { id, name: names[id], href: taskLink(label, build, id), ...count };
        })}
      />
      {document.problem && <Failure failure={document.problem} title="today's specs" />}
      <TabBody tab={tab} document={document} run={run} />
    </>
  );
}

function TabBody({
  tab,
  document,
  run,
}: {
  tab: Tab;
  document: TaskDocument;
  run: TaskView | undefined;
}): ComponentChildren {
  switch (tab) {
    case 'why':
      return <WhyTab document={document} run={run} />;
    case 'spec':
      return <SpecTab document={document} />;
    case 'prompt':
      return <PromptTab prompts={document.prompts} />;
    case 'agent':
      return <TranscriptTab document={document} run={run} />;
    case 'gates':
      return <GatesTab document={document} run={run} />;
    case 'diff':
      return <DiffTab document={document} />;
    case 'result':
      return <ResultTab document={document} />;
    case 'history':
      return <HistoryTab document={document} />;
  }
}

function RunningNow({ run }: { readonly run: TaskView }) {
  const now = useNow();
  return (
    <p class="running-now">
      <b>{words(run.phase ?? 'starting')}</b>
      {run.attempt > 1 ? ` · attempt ${run.attempt}` : ''} ·{' '}
      {run.startedAt === undefined ? '' : duration(now - run.startedAt)} · {cost(run.usage)}
      <span class="last-line">{run.line ?? ''}</span>
    </p>
  );
}

function SpecTab({ document }: { readonly document: TaskDocument }) {
  const { spec } = document;
  if (!spec) return <Empty>Today's specs do not have this task.</Empty>;
  return (
    <Panel title={`${spec.file}:${spec.line}`}>
      <TextBlock text={spec.text} label="the entry in the spec" />
    </Panel>
  );
}

function DiffTab({ document }: { readonly document: TaskDocument }) {
  const { diff } = document;
  if (!diff) return <Empty>The results to compare are in no store any more.</Empty>;
  if (diff.length === 0) return <Empty>No file differs.</Empty>;
  const insertions = diff.reduce((sum, file) => sum + file.insertions, 0);
  const deletions = diff.reduce((sum, file) => sum + file.deletions, 0);
  const note = `${plural(diff.length, 'file')}, +${insertions} −${deletions}`;
  return (
    <Panel
      title={
        document.run?.former === undefined ? 'What the result holds' : 'From the former result to this one'
      }
      note={note}
    >
      <FileDiffs files={diff} />
    </Panel>
  );
}
