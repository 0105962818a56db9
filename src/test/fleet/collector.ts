/** A collector that takes OTLP over HTTP in JSON, as OpenTelemetry's own one does. Knows no build. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}

export interface TakenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
}

export interface TakenPoint {
  readonly metric: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Of a histogram: how many were measured. */
  readonly value: number;
}

interface OtlpPoint {
  readonly attributes: readonly OtlpAttribute[];
  readonly timeUnixNano: string;
  readonly asInt?: string;
  readonly count?: string;
  readonly bucketCounts?: readonly string[];
  readonly explicitBounds?: readonly number[];
}

interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly gauge?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly sum?: { readonly dataPoints: readonly OtlpPoint[] };
  readonly histogram?: { readonly dataPoints: readonly OtlpPoint[] };
}

interface OtlpBody {
  readonly resourceSpans?: readonly { scopeSpans: readonly { spans: readonly TakenSpan[] }[] }[];
  readonly resourceMetrics?: readonly { scopeMetrics: readonly { metrics: readonly OtlpMetric[] }[] }[];
}

export class Collector implements AsyncDisposable {
  readonly spans: TakenSpan[] = [];
  readonly points: TakenPoint[] = [];
  private readonly server: http.Server;

  private constructor() {
    this.server = http.createServer(async (request, response) => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as OtlpBody;
      const isRight =
        request.method === 'POST' &&
        request.headers['content-type'] === 'application/json' &&
        (request.url === '/v1/traces'
          ? body.resourceSpans
          : request.url === '/v1/metrics' && body.resourceMetrics);
      if (isRight) this.take(body);
      response.writeHead(isRight ? 200 : 400, { 'content-type': 'application/json' }).end('{}');
    });
  }

  static async start(): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => collector.server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The greatest value that was told of a metric, with these attributes at least. */
  most(metric: string, attributes: Readonly<Record<string, string>> = {}): number | undefined {
    const values = this.points.flatMap((point) =>
      point.metric === metric &&
      Object.entries(attributes).every(([name, value]) => point.attributes[name] === value)
        ? [point.value]
        : [],
    );
    return values.length === 0 ? undefined : Math.max(...values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private take({ resourceSpans = [], resourceMetrics = [] }: OtlpBody): void {
    for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans);
    for (const { scopeMetrics } of resourceMetrics)
      for (const { metrics } of scopeMetrics) for (const metric of metrics) this.takeMetric(metric);
  }

  private takeMetric({ name, gauge, sum, histogram }: OtlpMetric): void {
    for (const point of (gauge ?? sum ?? histogram)?.dataPoints ?? []) {
      const { bucketCounts, explicitBounds, count, asInt } = point;
      if (bucketCounts && bucketCounts.length !== (explicitBounds?.length ?? 0) + 1)
        throw new Error(`${name} has another number of buckets than bounds`);
      const attributes = point.attributes.map(({ key, value }) => [key, value.stringValue ?? ''] as const);
      this.points.push({
        ...{ metric: name, attributes: Object.fromEntries(attributes), value: Number(count ?? asInt) },
      });
    }
  }
}
