/** Rules moved to a project's folder, with git as the judge. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Dice } from '../../test/rig/random-project.js';
import { conversions, type RulesFile, rulesFor } from './git-rules.js';

const root = mkdtempSync(join(tmpdir(), 'conductor-rules-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function git(dir: string, input: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: root, GIT_CONFIG_NOSYSTEM: '1', GIT_ATTR_NOSYSTEM: '1' };
  try {
    return execFileSync('git', args, { cwd: dir, input, env, encoding: 'utf8' });
  } catch (error) {
    // `check-ignore` says with 1 that nothing is ignored.
    if ((error as { status?: number }).status === 1) return (error as { stdout: string }).stdout;
    throw error;
  }
}

function repository(name: string, files: Readonly<Record<string, string>>): string {
  const dir = join(root, name);
  mkdirSync(dir);
  git(dir, '', 'init', '-q');
  mkdirSync(join(dir, '.git/info'), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const NAMES = ['a', 'b', 'app', 'x.txt', 'y.bat', 'z[1].txt', 'a b', 'packages'];
const PIECES = [...NAMES, '*', '**', '*.txt', '?', '[ab]', 'a*', 'z\\[1\\].txt', '*.bat', '*p*'];

test.each(['', 'packages/app/', 'a b/'])(
  'rules for the folder "%s" are those that git has there',
  (prefix) => {
    const dice = new Dice(prefix.length + 7);
    const pattern = () =>
      `${dice.below(3) === 0 ? '/' : ''}${Array.from({ length: 1 + dice.below(3) }, () => dice.pick(PIECES)).join('/')}`;
    const folders = ['', 'packages/', 'a b/', prefix, `${prefix}a/`, `${prefix}a b/`, `${prefix}app/b/`];
    const ignores: RulesFile[] = [];
    const attributes: RulesFile[] = [];
    for (const folder of new Set(folders)) {
      const ignore = Array.from({ length: 3 }, () => {
        const text = pattern();
        // A rule that ignores a folder above the project leaves no project.
        const safe = prefix === '' || folder.startsWith(prefix) ? text : `${text}/x.txt`;
        return `${dice.below(4) === 0 ? '!' : ''}${safe}${dice.below(4) === 0 ? '/' : ''}`;
      });
      ignores.push({ folder, text: `# comment\n${ignore.join('\n')}\n` });
      const words = ['filter=one', '-filter', '!filter', 'text eol=crlf', '-text', 'ident', 'binary', 'kind'];
      const lines = Array.from({ length: 4 }, () => {
        const text = pattern();
        return `${text.includes(' ') ? JSON.stringify(text) : text} ${dice.pick(words)}`;
      });
      attributes.push({
        folder,
        text: `${folder === '' ? '[attr]kind filter=two -text\n' : ''}${lines.join('\n')}\n`,
      });
    }
    const paths = new Set<string>();
    for (let i = 0; i < 200; i++)
      paths.add(Array.from({ length: 1 + dice.below(4) }, () => dice.pick(NAMES)).join('/'));
    const files = Object.fromEntries([
      ...ignores.map(({ folder, text }) => [`${folder}.gitignore`, text]),
      ...attributes.map(({ folder, text }) => [`${folder}.gitattributes`, text]),
    ]);
    const whole = repository(`whole${prefix.length}`, files);
    const text = rulesFor({ ignores, attributes }, prefix);
    const alone = repository(`alone${prefix.length}`, {
      '.git/info/exclude': text.ignores,
      '.git/info/attributes': text.attributes,
    });
    // A rule for folders also matches a folder that is there.
    for (const file of Object.keys(files)) paths.delete(file.slice(prefix.length).split('/')[0] as string);
    const list = (at: string) => [...paths].map((path) => `${at}${path}\0`).join('');

    const ignored = (dir: string, at: string) =>
      git(dir, list(at), 'check-ignore', '--no-index', '-z', '--stdin')
        .split('\0')
        .filter((path) => path !== '')
        .map((path) => path.slice(at.length));
    expect(ignored(alone, '')).toEqual(ignored(whole, prefix));

    const asked = ['check-attr', '-z', '--stdin', 'filter', 'text', 'eol', 'ident'];
    const said = git(whole, list(prefix), ...asked)
      .replaceAll(`\0${prefix}`, '\0')
      .slice(prefix.length);
    expect(git(alone, list(''), ...asked)).toBe(said);

    const fields = said.split('\0');
    const expected = new Map<string, string>();
    for (let at = 0; at + 12 <= fields.length; at += 12) {
      const [filter, isText, eol, ident] = [2, 5, 8, 11].map((offset) => fields[at + offset]);
      const words = [
        ...(filter === 'unspecified' || filter === 'unset' ? [] : [`filter=${filter}`]),
        ...(eol === 'crlf' && isText !== 'unset' ? ['eol=crlf'] : []),
        ...(ident === 'set' ? ['ident'] : []),
      ];
      if (words.length > 0) expected.set(fields[at] as string, words.join(' '));
    }
    const conversionOf = conversions(text);
    const found = [...paths].flatMap((path) => {
      const conversion = conversionOf?.(path);
      return conversion === undefined ? [] : [[path, conversion] as const];
    });
    expect(new Map(found)).toEqual(expected);
    expect(expected.size).toBeGreaterThan(0);
  },
);

test('what git makes of a file follows from text, crlf, eol and encoding together', () => {
  const choices = [
    ['', 'text', '-text', 'text=auto', 'text=input', 'text=other'],
    ['', 'crlf', '-crlf', 'crlf=input'],
    ['', 'eol=crlf', 'eol=lf'],
    ['', 'working-tree-encoding=UTF-16LE', 'ident'],
  ];
  const words = choices.reduce(
    (before, more) => before.flatMap((one) => more.map((word) => `${one} ${word}`)),
    [''],
  );
  const attributes = words.map((text, i) => `f${i}${text}\n`).join('');
  const dir = repository('together', { '.git/info/attributes': attributes, plain: 'a\nb\n$Id$\n' });
  const blob = git(dir, '', 'hash-object', '-w', '--no-filters', 'plain').trim();
  git(dir, words.map((_, i) => `100644 ${blob}\tf${i}\n`).join(''), 'update-index', '--index-info');
  git(dir, '', 'checkout-index', '--all');
  const conversionOf = conversions({ attributes, ignores: '' });
  for (const [i, text] of words.entries()) {
    const bytes = readFileSync(join(dir, `f${i}`));
    const isEncoded = bytes.includes(0);
    const made = bytes.toString(isEncoded ? 'utf16le' : 'utf8');
    const expected = [
      ...(made.includes('\r') ? ['eol=crlf'] : []),
      ...(isEncoded ? ['working-tree-encoding=UTF-16LE'] : []),
      ...(made.includes('$Id:') ? ['ident'] : []),
    ];
    expect(conversionOf?.(`f${i}`), text).toBe(expected.length === 0 ? undefined : expected.join(' '));
  }
});
