/**
 * What of this machine's git settings decides how the person's files become a snapshot: line ends, filters, attributes, ignored
 * files. Remembers the files in which they were found, so that a few stats tell whether they are the same.
 */

import { join } from 'node:path';
import { mapBounded } from '../../base/bounded.js';
import { sha256 } from '../../base/sha256.js';
import { fileIdentity, readText } from '../files.js';
import { type GitCall, git, gitEnvironment } from './git-process.js';
import { foldersAbove, type Repository } from './repository.js';

export interface GitSettings {
  /** Of all that decides the blob of a file. */
  readonly conversions: string;
  /** Whether settings alone may make the blob of a file that looks unchanged another one than its index says. */
  readonly converts: boolean;
  /** `mayRewrite` for the attributes beside those in the project. Absent in records of older versions. */
  readonly rewrites?: boolean;
  /** Of all that decides which files are ignored, but for the project's own `.gitignore` files. */
  readonly ignores: string;
  /** Every file that was read or looked for: its path and its identity, empty where there was none. */
  readonly sources: Readonly<Record<string, string>>;
  readonly home: string;
}

/** Attributes with which a file that looks unchanged may have another blob than its index says. */
export function mayConvert(attributes: string): boolean {
  return /(?:^|\s)(?:text(?=\s|$)|eol=|crlf|ident(?=\s|$)|working-tree-encoding=)/m.test(attributes);
}

/** Attributes with which git may keep another content than that of the file, although the file has no carriage return. */
export function mayRewrite(attributes: string): boolean {
  return /(?:^|\s)(?:ident(?=\s|$)|filter=|working-tree-encoding=)/m.test(attributes);
}

/** Settings that decide the blob or the mode of a file. */
const CONVERTING =
  /^(core\.(autocrlf|eol|attributesfile|filemode|symlinks|ignorecase|precomposeunicode|checkroundtripencoding)|filter\..*)$/;

export async function readGitSettings(repository: Repository, call: GitCall): Promise<GitSettings> {
  const { top, prefix, store, commonDir, gitDir } = repository;
  const listed = await git(['config', '--list', '--show-origin', '-z'], call);
  const fields = listed.stdout.toString('utf8').split('\0');
  const values = new Map<string, string[]>();
  const files = new Set([
    ...userFiles(),
    '/etc/gitconfig',
    join(commonDir, 'config'),
    join(gitDir, 'config.worktree'),
  ]);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const origin = fields[at] as string;
    const [name = '', ...value] = (fields[at + 1] as string).split('\n');
    if (origin.startsWith('file:')) files.add(placeOf(origin.slice('file:'.length), top));
    values.set(name, [...(values.get(name) ?? []), value.join('\n')]);
  }
  const folder = configFolder();
  const named = (key: string, fallback: string) => {
    const value = values.get(key)?.at(-1);
    return value === undefined ? join(folder, 'git', fallback) : placeOf(value, top);
  };
  const attributes = [
    named('core.attributesfile', 'attributes'),
    '/etc/gitattributes',
    join(store, 'info/attributes'),
    ...foldersAbove(prefix).map((folder) => join(top, folder, '.gitattributes')),
  ];
  const ignores = [
    named('core.excludesfile', 'ignore'),
    join(store, 'info/exclude'),
    ...foldersAbove(prefix).map((folder) => join(top, folder, '.gitignore')),
  ];
  const all = [...files, ...attributes, ...ignores];
  // Before they are read: a change meanwhile is seen by the next look.
  const sources = Object.fromEntries(all.map((path) => [path, fileIdentity(path) ?? '']));
  const texts = async (paths: readonly string[]) =>
    mapBounded(paths, async (path) => [path, await readText(path).catch(() => undefined)] as const);
  const rules = await texts(attributes);
  const chosen = [...values].filter(([name]) => CONVERTING.test(name)).sort();
  return {
    conversions: sha256(JSON.stringify([chosen, rules])),
    converts: rules.some(([, text]) => mayConvert(text ?? '')),
    rewrites: rules.some(([, text]) => mayRewrite(text ?? '')),
    ignores: sha256(JSON.stringify(await texts(ignores))),
    sources,
    home: homes(),
  };
}

/** Whether nothing that was read then has changed. */
export function isSameSettings({ sources, home }: GitSettings): boolean {
  if (home !== homes()) return false;
  return Object.entries(sources).every(([path, identity]) => (fileIdentity(path) ?? '') === identity);
}

function userFiles(): string[] {
  const { HOME } = gitEnvironment({});
  return [...(HOME === undefined ? [] : [join(HOME, '.gitconfig')]), join(configFolder(), 'git', 'config')];
}

function configFolder(): string {
  const { HOME = '/', XDG_CONFIG_HOME } = gitEnvironment({});
  return XDG_CONFIG_HOME ? XDG_CONFIG_HOME : join(HOME, '.config');
}

function homes(): string {
  const { HOME = '', XDG_CONFIG_HOME = '' } = gitEnvironment({});
  return JSON.stringify([HOME, XDG_CONFIG_HOME]);
}

/** Settings name files relative to the folder in which git ran, or to the home folder. */
function placeOf(path: string, folder: string): string {
  const { HOME = '/' } = gitEnvironment({});
  if (path.startsWith('~/')) return join(HOME, path.slice(2));
  return path.startsWith('/') ? path : join(folder, path);
}
