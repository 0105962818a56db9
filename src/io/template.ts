/** TEMPORARY. */

import Handlebars from 'handlebars';
import { err, ok, type Result } from '../base/result.js';

const hb = Handlebars.create();
const words = (s: string) => s.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(/[^A-Za-z0-9]+/).filter(Boolean).map((w) => w.toLowerCase());
const cap = (w: string) => w[0]?.toUpperCase() + w.slice(1);
const H: Record<string, (...a: any[]) => unknown> = {
  camelCase: (s) => words(s).map((w, i) => (i ? cap(w) : w)).join(''),
  pascalCase: (s) => words(s).map(cap).join(''),
  kebabCase: (s) => words(s).join('-'),
  snakeCase: (s) => words(s).join('_'),
  constantCase: (s) => words(s).join('_').toUpperCase(),
  titleCase: (s) => words(s).map(cap).join(' '),
  plural: (s) => `${s}s`,
  json: (v) => JSON.stringify(v),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  and: (a, b) => a && b,
  or: (a, b) => a || b,
  not: (a) => !a,
  join: (a, s) => a.join(typeof s === 'string' ? s : ', '),
  lower: (s) => s.toLowerCase(),
  upper: (s) => s.toUpperCase(),
};
for (const [n, f] of Object.entries(H)) hb.registerHelper(n, f as never);

export async function renderTemplate(t: {
  name: string;
  text: string;
  variables: Record<string, unknown>;
  partials?: Record<string, string>;
}): Promise<Result<string, { template: string; line?: number; message: string }>> {
  try {
    return ok(hb.compile(t.text, { strict: true, noEscape: true })(t.variables, { partials: Object.fromEntries(Object.entries(t.partials ?? {}).map(([n, x]) => [n, hb.compile(x, { strict: true, noEscape: true })])) }));
  } catch (error) {
    return err({ template: t.name, message: (error as Error).message });
  }
}
export async function partialNames(text: string): Promise<string[]> {
  return [...text.matchAll(/\{\{#?>\s*([\w-]+)/g)].map((m) => m[1] as string);
}
