/** Spans of a build at a collector that takes OTLP over HTTP, and what happens where there is none. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import type { BuildEvent } from '../../model/event.js';
import { TemporaryProject } from '../../test/rig/command-line.js';
import { openTelemetry } from './build-telemetry.js';

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly status?: { readonly code: number; readonly message: string };
}

interface OtlpResource {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
}

async function collector(status = 200) {
  const spans: OtlpSpan[] = [];
  const services: string[] = [];
  const headers: http.IncomingHttpHeaders[] = [];
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    headers.push({ ...request.headers, path: request.url });
    const { resourceSpans } = JSON.parse(Buffer.concat(parts).toString('utf8')) as {
      resourceSpans: { resource: OtlpResource; scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    services.push(...resourceSpans.map(({ resource }) => resource.attributes[0]?.value.stringValue ?? ''));
    spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { spans, services, headers, url, close: () => new Promise((resolve) => server.close(resolve)) };
}

test('a build sends its spans to the collector of the standard variables, within the trace that started it', async () => {
  const taken = await collector();
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'specs/f/BACKLOG.yaml':
      'feature: f\ntasks:\n  - { id: T1, title: t, inputs: [], outputs: [a.txt], run: echo a > a.txt, verify: ["true"] }\n  - { id: T2, title: t, inputs: [], outputs: [b.txt], run: exit 3 }\n',
  });
  try {
    project.commit();
    const trace = 'a'.repeat(32);
    const env = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${taken.url}/`,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%20b',
      TRACEPARENT: `00-${trace}-${'b'.repeat(16)}-01`,
    };
    const built = await project.start(['build'], env).ended;
    expect(built.code).toBe(1);
    expect(taken.headers).toMatchObject([{ 'x-key': 'a b', path: '/v1/traces' }]);
    const named = (name: string) => taken.spans.filter((span) => span.name === name);
    const [build] = named('build');
    expect(build).toMatchObject({ traceId: trace, parentSpanId: 'b'.repeat(16), status: { code: 2 } });
    const [first, second] = [named('task f/T1')[0], named('task f/T2')[0]];
    expect([first?.parentSpanId, second?.parentSpanId]).toEqual([build?.spanId, build?.spanId]);
    expect([first?.status, second?.status]).toEqual([undefined, { code: 2, message: 'command-failed' }]);
    expect(named('gates')[0]?.parentSpanId).toBe(first?.spanId);
    for (const span of taken.spans)
      expect(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano)).toBe(true);
    expect(new Set(taken.spans.map(({ spanId }) => spanId)).size).toBe(taken.spans.length);
  } finally {
    project.dispose();
    await taken.close();
  }
});

test('a collector that refuses, or that is away, costs a warning', async () => {
  const refusing = await collector(503);
  const project = new TemporaryProject({
    '.gitignore': '.conductor/\n',
    'specs/f/BACKLOG.yaml':
      'feature: f\ntasks:\n  - { id: T1, title: t, inputs: [], outputs: [a.txt], run: echo a > a.txt }\n',
  });
  try {
    project.commit();
    const first = await project.start(['build'], { OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url }).ended;
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining('it answers 503')]);
    await refusing.close();
    const second = await project.start(['build', '--force'], { OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url })
      .ended;
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('not taken by the collector')]);
  } finally {
    project.dispose();
  }
});

/** What `send` warns of, for spans of a small build. */
async function sent(env: NodeJS.ProcessEnv, tasks = 1): Promise<string[]> {
  const stamp = { schema: 1, seq: 0, at: 1_000 } as const;
  const events = [
    { ...stamp, type: 'build.started', build: 'b1', command: 'build', version: '1' },
    ...Array.from({ length: tasks }, (_, at) => [
      { ...stamp, type: 'task.started', task: `f/T${at}`, attempt: 1, recipe: 'run' },
      { ...stamp, type: 'task.finished', task: `f/T${at}`, outcome: 'built', ms: 1 },
    ]).flat(),
  ] as unknown as BuildEvent[];
  const printed: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    printed.push(String(text));
    return true;
  });
  try {
    const telemetry = openTelemetry(env);
    expect(telemetry).toBeDefined();
    for (const event of events) telemetry?.on(event);
    await telemetry?.send();
  } finally {
    stderr.mockRestore();
  }
  return printed;
}

test.each([
  ['a header that is not percent-encoded', { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=50%' }, 'OTLP_HEADERS'],
  ['a header that HTTP does not allow', { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%0Ab' }, 'ERR_INVALID_CHAR'],
  ['an address without http://', { OTEL_EXPORTER_OTLP_ENDPOINT: '127.0.0.1:4318' }, 'OTLP_ENDPOINT'],
  ['an address that is none', { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://[' }, 'OTLP_TRACES_ENDPOINT'],
  ['a proxy whose password is not percent-encoded', { http_proxy: 'http://u:50%@127.0.0.1:9' }, 'URI'],
])('%s costs a warning that names it', async (_name, env, named) => {
  const printed = await sent({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', ...env });
  expect(printed).toEqual([expect.stringContaining('not taken by the collector')]);
  expect(printed[0]).toContain(named);
  expect(printed[0]).not.toMatch(/50%|http:\/\/\[/);
});

test('a variable that is empty counts as one that is not set', async () => {
  const taken = await collector();
  try {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: taken.url, OTEL_EXPORTER_OTLP_HEADERS: 'x-key=general' };
    const empty = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '', OTEL_EXPORTER_OTLP_TRACES_HEADERS: '' };
    expect(await sent({ ...env, ...empty, OTEL_SERVICE_NAME: '' })).toEqual([]);
    expect(await sent({ ...env, OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=traces' })).toEqual([]);
    expect(taken.headers).toMatchObject([
      { 'x-key': 'general', path: '/v1/traces' },
      { 'x-key': 'traces', path: '/v1/traces' },
    ]);
    expect(taken.services).toEqual(['conductor', 'conductor']);
  } finally {
    await taken.close();
  }
});

test('spans of a large build are sent in pieces; behind a piece that is refused none is sent', async () => {
  const [taken, refusing] = [await collector(), await collector(503)];
  try {
    expect(await sent({ OTEL_EXPORTER_OTLP_ENDPOINT: taken.url }, 4_500)).toEqual([]);
    expect([taken.headers.length, taken.spans.length]).toEqual([3, 4_500]);
    const printed = await sent({ OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url }, 4_500);
    expect(printed).toEqual([expect.stringContaining('it answers 503')]);
    expect(refusing.headers).toHaveLength(1);
  } finally {
    await Promise.all([taken.close(), refusing.close()]);
  }
});
