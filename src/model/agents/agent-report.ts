/** What an agent states in a form that can be read: what it is missing, or that nothing has to change. */

export type NeedKind = 'write' | 'read' | 'dependency' | 'task' | 'contradiction';

/** Something that the task does not allow, and that its agent asks for. */
export interface Need {
  readonly kind: NeedKind;
  /** The path (`write`, `read`), the name of the package (`dependency`), or the label of the task that is the cause. */
  readonly what?: string;
  readonly because: string;
}

export interface AgentReport {
  readonly needs?: readonly Need[];
  /** Why nothing has to change: all criteria are met already. */
  readonly unchanged?: string;
}

/** What becomes of an agent's needs: a person decides, nobody does, or these paths are granted at once. */
export type GrowPolicy = 'ask' | 'never' | { readonly allow: readonly string[] };

/** More of them are no help to anybody. */
const MAX_NEEDS = 20;
const MAX_TEXT = 500;

/** The usable part of a report, bounded and on single lines; undefined when nothing is left. */
export function cleanReport(report: AgentReport): AgentReport | undefined {
  const needs = (report.needs ?? []).slice(0, MAX_NEEDS).flatMap((need): Need[] => {
    const because = line(need.because);
    const what = need.what === undefined ? '' : line(need.what).replace(/^\.\//, '');
    if (because === '' || (what === '' && need.kind !== 'contradiction')) return [];
    return [{ kind: need.kind, ...(what === '' ? {} : { what }), because }];
  });
  const unchanged = line(report.unchanged ?? '');
  if (needs.length === 0 && unchanged === '') return undefined;
  return { ...(needs.length > 0 ? { needs } : {}), ...(unchanged === '' ? {} : { unchanged }) };
}

/** `to write package.json`: without its reason. */
export function needText({ kind, what = '' }: Pick<Need, 'kind' | 'what'>): string {
  switch (kind) {
    case 'write':
      return `to write ${what}`;
    case 'read':
      return `to read ${what}`;
    case 'dependency':
      return `to add the package ${what}`;
    case 'task':
      return `to have ${what} corrected first`;
    case 'contradiction':
      return 'to have a contradiction of the spec decided';
  }
}

function line(text: string): string {
  const plain = text.replace(/\s+/g, ' ').trim();
  return plain.length > MAX_TEXT ? `${plain.slice(0, MAX_TEXT)}…` : plain;
}
