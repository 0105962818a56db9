/** The views of several projects: one block, lines with names, lines of JSON. */

import { expect, test } from 'vitest';
import { NO_COUNTS } from '../../build/options.js';
import type { BuildEvent, BuildEventBody } from '../../model/event.js';
import type { ProjectEvent } from '../../model/projects/project-event.js';
import { projectsJunitXml } from '../ci/junit.js';
import { ProjectsRecord } from '../ci/projects-record.js';
import { projectsStepSummary } from '../ci/step-summary.js';
import { NO_PROGRESS, progress } from '../live/progress.js';
import { plainStyle } from '../style.js';
import {
  projectsBlock,
  projectsJsonReporter,
  projectsPlainReporter,
  projectsTerminalReporter,
} from './projects-reporter.js';

let seq = 0;
const bodyOf = (body: BuildEventBody): BuildEvent => ({ schema: 1, seq: ++seq, at: 1000, ...body });
const of = (project: string, body: BuildEventBody): ProjectEvent => ({
  type: 'project.event',
  project,
  event: bodyOf(body),
});

const STORY: readonly ProjectEvent[] = [
  { type: 'projects.started', projects: ['api', 'handbook'], workers: 4 },
  of('api', { type: 'build.planned', tasks: ['f/T1', 'f/T2'] }),
  of('handbook', { type: 'build.planned', tasks: ['g/T1'] }),
  of('api', { type: 'task.started', task: 'f/T1', attempt: 1, recipe: 'agent' }),
  of('handbook', { type: 'task.started', task: 'g/T1', attempt: 1, recipe: 'run' }),
  of('handbook', { type: 'task.finished', task: 'g/T1', outcome: 'built', ms: 1200 }),
];

const FINISHED: ProjectEvent = {
  type: 'projects.finished',
  summary: {
    exitCode: 1,
    ms: 3000,
    projects: [
      {
        project: 'api',
        outcome: 'failed',
        exitCode: 1,
        summary: {
          outcome: 'failed',
          exitCode: 1,
          counts: { ...NO_COUNTS, failed: 1, fresh: 1 },
          ms: 2000,
          usage: { costUsd: 0.5 },
          published: 0,
        },
        jobs: 1,
        workMs: 2000,
        waitMs: 0,
        endedMs: 2500,
      },
      {
        project: 'web',
        outcome: 'skipped',
        exitCode: 1,
        because: 'api',
        jobs: 0,
        workMs: 0,
        waitMs: 0,
        endedMs: 2600,
      },
    ],
  },
};

test('plain lines begin with the name of their project', () => {
  let text = '';
  const reporter = projectsPlainReporter({ write: (more) => (text += more) }, plainStyle);
  for (const event of STORY) reporter.on(event);
  expect(text).toBe('handbook built    g/T1  1.2s\n');
  text = '';
  reporter.on({
    type: 'project.imported',
    project: 'api',
    files: { from: 'x', into: 'imports/x', written: ['a', 'b'], removed: [], left: ['c'] },
  });
  expect(text.split('\n')[0]).toBe('api      got 2 files of x in imports/x');
  expect(text.split('\n')[1]).toContain('you changed it');
});

test('the summary has one line a project, and one of all', () => {
  let text = '';
  const reporter = projectsPlainReporter({ write: (more) => (text += more) }, plainStyle);
  reporter.on(FINISHED);
  const lines = text.trimEnd().split('\n');
  expect(lines[1]).toMatch(/^api +failed .*\$0\.50 +2\.0s/);
  expect(lines[2]).toMatch(/^web +skipped .*needs api$/);
  expect(lines.at(-1)).toBe('conductor: 2 projects: 1 failed, 1 skipped in 3.0s ($0.50)');
});

test('a dry run has its own columns, and columns that no project needs are left out', () => {
  let text = '';
  const reporter = projectsPlainReporter({ write: (more) => (text += more) }, plainStyle);
  const counts = { ...NO_COUNTS, built: 1, skipped: 2 };
  const summary = { outcome: 'would-build', exitCode: 0, counts, ms: 1, usage: {}, published: 0 } as const;
  const rest = { exitCode: 0, jobs: 0, workMs: 0, waitMs: 0, endedMs: 1 } as const;
  reporter.on({
    type: 'projects.finished',
    summary: { exitCode: 0, ms: 5, projects: [{ project: 'api', outcome: 'would-build', summary, ...rest }] },
  });
  expect(text.split('\n')).toEqual([
    'project  outcome   to build  to restore  fresh  failing  waiting',
    'api      to build  1         0           0      0        2',
    'conductor: 1 project: 1 to build in 5ms',
    '',
  ]);
});

test('events of builds keep their keys in JSON, and have the project', () => {
  const lines: string[] = [];
  const reporter = projectsJsonReporter({ write: (text) => lines.push(text) }, 'conductor');
  for (const event of [...STORY, FINISHED]) reporter.on(event);
  const events = lines.map((line) => JSON.parse(line));
  expect(events[0]).toEqual({
    schema: 1,
    type: 'projects.started',
    projects: ['api', 'handbook'],
    workers: 4,
  });
  expect(events[1]).toMatchObject({
    project: 'api',
    schema: 1,
    type: 'build.planned',
    tasks: ['f/T1', 'f/T2'],
  });
  expect(events.at(-1)).toMatchObject({ type: 'projects.finished', summary: { exitCode: 1 } });
});

test('one block shows all projects and their running tasks, and is gone at the end', () => {
  let text = '';
  const timers: (() => void)[] = [];
  const reporter = projectsTerminalReporter({
    stream: { write: (more) => (text += more), columns: 60, rows: 20 },
    style: plainStyle,
    now: () => 6000,
    after: (_ms, call) => {
      timers.push(call);
      return () => timers.splice(timers.indexOf(call), 1);
    },
  });
  for (const event of STORY) reporter.on(event);
  timers.shift()?.();
  const block = text.slice(text.lastIndexOf('\u001b[J') + 3);
  expect(text).toContain('1/3 done in 2 projects, 1 running');
  expect(block).toContain('api       0/2 done, 1 running, 1 waiting');
  expect(block).toContain('handbook  1/1 done');
  expect(block).toContain('api f/T1  starting 5s');
  for (const line of block.split('\n')) expect(line.length).toBeLessThan(60);
  text = '';
  reporter.on(FINISHED);
  reporter.close();
  expect(text).toContain('1 failed, 1 skipped');
  expect(text).not.toContain('running');
});

test('on a narrow terminal, numbers and states are not pushed out by long names', () => {
  const states = new Map([['a-project-with-a-long-name-that-goes-on', NO_PROGRESS]]);
  for (const [name, state] of states) {
    const planned = progress(state, bodyOf({ type: 'build.planned', tasks: ['f/T1', 'f/T2'] }));
    const started = bodyOf({ type: 'task.started', task: 'f/T1', attempt: 1, recipe: 'run' });
    states.set(name, progress(planned, started));
  }
  expect(projectsBlock(states, { now: 6000, columns: 42, rows: 20 })).toEqual([
    '[>    ] 0/2 done in 1 project, 1 running',
    '  a-project-wit…  0/2 done, 1 running, 1…',
    '    a-project-wit… f/T1  starting 5s',
  ]);
});

test('hints of a build are commands for the folder of its project', () => {
  let text = '';
  const calledIn = (project: string) => `cd ../${project} && npx conductor`;
  const sink = { write: (more: string) => (text += more) };
  const failure = { kind: 'gate-failed', gate: 'check', output: { tail: 'bad' }, ms: 1 } as never;
  const body = { type: 'task.finished', task: 'f/T1', outcome: 'failed', ms: 1, failure } as const;
  projectsPlainReporter(sink, plainStyle, { calledIn }).on(of('api', body));
  expect(text).toContain('`cd ../api && npx conductor log f/T1`');
  text = '';
  projectsJsonReporter(sink, 'npx conductor', calledIn).on(of('api', body));
  expect(JSON.parse(text).error.fix).toContain('`cd ../api && npx conductor log f/T1`');
});

test('reports of a CI have hints for the folder of each project, and say what a range of commits leaves out', () => {
  const record = new ProjectsRecord('npx conductor', (project) => `cd ${project} && npx conductor`);
  const failure = { kind: 'gate-failed', gate: 'check', output: { tail: 'bad' }, ms: 1 } as never;
  const body = { type: 'task.finished', task: 'f/T1', outcome: 'failed', ms: 1, failure } as const;
  const range = { since: 'HEAD~1', base: 'f'.repeat(40), touched: 1, dependents: 0, leftOut: 4, removed: 0 };
  record.on({ type: 'projects.started', projects: ['api', 'web'], workers: 1 });
  record.on(of('api', { type: 'build.planned', tasks: ['f/T1'], workers: 1, range }));
  record.on(of('api', body));
  // What is no matter of a build is corrected where the list is.
  const unbuilt = {
    kind: 'usage',
    message: 'web is not cloned yet',
    hint: '`conductor x` clones it',
  } as const;
  record.on({
    type: 'project.finished',
    project: 'web',
    outcome: {
      ...{ project: 'web', outcome: 'failed', exitCode: 2, failure: unbuilt },
      ...{ jobs: 0, workMs: 0, waitMs: 0, endedMs: 1 },
    },
  });
  const summary = projectsStepSummary(record, 'conductor projects build');
  for (const text of [summary, projectsJunitXml(record, 'conductor projects build')]) {
    expect(text).toMatch(/`cd api (&&|&amp;&amp;) npx conductor log f\/T1`/);
    expect(text).toContain('`npx conductor x` clones it');
  }
  expect(summary).toMatch(/^- <code>api<\/code>: since HEAD&#126;1 .*1 task touched; left out: 4 tasks$/m);
});

test('JUnit has the suites of each project, why one was not built, and the failure of one that could not be', () => {
  const record = new ProjectsRecord();
  const failure = { kind: 'git-failed', command: 'clone', detail: 'no route' } as const;
  const rest = { jobs: 0, workMs: 0, waitMs: 0, endedMs: 1 };
  const events: readonly ProjectEvent[] = [
    { type: 'projects.started', projects: ['api', 'handbook', 'web', 'docs', 'late'], workers: 1 },
    ...STORY.slice(1),
    {
      type: 'project.finished',
      project: 'web',
      outcome: { project: 'web', outcome: 'skipped', exitCode: 1, because: 'api', ...rest },
    },
    {
      type: 'project.finished',
      project: 'docs',
      outcome: { project: 'docs', outcome: 'failed', exitCode: 1, failure, ...rest },
    },
    {
      type: 'project.finished',
      project: 'late',
      outcome: { project: 'late', outcome: 'interrupted', exitCode: 130, ...rest },
    },
    FINISHED,
  ];
  for (const event of events) record.on(event);
  const xml = projectsJunitXml(record, 'conductor projects build');
  expect(xml).toMatch(
    /<testsuites name="conductor projects build" tests="\d+" failures="0" errors="1" time="3.000">/,
  );
  expect(xml).toContain('<testcase classname="handbook/g" name="T1" time="1.200">');
  expect(xml).toContain('<skipped message="not built: needs api"/>');
  expect(xml).toMatch(/<testsuite name="docs" tests="1" failures="0" errors="1"/);
  expect(xml).toMatch(/<testsuite name="late" tests="1" failures="0" errors="0" skipped="1"/);
  // Nothing of this story says when it began.
  expect(xml).not.toContain('timestamp');
});

test('a dry run shows verdicts and stale copies behind the name of their project', () => {
  let text = '';
  const reporter = projectsPlainReporter({ write: (more) => (text += more) }, plainStyle, { dryRun: true });
  reporter.on({ type: 'projects.started', projects: ['api', 'web'], workers: 4 });
  reporter.on({
    type: 'project.copies',
    project: 'web',
    copies: { from: 'api', into: 'imports/api', stale: ['imports/api/a'], edited: [] },
  });
  const verdict = { kind: 'stale', reasons: [{ kind: 'never-built' }] } as const;
  reporter.on(of('api', { type: 'task.checked', task: 'f/T1', verdict }));
  expect(text.split('\n')).toEqual([
    'web would first bring 1 copy of api in imports/api up to date',
    expect.stringMatching(/^api f\/T1: /),
    '',
  ]);
});
