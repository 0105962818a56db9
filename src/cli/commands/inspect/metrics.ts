/** `conductor metrics`: selects and adds up the history of the project, as text, page, JSON or for other programs. */

import { basename, resolve } from 'node:path';
import { projectHistory } from '../../../build/history/history-files.js';
import { writeAtomic } from '../../../io/files.js';
import { metricsCsv } from '../../../report/metrics/csv.js';
import { metricsOf } from '../../../report/metrics/metrics.js';
import { metricsPage } from '../../../report/metrics/metrics-page.js';
import { metricsOtlp } from '../../../report/metrics/otlp.js';
import { selectLines, unmatched } from '../../../report/metrics/selection.js';
import { metricsText } from '../../../report/metrics/text.js';
import { isLive, print, printJson, printWarning, refuse, remark, say, styleFor } from '../../output.js';
import { VERSION } from '../../version.js';
import { createHost } from '../../wire.js';

interface MetricsFlags {
  readonly since?: number;
  readonly feature?: readonly string[];
  readonly model?: readonly string[];
  readonly json?: boolean;
  readonly html?: string;
  readonly export?: 'csv' | 'otlp-json';
}

export async function runMetrics(flags: MetricsFlags): Promise<number> {
  const { directory } = createHost(process.cwd());
  const history = await projectHistory(directory);
  if (!history.ok) return refuse(history.error);
  const selection = {
    ...(flags.since === undefined ? {} : { since: flags.since }),
    features: flags.feature ?? [],
    models: flags.model ?? [],
  };
  for (const words of unmatched(history.value, selection))
    printWarning(`${words} matches nothing that is recorded`);
  const lines = selectLines(history.value, selection);
  if (flags.export === 'csv') {
    process.stdout.write(metricsCsv(lines));
    return 0;
  }
  if (flags.export === 'otlp-json') {
    printJson(metricsOtlp(lines, VERSION));
    return 0;
  }
  const metrics = metricsOf(lines);
  if (flags.html !== undefined) {
    const file = resolve(flags.html);
    try {
      await writeAtomic(file, metricsPage(metrics, `${basename(directory)}: metrics`));
    } catch (error) {
      return refuse({
        kind: 'usage',
        message: `${flags.html} cannot be written: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'name another file',
      });
    }
    remark(`wrote ${flags.html}`);
  }
  if (flags.json) printJson(metrics);
  else if (lines.length === 0 && history.value.length > 0) say('nothing that is recorded matches');
  else if (flags.html === undefined) {
    const charts = isLive(process.stdout);
    print(metricsText(metrics, styleFor(process.stdout), charts));
  }
  return 0;
}
