/** Differences of files and texts, line by line, with the words that changed in a line marked. Every part of it is text. */

import { diffWordsWithSpace, parsePatch } from 'diff';
import { useState } from 'preact/hooks';
import type { FileDiff } from '../../model/page.js';
import { plural } from '../format.js';
import { Sign } from './status.js';

/** Lines of one file that are drawn before the reader asks for the rest. */
const FIRST_LINES = 400;
/** Longer lines are not compared word by word. */
const MAX_LINE = 1000;

interface Row {
  readonly kind: 'same' | 'old' | 'new' | 'head';
  readonly text: string;
  readonly oldLine?: number;
  readonly newLine?: number;
  /** Stretches of the text that changed. */
  readonly parts?: readonly { readonly text: string; readonly isChanged: boolean }[];
}

export function DiffLines({ lines, label }: { readonly lines: readonly string[]; readonly label: string }) {
  return <Table rows={rowsOfLines(lines)} label={label} />;
}

export function FileDiffView({ file, open = true }: { readonly file: FileDiff; readonly open?: boolean }) {
  const counts = file.binary ? 'not text' : `+${file.insertions} −${file.deletions}`;
  return (
    <details class="file-diff" open={open}>
      <summary>
        <Sign kind={file.change} />
        <span class="path">{file.path}</span>
        <span class="counts">{counts}</span>
      </summary>
      {file.binary ? <p class="dim pad">The content is not text.</p> : <PatchTable file={file} />}
    </details>
  );
}

export function FileDiffs({ files }: { readonly files: readonly FileDiff[] }) {
  // With many files, each is opened by the reader.
  return (
    <div class="file-diffs">
      {files.map((file) => (
        <FileDiffView key={file.path} file={file} open={files.length <= 8} />
      ))}
    </div>
  );
}

function PatchTable({ file }: { readonly file: FileDiff }) {
  return <Table rows={rowsOfPatch(file.patch)} label={`difference of ${file.path}`} />;
}

function Table({ rows, label }: { readonly rows: readonly Row[]; readonly label: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? rows : rows.slice(0, FIRST_LINES);
  return (
    <div class="diff" tabIndex={0} role="region" aria-label={label}>
      <table>
        <tbody>
          {shown.map((row, index) => (
            <tr key={index} class={`diff-${row.kind}`}>
              <td class="number">{row.oldLine ?? ''}</td>
              <td class="number">{row.newLine ?? ''}</td>
              <td class="mark">{MARKS[row.kind]}</td>
              <td class="code">
                <Code row={row} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <button type="button" class="more" onClick={() => setAll(true)}>
          Show {plural(rows.length - shown.length, 'more line')}
        </button>
      )}
    </div>
  );
}

const MARKS = { same: ' ', old: '−', new: '+', head: '' } as const;

function Code({ row }: { readonly row: Row }) {
  if (!row.parts) return <>{row.text}</>;
  return (
    <>{row.parts.map((part, index) => (part.isChanged ? <mark key={index}>{part.text}</mark> : part.text))}</>
  );
}

function rowsOfPatch(patch: string): Row[] {
  try {
    return parsePatch(patch).flatMap(({ hunks }) =>
      hunks.flatMap((hunk) => [
        {
          kind: 'head' as const,
          text: `lines ${hunk.newStart} to ${hunk.newStart + Math.max(0, hunk.newLines - 1)}`,
        },
        ...rowsOfHunk(hunk.lines, hunk.oldStart, hunk.newStart),
      ]),
    );
  } catch {
    // A patch that was cut is shown as it is.
    return rowsOfLines(patch.split('\n'));
  }
}

function rowsOfLines(lines: readonly string[]): Row[] {
  const rows: Row[] = [];
  let hunk: string[] = [];
  let at: readonly [number, number] | undefined;
  const end = () => {
    rows.push(...rowsOfHunk(hunk, at?.[0], at?.[1]));
    hunk = [];
  };
  for (const line of lines) {
    const head = /^@@ (?:-(\d+)(?:,\d+)? \+(\d+))?(.*)/.exec(line);
    if (!head) {
      hunk.push(line);
      continue;
    }
    end();
    at = head[1] === undefined ? undefined : [Number(head[1]), Number(head[2])];
    const named = head[1] === undefined ? (head[3] ?? '').replace(/@@$/, '').trim() : `lines from ${head[2]}`;
    rows.push({ kind: 'head', text: named });
  }
  end();
  return rows;
}

function rowsOfHunk(lines: readonly string[], oldStart?: number, newStart?: number): Row[] {
  let [oldLine, newLine] = [oldStart, newStart];
  const rows = lines
    .filter((line) => !line.startsWith('\\'))
    .map((line): Row => {
      const text = line.slice(1);
      if (line.startsWith('-'))
        return { kind: 'old', text, ...numbered('oldLine', oldLine === undefined ? undefined : oldLine++) };
      if (line.startsWith('+'))
        return { kind: 'new', text, ...numbered('newLine', newLine === undefined ? undefined : newLine++) };
      const both = {
        ...numbered('oldLine', oldLine === undefined ? undefined : oldLine++),
        ...numbered('newLine', newLine === undefined ? undefined : newLine++),
      };
      return { kind: 'same', text, ...both };
    });
  return withWords(rows);
}

function numbered(key: 'oldLine' | 'newLine', value: number | undefined): Partial<Row> {
  return value === undefined ? {} : { [key]: value };
}

/** Removed lines with as many added ones right behind them are the same lines, changed. */
function withWords(rows: readonly Row[]): Row[] {
  const marked = [...rows];
  for (let i = 0; i < rows.length; ) {
    let old = i;
    while (rows[old]?.kind === 'old') old++;
    let fresh = old;
    while (rows[fresh]?.kind === 'new') fresh++;
    const pairs = old - i;
    if (pairs > 0 && fresh - old === pairs)
      for (let k = 0; k < pairs; k++) {
        const [before, after] = comparedWords(rows[i + k] as Row, rows[old + k] as Row);
        marked[i + k] = before;
        marked[old + k] = after;
      }
    i = Math.max(fresh, i + 1);
  }
  return marked;
}

function comparedWords(old: Row, fresh: Row): [Row, Row] {
  if (old.text.length > MAX_LINE || fresh.text.length > MAX_LINE) return [old, fresh];
  const words = diffWordsWithSpace(old.text, fresh.text);
  const same = words
    .filter((word) => !word.added && !word.removed)
    .reduce((sum, { value }) => sum + value.length, 0);
  // Lines with little in common are two lines.
  if (same * 3 < Math.max(old.text.length, fresh.text.length)) return [old, fresh];
  const side = (mine: 'added' | 'removed', other: 'added' | 'removed') =>
    words
      .filter((word) => !word[other])
      .map((word) => ({ text: word.value, isChanged: word[mine] === true }));
  return [
    { ...old, parts: side('removed', 'added') },
    { ...fresh, parts: side('added', 'removed') },
  ];
}
