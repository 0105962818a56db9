/** How a tool for MCP clients is written: its arguments are checked before it runs, and its text is bounded. */

import { ownValue } from '../../base/records/own-value.js';
import { compileValueSchema, type ValueCheck } from '../../io/document/value-schema.js';
import { asFailure } from '../../io/files.js';
import type { McpAnswer, McpCaller, McpTool } from '../../io/network/mcp.js';
import { printFailure } from '../../report/failures/failure-print.js';
import { plainStyle } from '../../report/style.js';

/** Bytes of one answer: more fills the context of the model that asked. */
const MAX_BYTES = 100_000;

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** JSON Schemas of the arguments by name. */
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
  readonly isReadOnly: boolean;
  run(args: ToolArguments, caller: McpCaller): Promise<McpAnswer>;
}

/** Arguments that the schema of their tool has accepted. */
export class ToolArguments {
  private readonly values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.values = values;
  }

  get<T>(name: string): T | undefined {
    return ownValue(this.values, name) as T | undefined;
  }

  text(name: string): string {
    return String(ownValue(this.values, name) ?? '');
  }

  list(name: string): readonly string[] {
    return (ownValue(this.values, name) as readonly string[] | undefined) ?? [];
  }

  /** Milliseconds of an argument in seconds. */
  ms(name: string, seconds: number): number {
    return ((ownValue(this.values, name) as number | undefined) ?? seconds) * 1000;
  }
}

export function tool(definition: ToolDefinition): McpTool {
  const { name, description, properties, required = [], isReadOnly, run } = definition;
  const inputSchema = { type: 'object' as const, properties, required, additionalProperties: false };
  let check: ValueCheck | undefined;
  return {
    name,
    description,
    inputSchema,
    isReadOnly,
    async call(args, caller) {
      if (!check) {
        const compiled = await compileValueSchema(inputSchema, {});
        if (!compiled.ok) throw new Error(`BUG: the schema of ${name} is not valid: ${compiled.error}`);
        check = compiled.value;
      }
      const problems = check(args).map(({ path, message }) => `${path.join('.') || 'arguments'}: ${message}`);
      if (problems.length > 0) return refused(problems.join('\n'));
      try {
        return bounded(await run(new ToolArguments(args), caller));
      } catch (error) {
        const failure = asFailure(error);
        if (!failure) throw error;
        return refused(printFailure(failure, plainStyle));
      }
    },
  };
}

export function refused(text: string): McpAnswer {
  return { text, isError: true };
}

function bounded(answer: McpAnswer): McpAnswer {
  const bytes = Buffer.from(answer.text);
  if (bytes.length <= MAX_BYTES) return answer;
  const text = bytes.subarray(0, MAX_BYTES).toString('utf8');
  return { ...answer, text: `${text}\n… (${bytes.length - MAX_BYTES} more bytes are left out)` };
}
