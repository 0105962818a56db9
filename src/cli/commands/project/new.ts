/** `conductor new`: writes a feature from a template. Asks for missing values on a terminal. */

import {
  type FeaturePlan,
  type FeatureRequest,
  planFeature,
  writeFeature,
} from '../../../commands/new/new-feature.js';
import type { Failure } from '../../../model/failure.js';
import type { Json } from '../../../model/task.js';
import { printDiagnostics } from '../../../report/failures/failure-print.js';
import { type DescribedFile, fileContents, wouldWrite, writtenList } from '../../../report/new-feature.js';
import { print, printJson, refuse, say, styleFor } from '../../output.js';
import { createHost, templateRoots } from '../../wire.js';
import type { GivenRequest } from './new-questions.js';

export interface NewFlags {
  readonly template?: string;
  readonly name?: string;
  readonly set?: readonly string[];
  readonly list?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** `named` is the template as an argument; `--template` says the same. */
export async function runNew(named: string | undefined, flags: NewFlags): Promise<number> {
  const cwd = process.cwd();
  const host = createHost(cwd);
  const roots = templateRoots(host.directory, cwd);
  if (flags.list) {
    const { runTemplateList } = await import('./template-list.js');
    return runTemplateList(roots, flags.json === true);
  }
  const set = readSet(flags.set ?? []);
  if ('kind' in set) return refuse(set);
  const { template = named } = flags;
  if (named !== undefined && template !== named) {
    return refuse({ kind: 'usage', message: `two templates are given: ${named} and ${template}` });
  }
  const asked = await completed({ template, name: flags.name, set: set.values }, flags, roots);
  if (asked === undefined) return 130;
  if ('kind' in asked) return refuse(asked);
  const plan = await planFeature(host, roots, asked);
  if (!plan.ok) return refuse(plan.error);
  if (flags.dryRun) return showPlan(plan.value, flags.json === true);
  const written = await writeFeature(host, plan.value);
  if (!written.ok) return refuse(written.error);
  if (flags.json) {
    printJson({ schema: 1, ...planForMachines(plan.value), warnings: written.value.warnings });
    return 0;
  }
  const style = styleFor(process.stdout);
  print(writtenList(newPaths(plan.value), keptPaths(plan.value), style));
  if (written.value.warnings.length > 0)
    process.stderr.write(
      `${printDiagnostics(written.value.warnings, styleFor(process.stderr), 'warning').join('\n')}\n`,
    );
  say(`${plan.value.feature} is written; build it with \`conductor build ${plan.value.feature}\``);
  return 0;
}

/** The request, completed by answers; undefined when the user cancelled, a failure without a terminal. */
async function completed(
  request: GivenRequest,
  flags: NewFlags,
  roots: ReturnType<typeof templateRoots>,
): Promise<FeatureRequest | Failure | undefined> {
  const { template, name, set } = request;
  const { canAsk } = await import('../../questions.js');
  if (!flags.json && canAsk()) {
    const { askForFeature } = await import('./new-questions.js');
    return askForFeature(request, roots);
  }
  if (template !== undefined) return { template, name, set };
  return {
    kind: 'usage',
    message: `${name === undefined ? 'a template and --name are' : 'a template is'} missing, and conductor cannot ask without a terminal`,
    hint: '`conductor new --list` describes the templates and their variables',
  };
}

/** `entity=Invoice` as name and text. */
function readSet(pairs: readonly string[]): { values: Record<string, Json> } | Failure {
  const wrong = pairs.filter((pair) => !/^[^=]+=/.test(pair));
  if (wrong.length > 0) {
    const message = `--set takes <variable>=<value>, not ${wrong.join(', ')}`;
    return { kind: 'usage', message, hint: '--set entity=Invoice' };
  }
  const values = Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  return { values };
}

function showPlan(plan: FeaturePlan, json: boolean): number {
  const files: DescribedFile[] = [
    ...[plan, ...plan.needed].flatMap(({ folder, specs }) =>
      specs.map(({ path, content }) => ({ path: `${folder}/${path}`, content })),
    ),
    ...plan.templates.filter(({ state }) => state === 'new'),
  ].map(({ path, content }) => ({ path, text: Buffer.from(content).toString('utf8') }));
  if (json) {
    printJson({ schema: 1, ...planForMachines(plan), files });
    return 0;
  }
  const style = styleFor(process.stdout);
  print(fileContents(files, style));
  const kept = keptPaths(plan);
  if (kept.length > 0) print(writtenList([], kept, style));
  print(wouldWrite(files.length));
  return 0;
}

function planForMachines(plan: FeaturePlan) {
  return { feature: plan.feature, template: plan.template, new: newPaths(plan), kept: keptPaths(plan) };
}

function newPaths(plan: FeaturePlan): string[] {
  const own = plan.templates.filter(({ state }) => state === 'new').map(({ path }) => path);
  const written = [plan, ...plan.needed].flatMap(({ folder, specs }) =>
    specs.map(({ path }) => `${folder}/${path}`),
  );
  return [...written, ...own];
}

function keptPaths({ templates }: FeaturePlan): string[] {
  return templates.filter(({ state }) => state === 'kept').map(({ path }) => path);
}
