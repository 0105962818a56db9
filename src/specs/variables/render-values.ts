/** Puts the values of variables into the texts of a task. Knows no entries and no files. */

import { nearest } from '../../base/nearest.js';
import { ownValue } from '../../base/records/own-value.js';
import type { KeyPath } from '../../io/document/document.js';
import { renderTemplate } from '../../io/template/template.js';
import type { Json } from '../../model/task.js';

export type Scope = { readonly [name: string]: Json };

export interface ValueProblem {
  /** Within the value that was rendered. */
  readonly path: KeyPath;
  readonly message: string;
  readonly hint: string;
}

/** How a text prints what begins a variable. */
const PRINT_BRACES = 'to print `{{` itself, write `{{"{{"}}`';
/** A text that is one variable and nothing else. */
const WHOLE = /^\{\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*\}\}$/;
/** Characters that mean nothing to a shell. */
const PLAIN_WORD = /^[\w./@:+=,%-]*$/;
/** Keys whose texts are shell lines. */
const SHELL_KEYS = new Set(['run', 'verify', 'format']);
/** Keys of a task that say which task it is, and notes of people. */
const AS_WRITTEN = new Set(['id', 'foreach', 'status', 'owner', 'priority']);

/** Whether a value holds anything that could be a variable. */
export function hasBraces(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('{{');
  if (value === null || typeof value !== 'object') return false;
  return Object.values(value).some(hasBraces);
}

/** The value of a text that is exactly one variable; undefined for every other text. */
export function wholeVariable(text: string, scope: Scope): Json | undefined {
  const names = WHOLE.exec(text)?.[1]?.split('.');
  let value: Json | undefined = names && scope;
  for (const name of names ?? []) {
    value = value !== null && typeof value === 'object' ? ownValue(value as Scope, name) : undefined;
  }
  return value;
}

/**
 * A copy of the value with all its texts rendered. `untrusted`: variables that hold names of files, which no shell line
 * may take unless they are plain words.
 */
export class ValueRendering {
  readonly problems: ValueProblem[] = [];
  private readonly scope: Scope;
  private readonly untrusted: readonly string[];

  constructor(scope: Scope, untrusted: readonly string[] = []) {
    this.scope = scope;
    this.untrusted = untrusted.filter((name) => !PLAIN_WORD.test(String(ownValue(scope, name) ?? '')));
  }

  /** The task or its defaults. */
  async task<T extends object>(raw: T): Promise<T> {
    if (!hasBraces(raw)) return raw;
    const entries: [string, unknown][] = [];
    for (const [key, value] of Object.entries(raw))
      entries.push([key, AS_WRITTEN.has(key) ? value : await this.value(value, [key])]);
    return Object.fromEntries(entries) as T;
  }

  async text(text: string, path: KeyPath): Promise<string> {
    if (!text.includes('{{')) return text;
    const rendered = await this.rendered(text, this.scope, path);
    if (rendered !== undefined && isShellLine(path) && this.untrusted.length > 0) {
      const marked = Object.fromEntries(this.untrusted.map((name) => [name, '']));
      if ((await this.rendered(text, { ...this.scope, ...marked }, path)) !== rendered)
        this.problems.push({
          path,
          message: `puts the name of a file into a shell line, and \`${String(this.scope.item)}\` is not a plain word`,
          hint: 'write the command as a list, for instance ["node", "check.js", "{{item}}"]',
        });
    }
    return rendered ?? text;
  }

  private async value(value: unknown, path: KeyPath): Promise<unknown> {
    if (typeof value === 'string') {
      const whole = path.includes('with') ? wholeVariable(value, this.scope) : undefined;
      return whole ?? (await this.text(value, path));
    }
    if (value === null || typeof value !== 'object') return value;
    if (Array.isArray(value)) {
      const list: unknown[] = [];
      for (const [i, one] of value.entries()) list.push(await this.value(one, [...path, i]));
      return list;
    }
    const entries: [string, unknown][] = [];
    for (const [key, one] of Object.entries(value))
      entries.push([key, await this.value(one, [...path, key])]);
    return Object.fromEntries(entries);
  }

  private async rendered(text: string, scope: Scope, path: KeyPath): Promise<string | undefined> {
    const made = await renderTemplate({ name: 'spec', text, variables: scope });
    if (!made.ok) {
      const { message, variable } = made.error;
      this.problems.push({ path, message, hint: this.hintFor(variable) });
      return undefined;
    }
    if (made.value.includes('[object]') && !text.includes('[object]')) {
      const hint = 'name one of its values, for instance `{{item.name}}`';
      this.problems.push({ path, message: 'prints a whole mapping', hint });
    }
    return made.value;
  }

  private hintFor(variable: string | undefined): string {
    const names = Object.keys(this.scope);
    const meant = variable === undefined ? undefined : nearest(variable.split('.')[0] ?? '', names);
    if (meant !== undefined) return `did you mean \`${meant}\`? Else ${PRINT_BRACES}`;
    const known = names.map((name) => `\`${name}\``).join(', ');
    return `${known === '' ? 'there are no variables here' : `its variables are ${known}`}; ${PRINT_BRACES}`;
  }
}

/** A command that is a text, not a list of arguments: `run`, an entry of `verify`, or the `run` of such an entry. */
function isShellLine(path: KeyPath): boolean {
  const [key, at, ...more] = path;
  if (!SHELL_KEYS.has(String(key))) return false;
  if (key === 'run') return at === undefined;
  return more.length === 0 || (more.length === 1 && more[0] === 'run');
}
