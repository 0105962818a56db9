/** A build as JUnit XML: one suite for each feature, one test case for each task, with its failure or why it was not built. */

import { type XmlElement, xmlDocument } from '../../base/xml.js';
import { describeFailure } from '../failures/failure.js';
import { duration, visibleBlock } from '../style.js';
import { type BuildRecord, failureDigest, type GateRecord, type TaskRecord } from './build-record.js';
import type { ProjectsRecord } from './projects-record.js';

/** The suite of what concerns no single task: build gates, and why a build as a whole failed. */
const WHOLE = 'conductor';

type Suites = Map<string, XmlElement[]>;

/** Valid against the schema of Jenkins (`junit-10.xsd`), which GitHub's actions and GitLab read as well. */
export function junitXml(record: BuildRecord): string {
  const { command, startedAt, summary } = record;
  return document({ name: command, ms: summary?.ms ?? 0 }, elementsOf(suitesOf(record), startedAt));
}

/** The same of several projects: the suites of each have its name in front. */
export function projectsJunitXml(record: ProjectsRecord, command: string): string {
  const { projects, summary, calledAs } = record;
  const elements = projects.flatMap(({ project, build, outcome }) => {
    const suites = suitesOf(build, `${project}/`);
    const { failure, because } = outcome ?? {};
    const why = because === undefined ? 'not built' : `not built: needs ${because}`;
    const skipped = { name: 'skipped', attributes: { message: visibleBlock(why) } };
    // A failure of its build is in the suites of the build.
    if (failure && outcome?.summary === undefined)
      add(suites, project, 'project', [problem('error', failure.kind, failureDigest(failure, calledAs))]);
    else if (outcome?.summary === undefined) add(suites, project, 'project', [skipped]);
    return elementsOf(suites, build.startedAt);
  });
  return document({ name: command, ms: summary?.ms ?? 0 }, elements);
}

/** `before` stands in front of the names of all suites. */
function suitesOf(record: BuildRecord, before = ''): Suites {
  const suites: Suites = new Map();
  const whole = `${before}${WHOLE}`;
  for (const task of record.tasks) {
    const [feature = '', ...id] = task.label.split('/');
    const suite = `${before}${feature}`;
    put(suites, suite, testcase(suite, id.join('/'), task.ms, taskChildren(task, record.calledAs)));
  }
  for (const gate of record.gates) put(suites, whole, gateCase(gate, record, whole));
  const isTold = new Set(record.gates.map(({ gate }) => gate));
  for (const failure of record.failures) {
    if ('gate' in failure && isTold.has(failure.gate)) continue;
    add(suites, whole, 'build', [problem('error', failure.kind, failureDigest(failure, record.calledAs))]);
  }
  return suites;
}

function add(suites: Suites, suite: string, name: string, children: readonly XmlElement[]): void {
  put(suites, suite, testcase(suite, name, 0, children));
}

function put(suites: Suites, suite: string, testcase: XmlElement): void {
  const known = suites.get(suite);
  if (known) known.push(testcase);
  else suites.set(suite, [testcase]);
}

function taskChildren(task: TaskRecord, calledAs: string | undefined): XmlElement[] {
  const { label, outcome, failure, because } = task;
  const said = [
    ...(outcome === undefined ? [] : [`outcome: ${outcome}`]),
    ...task.gates.map(gateLine),
    ...task.warnings.map((warning) => `warning: ${warning}`),
  ];
  const output = said.length === 0 ? [] : [{ name: 'system-out', children: [visibleBlock(said.join('\n'))] }];
  if (outcome === 'failed') {
    const digest = failure === undefined ? `${label} failed` : failureDigest(failure, calledAs, label);
    const headline = failure === undefined ? 'failed' : describeFailure(failure, label).headline;
    return [problem('failure', failure?.kind ?? 'failed', digest, headline), ...output];
  }
  if (outcome === 'skipped' || outcome === undefined) {
    const why = because === undefined ? 'not built' : `not built: needs ${because}`;
    return [{ name: 'skipped', attributes: { message: visibleBlock(why) } }, ...output];
  }
  return output;
}

function gateCase(gate: GateRecord, { failures, calledAs }: BuildRecord, suite: string): XmlElement {
  const failure = failures.find((one) => 'gate' in one && one.gate === gate.gate);
  const children = gate.ok
    ? []
    : [
        problem(
          'failure',
          failure?.kind ?? 'gate-failed',
          failure ? failureDigest(failure, calledAs) : gateLine(gate),
        ),
      ];
  return testcase(suite, `gate ${gate.gate}`, gate.ms, children);
}

function gateLine({ gate, ok, ms }: GateRecord): string {
  return `gate ${gate}: ${ok ? 'passed' : 'failed'} after ${duration(ms)}`;
}

function problem(name: 'failure' | 'error', type: string, digest: string, headline?: string): XmlElement {
  const message = headline ?? digest.split('\n', 1)[0] ?? '';
  return { name, attributes: { type, message: visibleBlock(message) }, children: [digest] };
}

function testcase(suite: string, name: string, ms: number, children: readonly XmlElement[]): XmlElement {
  return {
    name: 'testcase',
    attributes: { classname: visibleBlock(suite), name: visibleBlock(name), time: seconds(ms) },
    children,
  };
}

/** `startedAt`: 0 of what was not built. */
function elementsOf(suites: Suites, startedAt: number): XmlElement[] {
  const time = new Date(startedAt).toISOString().slice(0, 19);
  const timestamp = startedAt === 0 ? {} : { timestamp: time };
  return [...suites].map(([suite, cases]) => {
    const ms = cases.reduce((sum, one) => sum + Number(one.attributes?.time ?? 0) * 1000, 0);
    const attributes = { name: visibleBlock(suite), ...counts(cases), skipped: having(cases, 'skipped') };
    return {
      name: 'testsuite',
      attributes: { ...attributes, time: seconds(ms), ...timestamp },
      children: cases,
    };
  });
}

function document(
  { name, ms }: { readonly name: string; readonly ms: number },
  suites: readonly XmlElement[],
): string {
  const all = suites.flatMap(({ children = [] }) => children as readonly XmlElement[]);
  return xmlDocument({
    name: 'testsuites',
    attributes: { name: visibleBlock(name), ...counts(all), time: seconds(ms) },
    children: suites,
  });
}

function counts(cases: readonly XmlElement[]) {
  return { tests: cases.length, failures: having(cases, 'failure'), errors: having(cases, 'error') };
}

function having(cases: readonly XmlElement[], name: string): number {
  return cases.filter(({ children = [] }) =>
    children.some((child) => typeof child !== 'string' && child.name === name),
  ).length;
}

function seconds(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3);
}
