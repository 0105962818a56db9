/** The file in which an agent with a command line reports what it is missing: its place, and reading it. */

import { validateSchema } from '../io/document/document.js';
import { readText } from '../io/files.js';
import { type AgentReport, cleanReport } from '../model/agents/agent-report.js';

/** Name of the variable that holds the file's path. */
export const REPORT_VARIABLE = 'CONDUCTOR_NEEDS';
/** A report is a few lines; a longer file is something else. */
const MAX_BYTES = 64 * 1024;

/** The report in a file, and what is wrong with one that cannot be read. Both undefined: the agent wrote none. */
export async function readReport(file: string): Promise<{ report?: AgentReport; problem?: string }> {
  const text = await readText(file);
  if (text === undefined || text.trim() === '') return {};
  if (Buffer.byteLength(text) > MAX_BYTES) return { problem: `it has more than ${MAX_BYTES} bytes` };
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
