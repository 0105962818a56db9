/** Chooses the reporters of a build: live view, plain lines, or JSON. */

import type { Host } from '../project/host.js';
import { jsonReporter } from '../report/json.js';
import { isListedAtEnd, type LineOptions, plainReporter } from '../report/live/plain.js';
import { type Reporter, tee } from '../report/live/reporter.js';
import { terminalReporter } from '../report/live/terminal.js';
import { withoutColours } from '../report/style.js';
import { verdictReporter } from '../report/verdict.js';
import { type CiReports, ciReporter } from './ci/ci-reports.js';
import { CALL, isLive, isRedrawn, type OutputStream, styleFor } from './output.js';
import { idleTimer } from './timers.js';

export interface ReporterOptions {
  /** Events on stdout, text for people on stderr. */
  readonly json: boolean;
  /** Verdicts are what is asked for. */
  readonly dryRun: boolean;
  /** All that is not up to date is listed at the end. */
  readonly frozen?: boolean;
  /** What a CI reads; absent: there is none. */
  readonly ci?: CiReports | undefined;
  /** Where text for people goes; by default stdout for what was done and stderr for errors, and stderr beside events. */
  readonly stream?: OutputStream;
}

export function openReporters(host: Host, options: ReporterOptions): Reporter {
  const stream = options.stream ?? (options.json ? process.stderr : process.stdout);
  const style = styleFor(stream);
  const readers: Reporter[] = options.json ? [jsonReporter(process.stdout, CALL)] : [];
  if (options.dryRun) readers.push(verdictReporter(stream, style));
  const isDrawn = isRedrawn(stream);
  const lines: LineOptions = {
    // Where both are the same terminal, errors are kept above the block that is redrawn.
    // Elsewhere they have the colours of stdout only if stderr can show them.
    ...(isDrawn && isLive(process.stderr)
      ? {}
      : { errors: { write: (text: string) => process.stderr.write(withoutColours(text)) } }),
    ...(options.frozen ? { leavesOut: isListedAtEnd } : {}),
  };
  if (options.ci) readers.push(ciReporter(host, options.ci, { stream, style, lines }));
  else if (isDrawn) readers.push(terminalReporter({ stream, style, lines, now: host.now, after: idleTimer }));
  else readers.push(plainReporter(stream, style, lines));
  return tee(readers, tellBroken);
}

export function tellBroken(error: unknown): void {
  process.stderr.write(`conductor: a reporter failed: ${String(error)}\n`);
}
