/** Text for GitHub's runner, read as the runner reads it: only conductor's own commands are commands. */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { visible, visibleBlock } from '../style.js';
import type { Annotation } from './annotations.js';
import { CommandGuard, githubAnnotations, githubGroup } from './github.js';

interface Command {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly data: string;
}

/** As `ActionCommand.TryParseV2` and `TryParse` of GitHub's runner find them. */
function commandsIn(text: string): Command[] {
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    const start = line.trimStart();
    const v2 = /^::([^\s:]+)(?: (.*?))?::(.*)$/s.exec(start);
    if (v2) {
      const properties = (v2[2] ?? '').split(',').flatMap((one): [string, string][] => {
        const [key = '', value] = one.split(/=(.*)/s);
        return value === undefined ? [] : [[key, unescaped(value, true)]];
      });
      return [
        { name: v2[1] ?? '', properties: Object.fromEntries(properties), data: unescaped(v2[3] ?? '') },
      ];
    }
    const v1 = /##\[([^\]\s]+)[^\]]*\]/.exec(line);
    return v1 ? [{ name: v1[1] ?? '', properties: {}, data: '' }] : [];
  });
}

function unescaped(text: string, isProperty = false): string {
  const plain = isProperty ? text.replaceAll('%3A', ':').replaceAll('%2C', ',') : text;
  return plain.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');
}

const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        ':',
        '##[',
        '##',
        '[',
        '#',
        ']',
        '\n',
        '\r',
        '\r\n',
        ' ',
        '\t',
        '%0A',
        '%',
        '\u0085',
        '\u180e',
        '\u200b',
      ),
      fc.constantFrom(
        '::error::x',
        '##[add-mask]x',
        '::stop-commands::x',
        '::set-output name=a::b',
        '::add-mask::',
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));

test('what others wrote is no command, in whatever pieces it is written', () => {
  fc.assert(
    fc.property(fc.array(hostile, { maxLength: 6 }), (pieces) => {
      const guard = new CommandGuard();
      const safe = pieces.map((piece) => guard.text(piece)).join('');
      expect(commandsIn(safe)).toEqual([]);
      expect(safe.replaceAll(' ', '')).toBe(pieces.join('').replaceAll(' ', ''));
    }),
    { numRuns: 1000 },
  );
});

test('commands of conductor begin their lines, whatever others wrote before, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(hostile, fc.constant(undefined)), { maxLength: 8 }), (pieces) => {
      const guard = new CommandGuard();
      const safe = pieces.map((piece) =>
        piece === undefined ? guard.commands('::group::own\n') : guard.text(piece),
      );
      const own = pieces.filter((piece) => piece === undefined);
      expect(commandsIn(safe.join(''))).toEqual(
        own.map(() => ({ name: 'group', properties: {}, data: 'own' })),
      );
    }),
    { numRuns: 1000 },
  );
});

test('what the runner may skip at the beginning of a line does not hide a command in the next piece', () => {
  for (const blank of [' ', '\t', '\u0085', '\u180e', '\u200b', '\ufeff']) {
    const guard = new CommandGuard();
    expect(guard.text(`\n${blank}`) + guard.text(blank) + guard.text('::error::x')).toBe(
      `\n${blank}${blank}: :error::x`,
    );
  }
});

test('JSON stays the same value, and holds no command', () => {
  fc.assert(
    fc.property(hostile, fc.nat(20), (text, at) => {
      const json = `${JSON.stringify({ [text]: [text] })}\n`;
      const guard = new CommandGuard();
      const safe = guard.text(json.slice(0, at), true) + guard.text(json.slice(at), true);
      expect(JSON.parse(safe)).toEqual({ [text]: [text] });
      expect(commandsIn(safe)).toEqual([]);
    }),
  );
});

test('an annotation is one command that says what it was given, and nothing else is', () => {
  fc.assert(
    fc.property(hostile, hostile, hostile, (file, title, message) => {
      const one: Annotation = {
        level: 'error',
        kind: 'bug',
        file,
        line: 3,
        column: undefined,
        title,
        message,
      };
      const text = githubAnnotations([one]);
      const same = (words: string) => words.replaceAll('##[', '## [');
      expect(commandsIn(text)).toEqual([
        {
          name: 'error',
          properties: { file: same(visible(file)), line: '3', title: same(visible(title)) },
          data: same(visibleBlock(message)),
        },
      ]);
    }),
  );
});

test('a group holds no command but its own two', () => {
  fc.assert(
    fc.property(hostile, hostile, (title, body) => {
      const names = commandsIn(githubGroup(title, `${body}\n`)).map(({ name }) => name);
      expect(names).toEqual(['group', 'endgroup']);
    }),
  );
});

test('GitHub drops what is above ten of a level: conductor says how many', () => {
  const one = (level: Annotation['level'], n: number): Annotation => ({
    ...{ level, kind: 'bug', file: undefined, line: undefined, column: undefined },
    ...{ title: `${level} ${n}`, message: '' },
  });
  const many = Array.from({ length: 14 }, (_, n) => [one('error', n), one('warning', n)]).flat();
  const names = commandsIn(githubAnnotations(many)).map(({ name }) => name);
  expect(names).toEqual([...Array(10).fill('error'), ...Array(10).fill('warning'), 'notice']);
  expect(githubAnnotations(many)).toContain('8 more are in the log');
});
