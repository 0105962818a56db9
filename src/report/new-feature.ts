/** What `conductor new` writes, and the list of templates, for people. Knows no disk. */

import { plural, type Style, visible, visibleBlock } from './style.js';
import { wordLine, writtenLines } from './written-files.js';

export interface DescribedTemplate {
  readonly name: string;
  readonly origin: 'project' | 'shipped' | 'package' | 'path';
  readonly description: string;
  readonly language?: string;
  readonly variables: readonly DescribedVariable[];
  readonly examples: readonly { readonly title: string; readonly command: string }[];
}

export interface DescribedVariable {
  readonly name: string;
  readonly description: string;
  /** As text for `--set`. */
  readonly default?: string;
  readonly example?: string;
}

export interface DescribedFile {
  readonly path: string;
  readonly text: string;
}

const ORIGINS = { project: 'own', shipped: '', package: 'package', path: 'path' } as const;

export function templateList(templates: readonly DescribedTemplate[], style: Style): string {
  return templates
    .map(({ name, origin, description, language = '', variables, examples }) => {
      const notes = [visible(language), ORIGINS[origin]].filter((note) => note !== '').join(', ');
      const from = notes === '' ? '' : ` ${style('dim', `(${notes})`)}`;
      const width = Math.max(0, ...variables.map((variable) => visible(variable.name).length));
      return [
        `${style('bold', visible(name))}${from}: ${visible(description)}`,
        ...variables.map((one) => `  ${visible(one.name).padEnd(width)}  ${variableText(one, style)}`),
        ...examples.map(({ command }) => `  ${style('dim', '$')} ${visible(command)}`),
      ].join('\n');
    })
    .join('\n\n');
}

function variableText({ description, default: fallback, example }: DescribedVariable, style: Style): string {
  const value =
    fallback !== undefined
      ? `default ${fallback === '' ? 'empty' : fallback}`
      : ['must be given', example === undefined ? '' : `, for example ${example}`].join('');
  return `${visible(description)} ${style('dim', `(${visible(value)})`)}`;
}

/** Files that were written, and those of the project that stand. */
export function writtenList(written: readonly string[], kept: readonly string[], style: Style): string {
  return [
    ...writtenLines(written, style),
    ...kept.map((path) => wordLine('kept', `${path}: differs from yours, which is kept`, style)),
  ].join('\n');
}

/** Files with their content, each under its name. */
export function fileContents(files: readonly DescribedFile[], style: Style): string {
  return files
    .map(
      ({ path, text }) =>
        `${style('bold', `=== ${visible(path)}`)}\n${visibleBlock(text).replace(/\n+$/, '')}\n`,
    )
    .join('\n');
}

export function wouldWrite(count: number): string {
  return `conductor: would write ${plural(count, 'file')}; nothing was written`;
}
