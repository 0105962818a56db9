/** `conductor prompt <task>`: the prompt of a task on stdout, byte for byte, and its size on stderr. */

import { type PromptPreview, previewPrompts } from '../../../commands/prompt-preview.js';
import { printJson, refuse } from '../../output.js';
import { createHost } from '../../wire.js';

export async function runPrompt(target: string, flags: { readonly json?: boolean }): Promise<number> {
  const done = await previewPrompts(createHost(process.cwd()), target);
  if (!done.ok) return refuse(done.error);
  if (flags.json) {
    printJson({ schema: 1, prompts: done.value.map(forMachines) });
    return 0;
  }
  const [preview, ...others] = done.value;
  if (!preview || others.length > 0) {
    const labels = done.value.map(({ label }) => label).join(', ');
    return refuse({
      kind: 'usage',
      message: `${target} names ${done.value.length} tasks of agents: ${labels}`,
      hint: 'name one of them, or print all with --json',
    });
  }
  process.stdout.write(preview.text);
  for (const line of sizeLines(preview)) process.stderr.write(`${line}\n`);
  return 0;
}

function sizeLines({ label, agent, instructions, material, limit, waitingFor }: PromptPreview): string[] {
  const lines = [
    `${label}: ${instructions} of ${limit} bytes of the task itself, ${material} bytes of reference material; agent ${agent}`,
  ];
  if (waitingFor.length > 0) {
    lines.push(
      `not built yet: ${waitingFor.join(', ')}; the prompt shows what they declare instead of their files`,
    );
  }
  return lines;
}

function forMachines({
  label,
  agent,
  model,
  text,
  instructions,
  material,
  limit,
  waitingFor,
}: PromptPreview) {
  return { label, agent, model, prompt: text, bytes: { instructions, material, limit }, waitingFor };
}
