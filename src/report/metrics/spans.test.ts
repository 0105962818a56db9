/** What spans say of a session of an agent, and that they are distinct within a trace of many builds. */

import { expect, test } from 'vitest';
import type { BuildEvent } from '../../model/event.js';
import type { AgentCall } from '../../model/history.js';
import { metricsOtlp } from './otlp.js';
import { BuildSpans } from './spans.js';

interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string;
  readonly doubleValue?: number;
}

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
}

const TRACE = 'a'.repeat(32);
const CALL = {
  attempt: 1,
  phase: 'implementation',
  agent: 'opencode',
  model: 'google/gemini',
  promptBytes: 9,
  ms: 5,
  usage: { tokensIn: 100, tokensOut: 20, tokensCached: 7, costUsd: 0.5 },
} as const;

/** The spans of a build in which an agent had some sessions, request by request. */
function spansOf(build: string, sessions = 1): OtlpSpan[][] {
  const spans = new BuildSpans({ service: 's', version: '1', parent: `00-${TRACE}-${'b'.repeat(16)}-01` });
  const stamp = { schema: 1, seq: 0, at: 1_000 } as const;
  const events = [
    { ...stamp, type: 'build.started', build, command: 'build', version: '1' },
    { ...stamp, type: 'task.started', task: 'f/T1', attempt: 1, recipe: 'agent' },
    ...Array.from({ length: sessions }, () => ({ ...stamp, type: 'agent.finished', task: 'f/T1', ...CALL })),
    { ...stamp, type: 'task.finished', task: 'f/T1', outcome: 'built', ms: 1 },
  ] as unknown as BuildEvent[];
  for (const event of events) spans.on(event);
  return spans.bodies().map((body) => {
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
  });
}

test('builds of one trace have spans with different ids', () => {
  const all = [...spansOf('b1').flat(), ...spansOf('b2').flat()];
  expect(all.map(({ traceId }) => traceId)).toEqual(Array(4).fill(TRACE));
  expect(new Set(all.map(({ spanId }) => spanId)).size).toBe(4);
});

test('many spans are sent in pieces, each span once; none without spans', () => {
  const pieces = spansOf('b1', 4_500);
  expect(pieces.map((spans) => spans.length)).toEqual([2_000, 2_000, 501]);
  expect(new Set(pieces.flat().map(({ spanId }) => spanId)).size).toBe(4_501);
  expect(new BuildSpans({ service: 's', version: '1' }).bodies()).toEqual([]);
});

test('spans and metrics say the same of a session, by the conventions for generative AI', () => {
  const span = spansOf('b1')
    .flat()
    .find(({ name }) => name === 'agent opencode');
  const said = new Map(span?.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
  expect(Object.fromEntries(said)).toMatchObject({
    'gen_ai.provider.name': 'gcp.gemini',
    'gen_ai.request.model': 'gemini',
    'gen_ai.usage.input_tokens': '107',
    'gen_ai.usage.output_tokens': '20',
    'conductor.cost_usd': 0.5,
  });
  expect(said.has('error.type')).toBe(false);
  const call: AgentCall = { kind: 'call', at: 1_000, build: 'b1', label: 'f/T1', ...CALL };
  const exported = metricsOtlp([call], '1') as {
    resourceMetrics: {
      scopeMetrics: { metrics: { name: string; histogram: { dataPoints: Point[] } }[] }[];
    }[];
  };
  const [usage] = exported.resourceMetrics[0]?.scopeMetrics[0]?.metrics ?? [];
  const [input] = usage?.histogram.dataPoints ?? [];
  expect(input?.sum).toBe(107);
  const measured = input?.attributes.filter(({ key }) => key.startsWith('gen_ai.') && !key.includes('token'));
  expect(measured).toHaveLength(4);
  for (const { key, value } of measured ?? []) expect(said.get(key)).toBe(value.stringValue);
});

interface Point {
  readonly sum: number;
  readonly attributes: OtlpSpan['attributes'];
}
