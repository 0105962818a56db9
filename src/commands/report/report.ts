/** One finished build as a single page: every document that its views ask for, packed into the page itself. */

import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { suggestions } from '../../base/nearest.js';
import { err, ok, type Result } from '../../base/result.js';
import type { Inspection } from '../../build/dry-run.js';
import { readText } from '../../io/files.js';
import type { BuildDocument } from '../../model/build-view.js';
import type { Failure } from '../../model/failure.js';
import type { FileDiff, ProjectDocument } from '../../model/page.js';
import { buildPath, PAGE_PATHS, reviewBuildsPath, taskPath } from '../../model/page-paths.js';
import type { Host } from '../../project/host.js';
import { failureView } from '../../report/build-view/failure-view.js';
import { publishedDiffs } from '../page/builds-review.js';
import { PageData } from '../page/page-data.js';
import { harmless, secretsIn } from '../page/plain-text.js';
import { filesDocument, graphDocument } from '../page/project-views.js';
import type { SpecPlaces } from '../page/spec-text.js';
import { recordedTask, type TaskQuestion, taskDocument } from '../page/task-document.js';

export interface ReportOptions {
  readonly host: Host;
  readonly name: string;
  /** How the person calls conductor. */
  readonly calledAs: string;
  /** Folder of the bundled page. */
  readonly assets: string;
  /** Name of a kept build; absent: the last one that ended. */
  readonly build?: string;
  /** Bytes of the page. */
  readonly maxBytes?: number;
}

/** What CI keeps as an artifact should open at once. */
const MAX_BYTES = 2_000_000;
/** Bytes of one text (a prompt, a log), tried until the page is small enough. */
const TEXT_BYTES = [128_000, 32_000, 8000, 2000, 400];

/** Fails with `usage` for a build that is not kept, when there is none, or when the page was not bundled. */
export async function buildReport(options: ReportOptions): Promise<Result<string, Failure>> {
  const assets = await readAssets(options.assets);
  if (!assets) return err({ kind: 'usage', message: 'the page was not bundled', hint: 'npm run build' });
  const opened = await PageData.open(options.host);
  if (!opened.ok) return opened;
  const data = opened.value;
  const build = await chosenBuild(data, options.build);
  if (!build.ok) return build;
  const secrets = secretsIn(options.host.env);
  const limit = options.maxBytes ?? MAX_BYTES;
  const documents = await collect(data, options, build.value);
  for (const bytes of TEXT_BYTES) {
    const cut = bytes === TEXT_BYTES[0] ? documents : shortened(documents, bytes);
    const page = await packed(harmless(cut, secrets), assets);
    if (Buffer.byteLength(page) <= limit || bytes === TEXT_BYTES.at(-1)) return ok(page);
  }
  throw new Error('BUG: no size of texts was tried');
}

interface Assets {
  readonly script: string;
  readonly style: string;
}

async function readAssets(folder: string): Promise<Assets | undefined> {
  const [script, style] = await Promise.all([readText(`${folder}/app.js`), readText(`${folder}/app.css`)]);
  return script === undefined || style === undefined ? undefined : { script, style };
}

async function chosenBuild(
  data: PageData,
  name: string | undefined,
): Promise<Result<BuildDocument, Failure>> {
  await data.refresh();
  const rows = data.builds.rows();
  const ended = rows.filter(({ outcome }) => outcome !== 'running');
  const wanted = name ?? (ended.find(({ outcome }) => outcome !== 'up-to-date') ?? ended[0])?.build;
  if (wanted === undefined)
    return err({ kind: 'usage', message: 'no build has written a log yet', hint: 'run `conductor build`' });
  const document = rows.some(({ build }) => build === wanted) ? await data.build(wanted) : undefined;
  if (document) return ok(document);
  const near = suggestions(
    wanted,
    rows.map(({ build }) => build),
  );
  const hint = '`conductor log --list` lists the builds that are kept';
  return err({
    kind: 'usage',
    message: `no build is called ${wanted}`,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}? ${hint}` : hint,
  });
}

type Documents = Record<string, unknown>;

async function collect(
  data: PageData,
  { host, name, calledAs }: ReportOptions,
  build: BuildDocument,
): Promise<Documents> {
  const { head } = build;
  const project: ProjectDocument = {
    name,
    version: host.version,
    calledAs,
    actions: [],
    report: true,
    build: head.build,
    writtenAt: host.now(),
  };
  const row = data.builds.rows().find((one) => one.build === head.build);
  const documents: Documents = {
    [PAGE_PATHS.project]: project,
    [PAGE_PATHS.builds]: { rows: row ? [row] : [] },
    [buildPath(head.build)]: build,
    [PAGE_PATHS.metrics]: await data.metrics({ features: [], models: [] }),
    [reviewBuildsPath('', head.build)]: await data.reviewBuilds('', head.build),
  };
  const history = await data.history();
  const specs: SpecPlaces = new Map();
  let diffs: ReadonlyMap<string, readonly FileDiff[]> = new Map();
  const asked = (label: string): TaskQuestion => {
    const diff = diffs.get(label);
    const view = build.tasks.find((task) => task.label === label);
    return {
      label,
      project: data.repository.project,
      history,
      ...(view ? { run: { build: head.build, view } } : {}),
      maxBytes: TEXT_BYTES[0] ?? 0,
      publishedOnly: true,
      specs,
      ...(diff ? { diff } : {}),
    };
  };
  const looked = await data.inspected([], async (inspection) => {
    documents[PAGE_PATHS.graph] = await graphDocument(inspection);
    documents[PAGE_PATHS.files] = await filesDocument(inspection);
    diffs = await publishedDiffs(inspection.prepared.project.objects, [build]);
    await addTasks(documents, inspection, asked);
  });
  if (!looked.ok) {
    const problem = failureView(looked.error);
    documents[PAGE_PATHS.graph] ??= { features: [], tasks: [], problem };
    documents[PAGE_PATHS.files] ??= { files: [], problem };
  }
  // Tasks of the build that today's specs do not have.
  for (const { label } of build.tasks) documents[taskPath(label)] ??= await recordedTask(asked(label));
  return documents;
}

async function addTasks(
  documents: Documents,
  inspection: Inspection,
  asked: (label: string) => TaskQuestion,
): Promise<void> {
  for (const inspected of inspection.tasks) {
    const question = asked(inspected.task.label);
    const document = await taskDocument(inspection, inspected, question);
    // What a build would send now to a task that has nothing to do tells nothing of this one.
    const isQuiet =
      inspected.verdict.kind === 'fresh' && document.prompts.every(({ log }) => log === undefined);
    documents[taskPath(question.label)] = isQuiet ? { ...document, prompts: [] } : document;
  }
}

/** Long texts cut, wherever they are: prompts, logs, transcripts, differences. What is short stays. */
function shortened(documents: Documents, bytes: number): Documents {
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return value.length <= bytes ? value : `${value.slice(0, bytes)}\n… (cut)`;
    if (Array.isArray(value)) return value.map(walk);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, walk(one)]));
  };
  return walk(documents) as Documents;
}

/** Script and style stand in the page; their digests are all that its policy lets run. */
async function packed(documents: Documents, { script, style }: Assets): Promise<string> {
  const code = script.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
  const sheet = style.replaceAll('</style', '<\\/style');
  const data = (await promisify(gzip)(JSON.stringify(documents), { level: 9 })).toString('base64');
  const policy = [
    "default-src 'none'",
    `script-src ${digest(code)}`,
    `style-src ${digest(sheet)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">
<title>conductor</title><link rel="icon" href="data:,"><style>${sheet}</style></head><body>
<div id="app"></div>
<script type="application/octet-stream" id="report-data">${data}</script>
<script type="module">${code}</script>
</body></html>
`;
}

function digest(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
