/** The reports of a build for a CI: which are asked for, and where each is written. */

import { appendFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { OpenedPlaces } from '../../commands/task-places.js';
import { writeAtomic } from '../../io/files.js';
import type { Host } from '../../project/host.js';
import { type Annotation, annotationsOf } from '../../report/ci/annotations.js';
import { BuildRecord } from '../../report/ci/build-record.js';
import { githubAnnotations, githubGroup } from '../../report/ci/github.js';
import { codeQualityReport, gitlabSection, QUALITY_REPORT } from '../../report/ci/gitlab.js';
import { type GroupOptions, groupReporter } from '../../report/ci/groups.js';
import { junitXml } from '../../report/ci/junit.js';
import { stepSummary } from '../../report/ci/step-summary.js';
import { type LineOptions, plainReporter } from '../../report/live/plain.js';
import type { Reporter, Sink } from '../../report/live/reporter.js';
import type { Style } from '../../report/style.js';
import { CONFIG_NAMES } from '../config/config-names.js';
import { CALL, type OutputStream, printWarning } from '../output.js';
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

/** Where text for people goes. */
export interface TextOutput {
  readonly stream: OutputStream;
  readonly style: Style;
}

/** Lines for the log of the CI while the build runs, and its reports at the end. */
export function ciReporter(
  host: Host,
  reports: CiReports,
  { stream, style, lines }: TextOutput & { readonly lines: LineOptions },
): Reporter {
  const record = new BuildRecord(CALL);
  const groups = ciGroups(reports, stream);
  const reader = groups
    ? groupReporter(stream, style, { lines, ...groups })
    : plainReporter(stream, style, lines);
  return {
    on(event) {
      record.on(event);
      reader.on(event);
    },
    print: (text) => reader.print?.(text),
    async close() {
      await reader.close();
      await writeReports(reports, stream, {
        folder: host.directory,
        async annotations() {
          const places = await placesOf(host, record);
          const config = CONFIG_NAMES.flatMap((name) => places.file(name) ?? [])[0];
          return {
            annotations: annotationsOf(record, places),
            elsewhere: config ?? 'conductor.config.ts',
          };
        },
        stepSummary: () => stepSummary(record),
        junit: () => junitXml(record),
      });
    },
  };
}

/** How the log is folded; undefined: this CI folds nothing. */
export function ciGroups(
  { annotations }: CiReports,
  stream: OutputStream,
): Pick<GroupOptions, 'groups' | 'group'> | undefined {
  if (annotations === 'github') guardOutput();
  if (annotations === 'none') return undefined;
  return {
    groups: commandsOf(stream),
    group: ({ name, title, at }, body) =>
      annotations === 'github' ? githubGroup(title, body) : gitlabSection(name, at, title, body),
  };
}

/** What the reports of a command are made of, after its last event. */
export interface ReportSources {
  /** Where GitLab's report goes by default: below this folder. */
  readonly folder: string;
  /** `elsewhere`: the file that problems without a file of their own are listed under. */
  annotations(): Promise<{ readonly annotations: readonly Annotation[]; readonly elsewhere: string }>;
  stepSummary(): string;
  junit(): string;
}

/** Writes each report that is asked for. One that cannot be written is told of, and decides nothing. */
export async function writeReports(
  reports: CiReports,
  stream: OutputStream,
  sources: ReportSources,
): Promise<void> {
  if (reports.annotations === 'github') {
    await keep('annotations', async () => {
      const { annotations } = await sources.annotations();
      commandsOf(stream).write(githubAnnotations(annotations));
    });
  }
  if (reports.annotations === 'gitlab') {
    const { qualityReport } = reports;
    const file = qualityReport === undefined ? join(sources.folder, QUALITY_REPORT) : resolve(qualityReport);
    await keepFile(file, async () => {
      const { annotations, elsewhere } = await sources.annotations();
      await writeAtomic(file, codeQualityReport(annotations, elsewhere));
    });
  }
  if (reports.stepSummary !== undefined)
    await keepFile(reports.stepSummary, (file) => addSummary(file, sources.stepSummary()));
  if (reports.junit !== undefined)
    await keepFile(resolve(reports.junit), (file) => writeAtomic(file, sources.junit()));
}

function commandsOf(stream: OutputStream): Sink {
  return { write: (text: string) => writeCommands(stream, text) };
}

/** Where the tasks that are annotated, and the files of their project, are. */
export async function placesOf(host: Host, { tasks, failures }: BuildRecord): Promise<OpenedPlaces> {
  const { openPlaces } = await import('../../commands/task-places.js');
  const own = tasks.filter(({ outcome, warnings }) => outcome === 'failed' || warnings.length > 0);
  const named = failures.flatMap((failure) => {
    if (failure.kind === 'preflight-failed') return [failure.task];
    return failure.kind === 'not-up-to-date' ? failure.tasks.map(({ label }) => label) : [];
  });
  return openPlaces(host, [...new Set([...own.map(({ label }) => label), ...named])]);
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
