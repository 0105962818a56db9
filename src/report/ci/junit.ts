/** A build as JUnit XML: one suite for each feature, one test case for each task, with its failure or why it was not built. */

import { type XmlElement, xmlDocument } from '../../base/xml.js';
import { describeFailure } from '../failures/failure.js';
import { duration, visibleBlock } from '../style.js';
import { type BuildRecord, failureDigest, type GateRecord, type TaskRecord } from './build-record.js';

/** The suite of what concerns no single task: build gates, and why a build as a whole failed. */
const WHOLE = 'conductor';

type Suites = Map<string, XmlElement[]>;

/** Valid against the schema of Jenkins (`junit-10.xsd`), which GitHub's actions and GitLab read as well. */
export function junitXml(record: BuildRecord): string {
  const suites: Suites = new Map();
  const add = (suite: string, testcase: XmlElement) => {
    const known = suites.get(suite);
    if (known) known.push(testcase);
    else suites.set(suite, [testcase]);
  };
  for (const task of record.tasks) {
    const [feature = '', ...id] = task.label.split('/');
    add(feature, testcase(feature, id.join('/'), task.ms, taskChildren(task)));
  }
  for (const gate of record.gates) add(WHOLE, gateCase(gate, record));
  const isTold = new Set(record.gates.map(({ gate }) => gate));
  for (const failure of record.failures) {
    if ('gate' in failure && isTold.has(failure.gate)) continue;
    add(WHOLE, testcase(WHOLE, 'build', 0, [problem('error', failure.kind, failureDigest(failure))]));
  }
  return document(record, suites);
}

function taskChildren(task: TaskRecord): XmlElement[] {
  const { label, outcome, failure, because } = task;
  const said = [
    ...(outcome === undefined ? [] : [`outcome: ${outcome}`]),
    ...task.gates.map(gateLine),
    ...task.warnings.map((warning) => `warning: ${warning}`),
  ];
  const output = said.length === 0 ? [] : [{ name: 'system-out', children: [visibleBlock(said.join('\n'))] }];
  if (outcome === 'failed') {
    const digest = failure === undefined ? `${label} failed` : failureDigest(failure, label);
    const headline = failure === undefined ? 'failed' : describeFailure(failure, label).headline;
    return [problem('failure', failure?.kind ?? 'failed', digest, headline), ...output];
  }
  if (outcome === 'skipped' || outcome === undefined) {
    const why = because === undefined ? 'not built' : `not built: needs ${because}`;
    return [{ name: 'skipped', attributes: { message: visibleBlock(why) } }, ...output];
  }
  return output;
}

function gateCase(gate: GateRecord, { failures }: BuildRecord): XmlElement {
  const failure = failures.find((one) => 'gate' in one && one.gate === gate.gate);
  const children = gate.ok
    ? []
    : [problem('failure', failure?.kind ?? 'gate-failed', failure ? failureDigest(failure) : gateLine(gate))];
  return testcase(WHOLE, `gate ${gate.gate}`, gate.ms, children);
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

function document({ command, startedAt, summary }: BuildRecord, suites: Suites): string {
  const timestamp = new Date(startedAt).toISOString().slice(0, 19);
  const elements = [...suites].map(([suite, cases]): XmlElement => {
    const ms = cases.reduce((sum, one) => sum + Number(one.attributes?.time ?? 0) * 1000, 0);
    const attributes = { name: visibleBlock(suite), ...counts(cases), skipped: having(cases, 'skipped') };
    return {
      name: 'testsuite',
      attributes: { ...attributes, time: seconds(ms), timestamp },
      children: cases,
    };
  });
  const all = [...suites.values()].flat();
  return xmlDocument({
    name: 'testsuites',
    attributes: { name: visibleBlock(command), ...counts(all), time: seconds(summary?.ms ?? 0) },
    children: elements,
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
