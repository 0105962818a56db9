/**
 * Sends the spans of a build to the collector that the standard variables of OpenTelemetry name. A collector that is away
 * costs a warning, never a build.
 */

import { err, ok, type Result } from '../base/result.js';
import { HttpConnections } from '../io/network/http.js';
import type { BuildEvent } from '../model/event.js';
import { BuildSpans } from '../report/metrics/spans.js';
import { printWarning } from './output.js';
import { VERSION } from './version.js';

export interface Telemetry {
  on(event: BuildEvent): void;
  send(): Promise<void>;
}

const SILENCE_MS = 10_000;
const MAX_ANSWER = 100_000;

/** Undefined where no variable names a collector. A variable that is empty counts as one that is not set. */
export function openTelemetry(env: NodeJS.ProcessEnv): Telemetry | undefined {
  const own = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
  const url = own || (base ? `${base}/v1/traces` : undefined);
  if (!url || env.OTEL_SDK_DISABLED === 'true') return undefined;
  const spans = new BuildSpans({
    service: env.OTEL_SERVICE_NAME || 'conductor',
    version: VERSION,
    ...(env.TRACEPARENT ? { parent: env.TRACEPARENT } : {}),
  });
  const problemOf = async (): Promise<string | undefined> => {
    const bodies = spans.bodies();
    if (bodies.length === 0) return undefined;
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      const name = own ? 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT' : 'OTEL_EXPORTER_OTLP_ENDPOINT';
      return `${name} is not an address that starts with http:// or https://`;
    }
    const headers = headersOf(env);
    if (!headers.ok) return headers.error;
    return post(new HttpConnections(env), { url, headers: headers.value, bodies });
  };
  return {
    on: (event) => spans.on(event),
    // The build is over: nothing about its spans may change how it ended.
    async send() {
      const problem = await problemOf().catch((error) =>
        error instanceof Error ? error.message : `${error}`,
      );
      if (problem !== undefined)
        printWarning(`the spans of this build were not taken by the collector: ${problem}`);
    },
  };
}

interface SpanRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One request each: collectors limit the size of one. */
  readonly bodies: readonly string[];
}

/** Why the collector did not take one of them: those behind it are not sent. Closes the connections. */
async function post(connections: HttpConnections, { url, headers, bodies }: SpanRequest) {
  try {
    for (const body of bodies) {
      const sent = await connections.request({
        method: 'POST',
        url,
        headers: { ...headers, 'content-type': 'application/json' },
        body: Buffer.from(body),
        signal: AbortSignal.timeout(SILENCE_MS),
        silenceMs: SILENCE_MS,
        maxBytes: MAX_ANSWER,
      });
      if (!sent.ok) return sent.error.detail;
      if (sent.value.status >= 300) return `it answers ${sent.value.status}`;
    }
    return undefined;
  } finally {
    connections.close();
  }
}

/** `name=value,name=value`, the values percent-encoded. They may be secrets: what is wrong is said without them. */
function headersOf(env: NodeJS.ProcessEnv): Result<Record<string, string>, string> {
  const name = env.OTEL_EXPORTER_OTLP_TRACES_HEADERS
    ? 'OTEL_EXPORTER_OTLP_TRACES_HEADERS'
    : 'OTEL_EXPORTER_OTLP_HEADERS';
  const pairs = (env[name] ?? '').split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), pair.slice(at + 1).trim()] as const];
  });
  try {
    return ok(Object.fromEntries(pairs.map(([header, value]) => [header, decodeURIComponent(value)])));
  } catch {
    return err(`${name} has a value that is not percent-encoded (a % is written as %25)`);
  }
}
