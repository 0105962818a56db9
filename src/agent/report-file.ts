/** The file in which an agent with a command line reports what it is missing: its place, and reading it. */

import { validateSchema } from '../io/document/document.js';
import { readPlainSync } from '../io/files.js';
import { redact, redactDeep } from '../io/process/environment.js';
import { type AgentReport, cleanReport } from '../model/agents/agent-report.js';
import type { AgentRequest } from './agent.js';

/** Name of the variable that holds the file's path. */
export const REPORT_VARIABLE = 'CONDUCTOR_NEEDS';
/** A report is a few lines; a longer file is something else. */
const MAX_BYTES = 64 * 1024;

/** The report in a file, without secrets. Says what is wrong with one that cannot be read. */
export async function takeReport(
  file: string,
  { onEvent }: Pick<AgentRequest, 'onEvent'>,
  secrets: readonly string[],
): Promise<{ report?: AgentReport }> {
  const { report, problem } = await readReport(file, secrets);
  if (problem !== undefined) {
    const line = `its report in ${REPORT_VARIABLE} cannot be used: ${problem}`;
    onEvent({ kind: 'output', line: redact(line, secrets) });
  }
  return report === undefined ? {} : { report: redactDeep(report, secrets) };
}

/** Both undefined: the agent wrote none. */
async function readReport(
  file: string,
  secrets: readonly string[],
): Promise<{ report?: AgentReport; problem?: string }> {
  const found = readPlainSync(file, MAX_BYTES);
  if (found === undefined || 'problem' in found) return found ?? {};
  // Before it is parsed: the parser's message quotes a few characters, which may be a part of a secret.
  const text = redact(found.text, secrets);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  const problems = await validateSchema('agent-report', value);
  if (problems.length > 0)
    return {
      problem: problems.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`).join('; '),
    };
  const report = cleanReport(value as AgentReport);
  return report === undefined ? {} : { report };
}
