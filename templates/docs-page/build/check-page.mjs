/**
 * A gate for a page of documentation: `node check-page.mjs <page>...`. Looks at headings, links within the project,
 * anchors and blocks of code, and tells all problems at once. Knows nothing of what the page says.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

const pages = process.argv.slice(2);
const problems = pages.flatMap((page) =>
  problemsOf(page).map(({ line, text }) => `${page}:${line}: ${text}`),
);
if (pages.length === 0) problems.push('usage: node check-page.mjs <page>...');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function problemsOf(page) {
  if (!existsSync(page)) return [{ line: 1, text: 'there is no such page' }];
  const { headings, blocks, prose } = read(readFileSync(page, 'utf8'));
  return [
    ...headingProblems(headings),
    ...blocks.flatMap(blockProblems),
    ...prose.flatMap(({ line, text }) => linkProblems(page, line, text)),
    ...prose
      .filter(({ text }) => /\b(?:TODO|TBD|FIXME|lorem ipsum)\b/i.test(withoutCode(text)))
      .map(({ line }) => ({ line, text: 'something is left to be written' })),
  ].sort((a, b) => a.line - b.line);
}

/** A page taken apart: headings, blocks of code, and all other lines. */
function read(text) {
  const [headings, blocks, prose] = [[], [], []];
  let block;
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const fence = /^\s*(`{3,}|~{3,})\s*([\w-]*)/.exec(content);
    if (block) {
      if (fence?.[2] === '' && fence[1].startsWith(block.fence)) {
        blocks.push({ ...block, closed: true });
        block = undefined;
      } else block.lines.push(content);
    } else if (fence) block = { line, fence: fence[1], language: fence[2], lines: [] };
    else {
      const heading = /^(#{1,6})\s+(.+?)\s*#*$/.exec(content);
      if (heading) headings.push({ line, level: heading[1].length, text: heading[2] });
      prose.push({ line, text: content });
    }
  }
  if (block) blocks.push({ ...block, closed: false });
  return { headings, blocks, prose };
}

function headingProblems(headings) {
  const [first, ...others] = headings;
  if (first?.level !== 1)
    return [{ line: first?.line ?? 1, text: 'the page does not begin with a title (`# …`)' }];
  return others.flatMap(({ line, level }, index) => {
    if (level === 1) return [{ line, text: 'there is a second title' }];
    return level > headings[index].level + 1 ? [{ line, text: 'the heading skips a level' }] : [];
  });
}

function blockProblems({ line, language, lines, closed }) {
  if (!closed) return [{ line, text: 'the block of code is not closed' }];
  if (language === '') return [{ line, text: 'the block of code does not name its language' }];
  const code = lines.join('\n');
  if (language === 'json') {
    try {
      JSON.parse(code);
    } catch (error) {
      return [{ line, text: `this is no JSON: ${error.message}` }];
    }
  }
  if (['js', 'mjs', 'javascript'].includes(language)) {
    const message = syntaxError(code);
    if (message !== undefined) return [{ line, text: `this is no JavaScript: ${message}` }];
  }
  return [];
}

function syntaxError(code) {
  const folder = mkdtempSync(join(tmpdir(), 'check-page-'));
  try {
    const file = join(folder, 'example.mjs');
    writeFileSync(file, code);
    const { status, stderr } = spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
    return status === 0 ? undefined : (/^SyntaxError: .+/m.exec(stderr)?.[0] ?? 'it cannot be read');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function linkProblems(page, line, text) {
  const links = [...withoutCode(text).matchAll(/\]\(\s*<?([^\s)>]+)/g)].map(([, target]) => target);
  return links.flatMap((target) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [path, anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), decoded(path));
    if (relative('.', file).startsWith('..')) return [{ line, text: `${target} leads out of the project` }];
    if (!existsSync(file)) return [{ line, text: `${target} leads to nothing` }];
    if (!anchor || !file.endsWith('.md') || statSync(file).isDirectory()) return [];
    return anchors(file).has(anchor) ? [] : [{ line, text: `${target} leads to no heading` }];
  });
}

/** The anchors that headings get on GitHub and elsewhere. */
function anchors(file) {
  const taken = new Map();
  const names = read(readFileSync(file, 'utf8')).headings.map(({ text }) => {
    const name = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-');
    const times = taken.get(name) ?? 0;
    taken.set(name, times + 1);
    return times === 0 ? name : `${name}-${times}`;
  });
  return new Set(names);
}

function decoded(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function withoutCode(text) {
  return text.replace(/(`+).*?\1/g, '');
}
