/** What is asked of a plan: the options, and a feature with its request, from its folder or from a file. Plans nothing. */

import { basename, relative, sep } from 'node:path';
import { suggestions } from '../../base/nearest.js';
import { err, ok, type Result } from '../../base/result.js';
import { readText } from '../../io/files.js';
import type { Failure } from '../../model/failure.js';
import { isName, NAME_HINT } from '../../model/paths/names.js';
import { type Project, textIn } from '../../project/project.js';

export type PlanTarget =
  | { readonly kind: 'feature'; readonly name: string }
  /** `file`: absolute. `feature`: its name where it is not that of the file. */
  | { readonly kind: 'request'; readonly file: string; readonly feature?: string };

export interface PlanOptions {
  readonly target: PlanTarget;
  /** Reports which documents would be rewritten, and why; asks no agent. */
  readonly dryRun: boolean;
  /** Refused documents of earlier plans are not gone on from. */
  readonly fresh: boolean;
  /** The plan's files replace a person's. */
  readonly discardEdits: boolean;
  /** Dollars that this plan may cost, beside what the config says; undefined: no more limit. */
  readonly budgetUsd: number | undefined;
  readonly wait: boolean;
  /** The command line, shown to commands that wait for this one. */
  readonly command: string;
}

export interface PlannedFeature {
  readonly name: string;
  /** The request's own heading, else the name. */
  readonly title: string;
  /** `specs/<feature>/`. */
  readonly folder: string;
  readonly request: string;
  /** Whether the request came from elsewhere and is to be kept in the folder. */
  readonly isForeign: boolean;
  readonly context: string;
}

export const REQUEST = 'REQUEST.md';

/** Fails with `usage` (no request, an empty one, a name that none can have) or `unknown-target`. */
export async function findFeature(
  project: Project,
  target: PlanTarget,
): Promise<Result<PlannedFeature, Failure>> {
  const { specs } = project.config;
  const inside = target.kind === 'request' ? featureOfFile(project, specs, target.file) : undefined;
  const name = inside ?? (target.kind === 'feature' ? target.name : (target.feature ?? nameOf(target.file)));
  if (!isName(name)) {
    const message = `\`${name}\` cannot be the name of a feature`;
    const hint = `${NAME_HINT}; name it with \`--feature\`, as in \`--feature invoices\``;
    return err({ kind: 'usage', message, hint });
  }
  const folder = featureFolder(project, name);
  const isForeign = target.kind === 'request' && inside === undefined;
  const request = isForeign ? await readText(target.file) : await textIn(project, folder + REQUEST);
  if (request === undefined) return err(noRequest(project, target, folder));
  if (request.trim() === '') {
    return err({
      kind: 'usage',
      message: 'the request is empty',
      hint: 'write what should be possible, and why',
    });
  }
  const heading = /^ {0,3}#[ \t]+(.+?)[ \t#]*$/m.exec(request)?.[1];
  const context = (await textIn(project, `${folder}context.md`)) ?? '';
  return ok({ name, title: heading ?? name, folder, request, isForeign, context });
}

/** `specs/<feature>/`, wherever the config has its specs. */
export function featureFolder(project: Project, feature: string): string {
  return `${project.config.specs}/${feature}/`;
}

/** The feature whose own request a file is. */
function featureOfFile(project: Project, specs: string, file: string): string | undefined {
  const path = relative(project.repository.project, file).split(sep).join('/');
  const inside = path.startsWith(`${specs}/`) ? path.slice(specs.length + 1).split('/') : [];
  return inside.length === 2 && inside[1] === REQUEST ? inside[0] : undefined;
}

/** `docs/Rate limits.md` is the request for `rate-limits`. */
function nameOf(file: string): string {
  return basename(file)
    .replace(/\.[^.]*$/, '')
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
}

function noRequest(project: Project, target: PlanTarget, folder: string): Failure {
  if (target.kind === 'request') {
    return { kind: 'usage', message: `${target.file} does not exist`, hint: 'name a Markdown file' };
  }
  if (project.listing.under(folder).length > 0) {
    const message = `the feature ${target.name} has no ${REQUEST}`;
    return { kind: 'usage', message, hint: `write the request to ${folder}${REQUEST}` };
  }
  const nearest = suggestions(target.name, [...project.features.keys()]);
  if (nearest.length > 0) return { kind: 'unknown-target', target: target.name, nearest };
  const hint = 'write the request there, or name a Markdown file with it';
  return { kind: 'usage', message: `${folder}${REQUEST} does not exist`, hint };
}
