/**
 * Sends the spans of a build to the collector that the standard variables of OpenTelemetry name. A collector that is away
 * costs a warning, never a build.
 */

import { HttpConnections } from '../io/network/http.js';
import type { BuildEvent } from '../model/event.js';
import { BuildSpans } from '../report/fleet/open-telemetry.js';
import { printWarning } from './output.js';
import { VERSION } from './version.js';

export interface Telemetry {
  on(event: BuildEvent): void;
  send(): Promise<void>;
}

const SILENCE_MS = 10_000;
const MAX_ANSWER = 100_000;

/** Undefined where no variable names a collector. */
export function openTelemetry(env: NodeJS.ProcessEnv): Telemetry | undefined {
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT?.replace(/\/+$/, '');
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base ? `${base}/v1/traces` : undefined);
  if (!url || env.OTEL_SDK_DISABLED === 'true') return undefined;
  const spans = new BuildSpans({
    service: env.OTEL_SERVICE_NAME ?? 'conductor',
    version: VERSION,
    ...(env.TRACEPARENT ? { parent: env.TRACEPARENT } : {}),
  });
  return {
    on: (event) => spans.on(event),
    async send() {
      const body = spans.body();
      if (body === undefined) return;
      const connections = new HttpConnections(env);
      const headers = { 'content-type': 'application/json', ...headersOf(env.OTEL_EXPORTER_OTLP_HEADERS) };
      const request = { method: 'POST', url, headers, body: Buffer.from(body) } as const;
      const signal = AbortSignal.timeout(SILENCE_MS);
      const sent = await connections.request({
        ...request,
        signal,
        silenceMs: SILENCE_MS,
        maxBytes: MAX_ANSWER,
      });
      connections.close();
      const problem = !sent.ok
        ? sent.error.detail
        : sent.value.status >= 300
          ? `it answers ${sent.value.status}`
          : undefined;
      if (problem !== undefined)
        printWarning(`the spans of this build were not taken by the collector: ${problem}`);
    },
  };
}

/** `name=value,name=value`, the values as in an address. */
function headersOf(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}
