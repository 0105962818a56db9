/** Three planners' drafts as one document, and the rules that drafts and plans have to keep. Pure. */

import { headingsOf, sectionOf } from '../base/markdown.js';

/** Planners, in the order of their parts in the plan. */
export const PLANNERS = ['spec', 'arch', 'qa'] as const;
export type Planner = (typeof PLANNERS)[number];

/** Longer documents are not read by people, and cost money in the next prompt. */
export const MAX_DOCUMENT_BYTES = 32_768;

const PARTS: Readonly<Record<Planner, string>> = { spec: 'Requirements', arch: 'Structure', qa: 'Proof' };
/** A section that every planner writes: in the plan it stands once, at its end. */
const SHARED = 'assumptions';

/** Why a planner's document cannot be taken; undefined when it can. */
export function documentProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_DOCUMENT_BYTES) return `it has ${bytes} bytes; the limit is ${MAX_DOCUMENT_BYTES}`;
  if (text.includes('\0') || text.includes('\uFFFD')) return 'it is not plain UTF-8 text';
  if (text.trim() === '') return 'it is empty';
  return sectionsOf(text).length === 0 ? 'it has none of the required headings' : undefined;
}

/** A requirement's heading: `### R12 Sessions expire`. */
const REQUIREMENT = /^R(\d+)(?![\p{L}\p{N}])/u;

/** Everything that is wrong with a reconciled plan. */
export function planProblems(text: string): string[] {
  const problem = documentProblem(text);
  if (problem !== undefined) return [problem];
  const lines = text.split(/\r?\n/);
  const headings = headingsOf(text);
  const start = headings.findIndex(({ level, slug }) => level === 2 && slug === 'requirements');
  if (start < 0) return ['it has no heading `## Requirements`'];
  const below = headings.slice(start + 1);
  const end = below.findIndex(({ level }) => level <= 2);
  const own = (end < 0 ? below : below.slice(0, end)).filter(({ level }) => level === 3);
  const numbers = own.map(({ line }) => REQUIREMENT.exec(titleIn(lines[line] ?? ''))?.[1]);
  if (numbers.length === 0)
    return ['there is no requirement: each is a heading `### R1 <name>` below `## Requirements`'];
  return [
    ...own.flatMap(({ line }, at) =>
      numbers[at] === undefined
        ? [`\`${titleIn(lines[line] ?? '')}\` has no number: \`### R${at + 1} <name>\``]
        : [],
    ),
    ...new Set(
      numbers.flatMap((one, at) =>
        one !== undefined && numbers.indexOf(one) !== at ? [`R${one} stands twice`] : [],
      ),
    ),
  ];
}

/** Items below a heading such as "Assumptions", each on one line; none if the plan has no such heading. */
export function planItems(text: string, slug: 'assumptions' | 'contradictions'): string[] {
  const lines = (sectionOf(text, slug) ?? '').split('\n').slice(1);
  const items: string[] = [];
  for (const line of lines) {
    const begins = /^[ \t]{0,3}(?:[-*+]|\d+[.)])[ \t]+(.*)$/.exec(line)?.[1];
    const last = items.length - 1;
    if (begins !== undefined) items.push(begins.trim());
    else if (line.trim() !== '' && last >= 0) items[last] += ` ${line.trim()}`;
    else if (line.trim() !== '') items.push(line.trim());
  }
  return items;
}

/** The drafts as one document: a part for each planner, headings one level below it, assumptions of all at the end. */
export function mergeDrafts(title: string, documents: Readonly<Record<Planner, string>>): string {
  const lines = [`# Drafts: ${title}`];
  const shared = new Set<string>();
  for (const planner of PLANNERS) {
    lines.push('', `## ${PARTS[planner]}`);
    for (const section of sectionsOf(documents[planner])) {
      if (section.slug === SHARED) {
        for (const line of section.body.join('\n').trim().split('\n')) shared.add(line.trimEnd());
        continue;
      }
      lines.push('', `### ${section.title}`, ...padded(section.body));
    }
  }
  const assumptions = [...shared].filter((line) => line !== '');
  if (assumptions.length > 0) lines.push('', '## Assumptions', '', ...assumptions);
  return `${lines
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`;
}

interface Section {
  readonly title: string;
  readonly slug: string;
  /** The lines below the heading, deeper headings moved below the section's new level. */
  readonly body: readonly string[];
}

/** The sections of the highest level that is used more than for a title. */
function sectionsOf(text: string): Section[] {
  const lines = text.split(/\r?\n/);
  const headings = headingsOf(text);
  const [first, ...rest] = headings;
  if (!first) return [];
  const isTitle = first.level === 1 && !rest.some(({ level }) => level === 1) && rest.length > 0;
  const used = isTitle ? rest : headings;
  const level = Math.min(...used.map((heading) => heading.level));
  const tops = used.filter((heading) => heading.level === level);
  return tops.map((top, i) => {
    const end = tops[i + 1]?.line ?? lines.length;
    const isUnderlined = !/^ {0,3}#/.test(lines[top.line] ?? '');
    const deeper = new Map(
      headings.filter(({ line }) => line > top.line && line < end).map((one) => [one.line, one.level]),
    );
    const from = top.line + (isUnderlined ? 2 : 1);
    const body = lines.slice(from, end).map((line, at) => {
      const own = deeper.get(from + at);
      if (own === undefined || !/^ {0,3}#/.test(line)) return line;
      return line.replace(/^ {0,3}#+/, '#'.repeat(Math.min(6, own - level + 3)));
    });
    return { title: titleIn(lines[top.line] ?? ''), slug: top.slug, body };
  });
}

function titleIn(line: string): string {
  return line
    .trim()
    .replace(/^#+[ \t]*/, '')
    .replace(/[ \t]+#+$/, '')
    .trim();
}

function padded(body: readonly string[]): string[] {
  return body[0]?.trim() === '' ? [...body] : ['', ...body];
}
