/** The reports of a build for a CI: which are asked for, and where each is written. */

import { appendFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeAtomic } from '../../io/files.js';
import type { Label } from '../../model/task.js';
import type { Host } from '../../project/host.js';
import { annotationsOf } from '../../report/ci/annotations.js';
import { BuildRecord } from '../../report/ci/build-record.js';
import { githubAnnotations, githubGroup } from '../../report/ci/github.js';
import { codeQualityReport, gitlabSection, QUALITY_REPORT } from '../../report/ci/gitlab.js';
import { groupReporter } from '../../report/ci/groups.js';
import { junitXml } from '../../report/ci/junit.js';
import { stepSummary } from '../../report/ci/step-summary.js';
import { type LineOptions, plainReporter } from '../../report/live/plain.js';
import type { Reporter } from '../../report/live/reporter.js';
import type { Style } from '../../report/style.js';
import { CONFIG_NAMES } from '../config/config-names.js';
import { type OutputStream, printWarning } from '../output.js';
import { guardOutput, writeCommands } from './guarded-output.js';

export interface CiReports {
  readonly annotations: 'github' | 'gitlab' | 'none';
  /** GitLab's report; undefined: where it is by default. */
  readonly qualityReport: string | undefined;
  readonly junit: string | undefined;
  /** The file that GitHub shows as the summary of the step. */
  readonly stepSummary: string | undefined;
}

/** GitHub takes no more from one step. */
const MAX_STEP_SUMMARY = 1024 * 1024;

/** Undefined: no CI reads what is printed. */
export function ciReports(
  flags: { readonly annotations?: string | undefined; readonly junit?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): CiReports | undefined {
  const [kind, file] = (flags.annotations ?? kindOf(env)).split(/=(.*)/s);
  const annotations = kind === 'github' || kind === 'gitlab' ? kind : 'none';
  if (annotations === 'none' && flags.junit === undefined) return undefined;
  const summary = annotations === 'github' ? env.GITHUB_STEP_SUMMARY : undefined;
  return {
    annotations,
    qualityReport: file,
    junit: flags.junit,
    stepSummary: summary === '' ? undefined : summary,
  };
}

function kindOf(env: Readonly<Record<string, string | undefined>>): CiReports['annotations'] {
  if (env.GITHUB_ACTIONS === 'true') return 'github';
  return env.GITLAB_CI === undefined || env.GITLAB_CI === '' ? 'none' : 'gitlab';
}

interface TextOutput {
  readonly stream: OutputStream;
  readonly style: Style;
  readonly lines: LineOptions;
}

/** Lines for the log of the CI while the build runs, and its reports at the end. */
export function ciReporter(host: Host, reports: CiReports, { stream, style, lines }: TextOutput): Reporter {
  if (reports.annotations === 'github') guardOutput();
  const commands = { write: (text: string) => writeCommands(stream, text) };
  const record = new BuildRecord();
  const reader =
    reports.annotations === 'none'
      ? plainReporter(stream, style, lines)
      : groupReporter(stream, style, {
          lines,
          groups: commands,
          group: ({ name, title, at }, body) =>
            reports.annotations === 'github'
              ? githubGroup(title, body)
              : gitlabSection(name, at, title, body),
        });
  return {
    on(event) {
      record.on(event);
      reader.on(event);
    },
    print: (text) => reader.print?.(text),
    async close() {
      await reader.close();
      if (reports.annotations === 'github') {
        await keep('annotations', async () => {
          const { annotations } = await annotated(host, record);
          commands.write(githubAnnotations(annotations));
        });
      }
      if (reports.annotations === 'gitlab') {
        await keepFile(qualityFile(host, reports), async (file) => {
          const { annotations, places } = await annotated(host, record);
          const config = CONFIG_NAMES.flatMap((name) => places.file(name) ?? [])[0];
          await writeAtomic(file, codeQualityReport(annotations, config ?? 'conductor.config.ts'));
        });
      }
      if (reports.stepSummary !== undefined)
        await keepFile(reports.stepSummary, (file) => addSummary(file, stepSummary(record)));
      if (reports.junit !== undefined)
        await keepFile(resolve(reports.junit), (file) => writeAtomic(file, junitXml(record)));
    },
  };
}

async function annotated(host: Host, record: BuildRecord) {
  const { openPlaces } = await import('../../commands/task-places.js');
  const places = await openPlaces(host, concerned(record));
  return { places, annotations: annotationsOf(record, places) };
}

/** The tasks that are annotated. */
function concerned({ tasks, failures }: BuildRecord): Label[] {
  const own = tasks.filter(({ outcome, warnings }) => outcome === 'failed' || warnings.length > 0);
  const named = failures.flatMap((failure) => {
    if (failure.kind === 'preflight-failed') return [failure.task];
    return failure.kind === 'not-up-to-date' ? failure.tasks.map(({ label }) => label) : [];
  });
  return [...new Set([...own.map(({ label }) => label), ...named])];
}

function qualityFile(host: Host, { qualityReport }: CiReports): string {
  return qualityReport === undefined ? join(host.directory, QUALITY_REPORT) : resolve(qualityReport);
}

/** Writes a report; where that fails, it is told. */
export function keepFile(file: string, write: (file: string) => Promise<void>): Promise<void> {
  return keep(`the report ${file}`, () => write(file));
}

/** A report that cannot be written is told of, and decides nothing: also the other reports are written. */
async function keep(name: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    printWarning(`${name} cannot be written: ${reason}`);
  }
}

/** Commands of one step share the file. */
async function addSummary(file: string, text: string): Promise<void> {
  const size = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (size + Buffer.byteLength(text) <= MAX_STEP_SUMMARY) await appendFile(file, text);
  else throw new Error('GitHub takes 1 MiB from one step, and with this report it would be more');
}
