/**
 * Sends the spans of a build to the collector that the standard variables of OpenTelemetry name. A collector that is away
 * costs a warning, never a build.
 */

import type { BuildEvent } from '../../model/event.js';
import type { Label } from '../../model/task.js';
import { BuildSpans } from '../../report/metrics/spans.js';
import { printWarning } from '../output.js';
import { VERSION } from '../version.js';
import { openCollector } from './collector.js';

export interface Telemetry {
  on(event: BuildEvent): void;
  /** For what works for a task elsewhere. */
  traceparent(task: Label): string | undefined;
  send(): Promise<void>;
}

/** Undefined where no variable names a collector. A variable that is empty counts as one that is not set. */
export function openTelemetry(env: NodeJS.ProcessEnv): Telemetry | undefined {
  const collector = openCollector(env, 'TRACES');
  if (!collector) return undefined;
  const spans = new BuildSpans({
    service: env.OTEL_SERVICE_NAME || 'conductor',
    version: VERSION,
    ...(env.TRACEPARENT ? { parent: env.TRACEPARENT } : {}),
  });
  return {
    on: (event) => spans.on(event),
    traceparent: (task) => spans.traceparent(task),
    // The build is over: nothing about its spans may change how it ended.
    async send() {
      const problem = await collector.send(spans.bodies());
      if (problem !== undefined)
        printWarning(`the spans of this build were not taken by the collector: ${problem}`);
    },
  };
}
