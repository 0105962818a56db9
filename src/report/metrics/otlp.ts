/**
 * A history as one OTLP/JSON `ExportMetricsServiceRequest`, with the names of OpenTelemetry's conventions for
 * generative AI, else with names that start with `conductor.`. Sends nothing.
 */

import { type AgentCall, featureOf, type HistoryLine, type TaskEnd } from '../../model/history.js';
import { inputTokens, listed, modelAttributes, nanos, type OtlpAttributes } from './otlp-values.js';

interface Histogram {
  readonly name: string;
  readonly unit: string;
  /** As the conventions recommend. */
  readonly bounds: readonly number[];
}

const TOKEN_USAGE: Histogram = {
  name: 'gen_ai.client.token.usage',
  unit: '{token}',
  bounds: Array.from({ length: 14 }, (_, i) => 4 ** i),
};
const CALL_DURATION: Histogram = {
  name: 'gen_ai.client.operation.duration',
  unit: 's',
  bounds: Array.from({ length: 14 }, (_, i) => 2 ** i / 100),
};
const AGENT_DURATION: Histogram = {
  name: 'gen_ai.invoke_agent.duration',
  unit: 's',
  bounds: Array.from({ length: 13 }, (_, i) => 2 ** i / 10),
};

/** Sums of the period alone, which may be sent once each. */
const DELTA = 1;

interface Measured {
  readonly attributes: OtlpAttributes;
  readonly value: number;
}

export function metricsOtlp(lines: readonly HistoryLine[], version: string): unknown {
  const calls = lines.filter((line): line is AgentCall => line.kind === 'call');
  const ends = lines.filter((line): line is TaskEnd => line.kind === 'task');
  const from = lines.reduce((least, { at, ms }) => Math.min(least, at - ms), Number.POSITIVE_INFINITY);
  const to = lines.reduce((most, { at }) => Math.max(most, at), 0);
  const period = { startTimeUnixNano: nanos(lines.length === 0 ? 0 : from), timeUnixNano: nanos(to) };
  const metrics = [
    histogram(TOKEN_USAGE, calls.flatMap(tokenCounts), period),
    histogram(CALL_DURATION, calls.map(durationOf), period),
    histogram(AGENT_DURATION, calls.map(agentDuration), period),
    sum('conductor.cost', 'USD', calls.flatMap(costOf), period),
    sum('conductor.cost.saved', 'USD', ends.flatMap(savedBy), period),
    sum('conductor.tokens.cached', '{token}', calls.flatMap(cachedOf), period),
    sum('conductor.tasks', '{task}', ends.map(outcomeOf), period),
  ].filter((metric) => metric !== undefined);
  return {
    resourceMetrics: [
      {
        resource: { attributes: listed({ 'service.name': 'conductor', 'service.version': version }) },
        scopeMetrics: [{ scope: { name: 'conductor', version }, metrics }],
      },
    ],
  };
}

function common(call: AgentCall): OtlpAttributes {
  return {
    ...modelAttributes(call),
    'conductor.phase': call.phase,
    'conductor.feature': featureOf(call.label),
    'conductor.arm': call.arm,
  };
}

function tokenCounts(call: AgentCall): Measured[] {
  const counted = (type: string, value: number | undefined) =>
    value === undefined ? [] : [{ attributes: { ...common(call), 'gen_ai.token.type': type }, value }];
  return [...counted('input', inputTokens(call.usage)), ...counted('output', call.usage.tokensOut)];
}

function durationOf(call: AgentCall): Measured {
  return { attributes: { ...common(call), 'error.type': call.failure }, value: call.ms / 1000 };
}

function agentDuration(call: AgentCall): Measured {
  const { 'gen_ai.operation.name': _, 'gen_ai.provider.name': __, ...attributes } = common(call);
  return { attributes: { ...attributes, 'error.type': call.failure }, value: call.ms / 1000 };
}

function costOf(call: AgentCall): Measured[] {
  const { costUsd } = call.usage;
  return costUsd === undefined ? [] : [{ attributes: common(call), value: costUsd }];
}

function cachedOf(call: AgentCall): Measured[] {
  const { tokensCached } = call.usage;
  return tokensCached === undefined ? [] : [{ attributes: common(call), value: tokensCached }];
}

function savedBy({ label, saved }: TaskEnd): Measured[] {
  const value = saved?.costUsd;
  return value === undefined ? [] : [{ attributes: { 'conductor.feature': featureOf(label) }, value }];
}

function outcomeOf({ label, outcome }: TaskEnd): Measured {
  return { attributes: { 'conductor.feature': featureOf(label), 'conductor.outcome': outcome }, value: 1 };
}

interface Period {
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

function histogram({ name, unit, bounds }: Histogram, all: readonly Measured[], period: Period) {
  if (all.length === 0) return undefined;
  const dataPoints = [...series(all).values()].map(({ attributes, values }) => {
    const counts = Array<number>(bounds.length + 1).fill(0);
    for (const value of values) {
      const at = bounds.findIndex((bound) => value <= bound);
      const bucket = at < 0 ? bounds.length : at;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    return {
      attributes: listed(attributes),
      ...period,
      count: String(values.length),
      sum: total(values),
      min: Math.min(...values),
      max: Math.max(...values),
      explicitBounds: bounds,
      bucketCounts: counts.map(String),
    };
  });
  return { name, unit, histogram: { aggregationTemporality: DELTA, dataPoints } };
}

function sum(name: string, unit: string, all: readonly Measured[], period: Period) {
  if (all.length === 0) return undefined;
  const dataPoints = [...series(all).values()].map(({ attributes, values }) => ({
    attributes: listed(attributes),
    ...period,
    asDouble: total(values),
  }));
  return { name, unit, sum: { aggregationTemporality: DELTA, isMonotonic: true, dataPoints } };
}

/** What has the same attributes is one series. */
function series(all: readonly Measured[]) {
  const found = new Map<string, { readonly attributes: OtlpAttributes; readonly values: number[] }>();
  for (const { attributes, value } of all) {
    const name = JSON.stringify(attributes);
    const one = found.get(name);
    if (one) one.values.push(value);
    else found.set(name, { attributes, values: [value] });
  }
  return found;
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
