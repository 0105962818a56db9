/** The collector that the standard variables of OpenTelemetry name, for one kind of data. Knows no build. */

import { err, ok, type Result } from '../../base/result.js';
import { HttpConnections } from '../../io/network/http.js';

/** As the variables name it. */
export type Signal = 'TRACES' | 'METRICS';

export interface Collector {
  /** Why it did not take one of them, of which those behind it are not sent; undefined when it has all. Never rejects. */
  send(bodies: readonly string[]): Promise<string | undefined>;
}

const SILENCE_MS = 10_000;
const MAX_ANSWER = 100_000;

/** Undefined where no variable names one. A variable that is empty counts as one that is not set. */
export function openCollector(env: NodeJS.ProcessEnv, signal: Signal): Collector | undefined {
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`];
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
  const url = own || (base ? `${base}/v1/${signal.toLowerCase()}` : undefined);
  if (!url || env.OTEL_SDK_DISABLED === 'true' || env[`OTEL_${signal}_EXPORTER`] === 'none') return undefined;
  const send = async (bodies: readonly string[]): Promise<string | undefined> => {
    if (bodies.length === 0) return undefined;
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      const name = own ? `OTEL_EXPORTER_OTLP_${signal}_ENDPOINT` : 'OTEL_EXPORTER_OTLP_ENDPOINT';
      return `${name} is not an address that starts with http:// or https://`;
    }
    const headers = headersOf(env, signal);
    if (!headers.ok) return headers.error;
    return post(new HttpConnections(env), { url, headers: headers.value, bodies });
  };
  return {
    send: (bodies) =>
      send(bodies).catch((error: unknown) => (error instanceof Error ? error.message : `${error}`)),
  };
}

interface OtlpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** One request each: collectors limit the size of one. */
  readonly bodies: readonly string[];
}

/** Closes the connections. */
async function post(connections: HttpConnections, { url, headers, bodies }: OtlpRequest) {
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
function headersOf(env: NodeJS.ProcessEnv, signal: Signal): Result<Record<string, string>, string> {
  const own = `OTEL_EXPORTER_OTLP_${signal}_HEADERS`;
  const name = env[own] ? own : 'OTEL_EXPORTER_OTLP_HEADERS';
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
