/** What GitLab reads: sections of a job's log that it collapses, and the report of code quality beside a change. */

import { sha256 } from '../../base/sha256.js';
import { visible, visibleBlock } from '../style.js';
import type { Annotation } from './annotations.js';

/** Where GitLab's report goes when no other file is named, relative to the project. git ignores this folder. */
export const QUALITY_REPORT = '.conductor/gl-code-quality-report.json';

const MAX_PROBLEMS = 1000;
const ERASE = '\u001b[0K';

/** `at` is milliseconds since 1970; `name` is one of a kind within the job. */
export function gitlabSection(name: string, at: number, title: string, body: string): string {
  const seconds = Math.floor(at / 1000);
  const id = name.replace(/[^A-Za-z0-9_.-]/g, '_');
  const start = `${ERASE}section_start:${seconds}:${id}[collapsed=true]\r${ERASE}`;
  return `${start}${visible(title)}\n${body}${ERASE}section_end:${seconds}:${id}\r${ERASE}\n`;
}

/** `elsewhere`: the file that problems without one of their own are listed under, because GitLab wants one. */
export function codeQualityReport(annotations: readonly Annotation[], elsewhere: string): string {
  const seen = new Map<string, number>();
  const problems = annotations
    .slice(0, MAX_PROBLEMS)
    .map(({ level, kind, file = elsewhere, line = 1, title, message }) => {
      const description = visibleBlock(`${title}: ${message}`);
      // GitLab compares reports by it: lines move, and the same problem twice in a file is two.
      const same = JSON.stringify([file, kind, description]);
      const count = seen.get(same) ?? 0;
      seen.set(same, count + 1);
      return {
        description,
        check_name: `conductor/${kind}`,
        fingerprint: sha256(`${same} ${count}`),
        severity: level === 'error' ? 'major' : 'minor',
        location: { path: file, lines: { begin: line } },
      };
    });
  return `${JSON.stringify(problems, null, 2)}\n`;
}
